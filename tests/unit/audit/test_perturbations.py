import numpy as np
import pytest

from pneumoscope.audit.perturbations import (
    PERTURBATIONS,
    borders_cropped,
    brighter,
    contrast_times,
    corner_markers_hidden,
    halved_and_back,
    made_small_by,
    mirrored,
    sharpened,
    turned,
)
from support.phantom import chest_phantom

SIZE_PX = 224


@pytest.fixture
def gray(generator):
    return chest_phantom(300, 400, generator)


@pytest.mark.parametrize("perturbation", PERTURBATIONS, ids=lambda perturbation: perturbation.name)
def test_a_perturbation_gives_another_picture_and_leaves_the_first_alone(perturbation, gray):
    before = gray.copy()
    changed = perturbation.change(gray, SIZE_PX)
    assert changed.dtype == np.uint8
    assert changed.shape != gray.shape or (changed != gray).any()
    assert np.array_equal(gray, before)


@pytest.mark.parametrize("perturbation", PERTURBATIONS, ids=lambda perturbation: perturbation.name)
def test_only_cropping_and_small_copies_change_the_size(perturbation, gray):
    shape = perturbation.change(gray, SIZE_PX).shape
    expected = {"borders-cropped": (270, 360), "small-copy-bilinear": (224, 224), "small-copy-lanczos": (224, 224)}
    assert shape == expected.get(perturbation.name, (300, 400))


def test_a_marker_in_any_corner_goes_and_the_middle_stays(gray):
    gray[:50, :60] = 20
    gray[-50:, -60:] = 20
    marked = gray.copy()
    marked[5:15, 5:15] = 255
    marked[-15:-5, -15:-5] = 255
    hidden = corner_markers_hidden(marked, SIZE_PX)
    assert (hidden[:50, :66] != 255).all()
    assert np.array_equal(hidden, corner_markers_hidden(gray, SIZE_PX))
    assert np.array_equal(hidden[50:-50], gray[50:-50])


def test_cropping_takes_a_twentieth_at_every_edge(gray):
    assert np.array_equal(borders_cropped(gray, SIZE_PX), gray[15:-15, 20:-20])


def test_turning_moves_a_point_by_the_angle_and_draws_no_wedge():
    gray = np.full((201, 201), 90, np.uint8)
    gray[99:102, 179:182] = 255
    rotated = turned(5)(gray, SIZE_PX)
    y, x = np.unravel_index(int(rotated.argmax()), rotated.shape)
    assert np.degrees(np.arctan2(100 - y, x - 100)) == pytest.approx(5, abs=0.8)  # counter-clockwise
    assert rotated.min() == 90


def test_brightness_moves_every_level_and_stops_at_white():
    gray = np.array([[0, 100], [240, 255]], np.uint8)
    assert brighter(25.5)(gray, SIZE_PX).tolist() == [[26, 126], [255, 255]]
    assert brighter(-25.5)(gray, SIZE_PX).tolist() == [[0, 74], [214, 230]]


def test_contrast_is_stretched_about_the_mean():
    gray = np.array([[50, 150]], np.uint8)
    assert contrast_times(0.8)(gray, SIZE_PX).tolist() == [[60, 140]]
    assert contrast_times(1.25)(gray, SIZE_PX).tolist() == [[38, 162]]


def test_mirroring_twice_gives_the_first():
    gray = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert mirrored(gray, SIZE_PX).tolist() == [[2, 1, 0], [5, 4, 3]]


def test_blurring_is_as_strong_on_an_original_as_on_its_small_copy():
    blurred = next(perturbation for perturbation in PERTURBATIONS if perturbation.name == "blurred").change
    small = np.zeros((224, 224), np.uint8)
    small[:, 112:] = 200
    large = np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)
    seen = blurred(large, SIZE_PX)[2::4, 2::4].astype(int)
    assert np.abs(seen - blurred(small, SIZE_PX)).max() <= 25
    assert np.abs(blurred(large, SIZE_PX).astype(int) - large).max() >= 90


def test_sharpening_overshoots_at_an_edge_and_halving_takes_detail(gray):
    edge = np.full((64, 64), 100, np.uint8)
    edge[:, 32:] = 150
    assert sharpened(edge, 64).max() > 155
    assert sharpened(edge, 64).min() < 95
    stripes = np.tile(np.array([0, 200], np.uint8), (64, 32))
    assert np.ptp(halved_and_back(stripes, SIZE_PX)) == 0


def test_a_small_copy_cannot_be_told_of_a_picture_that_is_small():
    from PIL import Image

    assert made_small_by(Image.Resampling.LANCZOS)(np.zeros((224, 400), np.uint8), SIZE_PX) is None
