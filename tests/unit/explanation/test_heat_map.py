"""The map lies where its cells are, and shows no evidence that its cells do not have."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.heat_map import blended, heat_map_png, level_picture
from support.phantom import chest_phantom

COLORING = Coloring(scale_logit=1.0)


@pytest.fixture
def gray():
    return chest_phantom(120, 180, np.random.default_rng(5))


def one_hot_cell(row, column, evidence=1.0):
    saliency_map = np.zeros((7, 7), np.float32)
    saliency_map[row, column] = evidence
    return saliency_map


def as_shown(gray):
    return np.repeat(gray[:, :, np.newaxis], 3, axis=2)


@pytest.mark.parametrize("colormap", ["jet", "coolwarm"])
def test_a_zero_map_leaves_the_picture_exactly_as_it_is(gray, colormap):
    picture = blended(gray, np.zeros((7, 7), np.float32), Coloring(scale_logit=1.0, colormap=colormap))
    np.testing.assert_array_equal(np.asarray(picture), as_shown(gray))


def test_a_map_against_pneumonia_leaves_the_picture_exactly_as_it_is(gray):
    picture = blended(gray, np.full((7, 7), -4.0, np.float32), COLORING)
    np.testing.assert_array_equal(np.asarray(picture), as_shown(gray))


def test_an_opacity_of_zero_is_the_radiograph_alone(gray):
    picture = blended(gray, np.full((7, 7), 4.0, np.float32), Coloring(scale_logit=1.0, alpha=0.0))
    np.testing.assert_array_equal(np.asarray(picture), as_shown(gray))


def test_an_opacity_of_one_is_the_colour_alone(gray):
    picture = blended(gray, np.full((7, 7), 4.0, np.float32), Coloring(scale_logit=1.0, alpha=1.0))
    assert set(map(tuple, np.asarray(picture).reshape(-1, 3).tolist())) == {
        (255, 19, 0)
    }  # the red of jet, before it darkens


def test_the_same_evidence_gets_the_same_colour_beside_other_evidence():
    gray = np.full((70, 70), 100, np.uint8)
    beside_nothing = one_hot_cell(1, 1, 0.5)
    beside_much = beside_nothing + one_hot_cell(5, 5, 8.0)
    at_centre = (15, 15)
    colors = [blended(gray, each, COLORING).getpixel(at_centre) for each in (beside_nothing, beside_much)]
    assert colors[0] == colors[1] != (100, 100, 100)


@pytest.mark.parametrize(("rows", "columns"), [(140, 140), (70, 280), (350, 91)])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (4, 1), (6, 3)])
def test_the_hottest_place_is_where_the_hottest_cell_is(rows, columns, row, column):
    levels = np.asarray(level_picture(one_hot_cell(row, column, 0.9), COLORING, (columns, rows)))
    hottest = np.argwhere(levels == levels.max()).mean(axis=0) + 0.5
    assert tuple(np.floor(hottest / (rows / 7, columns / 7)).astype(int)) == (row, column)


def test_no_place_shows_more_evidence_than_the_cells_around_it():
    generator = np.random.default_rng(11)
    saliency_map = generator.normal(size=(7, 7)).astype(np.float32) * 0.4
    levels = np.asarray(level_picture(saliency_map, COLORING, (700, 700)))
    cells = COLORING.levels(saliency_map).astype(int)
    padded = np.pad(cells, 1, mode="edge")
    for row in range(7):
        for column in range(7):
            shown = levels[row * 100 : row * 100 + 100, column * 100 : column * 100 + 100]
            around = padded[row : row + 3, column : column + 3]
            assert around.min() - 1 <= shown.min() <= shown.max() <= around.max() + 1


def test_evidence_changes_without_a_jump_from_one_place_to_the_next():
    saliency_map = np.random.default_rng(12).normal(size=(7, 7)).astype(np.float32) * 0.4
    levels = np.asarray(level_picture(saliency_map, Coloring(scale_logit=2.0, colormap="coolwarm"), (700, 700)))
    steps = [np.abs(np.diff(levels.astype(int), axis=axis)).max() for axis in (0, 1)]
    assert max(steps) <= 2  # neighbouring cells differ by up to 65 levels over 100 pixels


def test_nothing_is_shown_two_cells_away_from_a_hot_cell_where_a_free_cubic_would_ripple():
    saliency_map = one_hot_cell(3, 3, 5.0)
    levels = np.asarray(level_picture(saliency_map, Coloring(scale_logit=1.0, colormap="coolwarm"), (700, 700)))
    assert levels.min() == 128
    assert set(levels[:, :240].ravel()) == {128}


def test_the_heat_map_laid_over_the_radiograph_is_the_overlay(gray):
    saliency_map = one_hot_cell(2, 5, 0.7)
    heat_map = Image.open(io.BytesIO(heat_map_png(saliency_map, COLORING, (180, 120)))).convert("RGBA")
    laid = Image.fromarray(as_shown(gray)).convert("RGBA")
    laid.alpha_composite(heat_map)
    difference = np.asarray(laid.convert("RGB")).astype(int) - np.asarray(blended(gray, saliency_map, COLORING))
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (14, 14), (3, 9)])
def test_maps_of_any_shape_cover_the_whole_picture(gray, shape):
    picture = np.asarray(blended(gray, np.ones(shape, np.float32), COLORING)).astype(int)
    assert picture.shape == (120, 180, 3)
    assert (picture[:, :, 0] > picture[:, :, 1]).all()
