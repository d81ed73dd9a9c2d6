from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.errors import UnusableBundle
from pneumoscope.inference.lungs import LungSegmenter, told_apart
from pneumoscope.radiograph.reading import read_radiograph
from support.lung_graphs import SPEC, dark_is_lung, film, with_dark_lungs


@pytest.fixture(scope="module")
def segmenter(shipped_bundle):
    return LungSegmenter(with_dark_lungs(shipped_bundle))


def test_the_patients_right_lung_is_on_the_left_side_of_the_picture(segmenter):
    lungs = segmenter.lungs(film(right=(56, 168, 28, 56)))
    assert lungs.right_area_share == pytest.approx(112 * 28 / 224**2)
    assert lungs.left_area_share == pytest.approx(112 * 56 / 224**2)
    assert np.flatnonzero(lungs.right.any(axis=0)).tolist() == list(range(14, 28))


def test_area_and_centre_are_those_of_both_lungs(segmenter):
    lungs = segmenter.lungs(film())
    assert lungs.area_share == pytest.approx(2 * 112 * 56 / 224**2)
    assert lungs.smaller_share == pytest.approx(0.5)
    assert lungs.centre == pytest.approx((0.5, 0.5))


def test_the_mask_has_the_size_that_the_model_sees(shipped_bundle):
    full_size = np.kron(film(), np.ones((3, 2), np.uint8))
    mask = LungSegmenter(with_dark_lungs(shipped_bundle)).mask(full_size)
    assert np.array_equal(mask, film() < 128)


def test_two_lungs_that_are_off_the_middle_are_split_where_least_lung_is():
    mask = np.zeros((40, 40), bool)
    mask[10:30, 2:10] = mask[10:30, 14:20] = True
    lungs = told_apart(mask)
    assert (lungs.right.sum(), lungs.left.sum()) == (160, 120)


def test_a_lung_alone_belongs_to_the_side_where_it_lies():
    mask = np.zeros((40, 40), bool)
    mask[10:30, 24:36] = True
    lungs = told_apart(mask)
    assert (lungs.right.sum(), lungs.left.sum()) == (0, 240)


def test_no_lungs_have_no_area_and_no_centre():
    lungs = told_apart(np.zeros((8, 8), bool))
    assert lungs.area_share == lungs.smaller_share == 0
    assert np.isnan(lungs.centre).all()


def test_lungs_of_an_inverted_film_are_found_in_its_inverse(segmenter):
    lungs = segmenter.lungs(255 - film())
    assert not segmenter.lungs(film()).air_is_bright
    assert segmenter.lungs(np.full((224, 224), 200, np.uint8)).area_share == 0
    assert lungs.area_share > 0.5  # the bright surroundings, which became dark, are found as shown
    dim = np.where(film() < 128, 255, 250).astype(np.uint8)
    assert not segmenter.lungs(dim).air_is_bright  # its inverse is dark all over: no usual lungs


def test_bright_lungs_on_a_bright_ground_are_found_only_by_inverting(shipped_bundle):
    spec = replace(SPEC, threshold=0.6)
    segmenter = LungSegmenter(with_dark_lungs(shipped_bundle, spec))
    inverted = np.where(film() < 128, 255, 110).astype(np.uint8)
    lungs = segmenter.lungs(inverted)
    assert lungs.air_is_bright
    assert lungs.area_share == pytest.approx(0.25)


def test_the_shipped_segmentation_finds_two_lungs_in_every_real_radiograph(shipped_bundle, example_radiographs):
    segmenter = LungSegmenter(shipped_bundle)
    for path in example_radiographs:
        lungs = segmenter.lungs(read_radiograph(path).gray)
        assert 0.15 < lungs.area_share < 0.6
        assert lungs.smaller_share > 0.3


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"not a graph", "ONNX Runtime can open"),
        (dark_is_lung(160), "not the input that the card describes"),
        (dark_is_lung(output="mask"), "does not return lung_probability"),
    ],
)
def test_a_graph_that_is_not_of_lungs_is_foreign(shipped_bundle, content, what):
    with pytest.raises(UnusableBundle, match=rf"lungs\.onnx.*{what}"):
        LungSegmenter(replace(with_dark_lungs(shipped_bundle), lungs=content))


def test_a_bundle_without_a_segmentation_says_so(shipped_bundle):
    without = replace(shipped_bundle, card=replace(shipped_bundle.card, lungs=None), lungs=None)
    with pytest.raises(UnusableBundle, match="no lung segmentation"):
        LungSegmenter(without)
