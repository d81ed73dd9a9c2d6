from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.inference.lung_gate import lung_warnings, refuse_without_lungs
from pneumoscope.inference.lungs import told_apart
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.radiograph import Radiograph
from pneumoscope.radiograph.reading import read_radiograph
from support.lung_graphs import SPEC, film, with_dark_lungs


def radiograph(gray: np.ndarray) -> Radiograph:
    return Radiograph(gray=gray, source="film", media_type="image/png", sha256="")


def lungs_of(gray: np.ndarray):
    return told_apart(gray < 128)


@pytest.fixture(scope="module")
def gated(shipped_bundle) -> Predictor:
    return Predictor(with_dark_lungs(shipped_bundle), threads=1)


def test_usual_lungs_pass_without_a_word(gated):
    refuse_without_lungs(lungs_of(film()), SPEC)
    assert lung_warnings(lungs_of(film()), SPEC) == []
    assert gated.predict(radiograph(film())).warnings == ()


def test_a_picture_without_lungs_is_refused_with_what_to_do(gated):
    blank = radiograph(np.full((224, 224), 200, np.uint8))
    with pytest.raises(RefusedRadiograph, match=r"0\.0% of the picture.*5\.0%.*no-lungs.*upright"):
        gated.predict(blank)
    with pytest.raises(RefusedRadiograph, match="no-lungs"):
        gated.predict_batch([radiograph(film()), blank])


def test_an_evaluation_scores_what_the_gate_refuses(gated):
    blank = radiograph(np.full((224, 224), 200, np.uint8))
    assert gated.predict_ungated(blank).logit == gated.scored(blank, None).logit


def test_what_is_unusual_is_said_in_one_warning():
    small = lungs_of(film(right=(0, 40, 0, 60), left=(0, 40, 180, 200)))
    (warning,) = lung_warnings(small, SPEC)
    assert warning.code == "lungs-unusual"
    for part in (
        "6% of the picture (10% to 50% is usual)",
        "at 9% of the picture's height (30% to 70%)",
        "has 25% of their area",
    ):
        assert part in warning.message


def test_lungs_that_are_found_by_inverting_are_warned_of():
    (warning,) = lung_warnings(replace(lungs_of(film()), air_is_bright=True), SPEC)
    assert warning.code == "air-shown-bright"


def test_nothing_at_all_gives_a_warning_that_can_be_read():
    messages = [warning.message for warning in lung_warnings(lungs_of(np.full((8, 8), 200, np.uint8)), SPEC)]
    assert len(messages) == 1
    assert "nan" not in messages[0]


def test_the_shipped_gate_lets_every_real_radiograph_pass_and_refuses_what_is_none(predictor, example_radiographs):
    for path in example_radiographs:
        film_read = read_radiograph(path)
        assert predictor.predict(film_read).lungs is not None
    upside_down = replace(film_read, gray=np.ascontiguousarray(film_read.gray[::-1]))
    noise = np.random.default_rng(0).integers(0, 256, (300, 300)).astype(np.uint8)
    page = np.where(np.indices((300, 300))[0] // 6 % 2, 240, np.random.default_rng(1).integers(0, 256, (300, 300)))
    for none in (upside_down, radiograph(noise), radiograph(page.astype(np.uint8))):
        with pytest.raises(RefusedRadiograph, match="no-lungs"):
            predictor.predict(none)


def test_an_inverted_film_is_answered_with_a_warning(predictor, example_radiographs):
    read = read_radiograph(example_radiographs[0])
    prediction = predictor.predict(replace(read, gray=255 - read.gray))
    assert "air-shown-bright" in {warning.code for warning in prediction.warnings}
