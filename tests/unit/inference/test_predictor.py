import math
from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.card import Population
from pneumoscope.errors import RefusedRadiograph, UnusableBundle, UnusableOption
from pneumoscope.inference.parity import measured_parity
from pneumoscope.inference.population import population_warnings
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.radiograph import Radiograph
from pneumoscope.radiograph.reading import read_radiograph


def test_the_shipped_map_plus_bias_is_the_logit_on_every_real_radiograph(predictor, example_radiographs):
    bias = predictor.bundle.card.saliency.bias_logit
    for path in example_radiographs:
        prediction = predictor.predict(path)
        assert prediction.saliency_map.sum() + bias == pytest.approx(prediction.logit, abs=1e-4)


def test_score_and_probability_are_sigmoids_of_the_logit_before_and_after_calibration(predictor, example_radiographs):
    prediction = predictor.predict(example_radiographs[0])
    calibration = predictor.bundle.card.calibration
    assert prediction.score == pytest.approx(1 / (1 + math.exp(-prediction.logit)))
    calibrated = calibration.slope * prediction.logit + calibration.intercept
    assert prediction.probability == pytest.approx(1 / (1 + math.exp(-calibrated)))


def test_path_bytes_and_radiograph_give_the_same_answer(predictor, example_radiographs):
    path = example_radiographs[0]
    sources = (path, str(path), path.read_bytes(), read_radiograph(path))
    assert len({predictor.predict(source).logit for source in sources}) == 1


def test_a_batch_gives_what_each_gives_alone(predictor, example_radiographs):
    radiographs = [read_radiograph(path) for path in example_radiographs[:5]]
    for together, radiograph in zip(predictor.predict_batch(radiographs), radiographs, strict=True):
        alone = predictor.predict(radiograph)
        assert together.logit == pytest.approx(alone.logit, abs=1e-5)
        assert np.allclose(together.saliency_map, alone.saliency_map, atol=1e-6)


def test_the_operating_point_decides(shipped_bundle, example_radiographs):
    with pytest.raises(UnusableOption, match="operating-point-unknown"):
        Predictor(shipped_bundle, operating_point="best")
    strict = Predictor(shipped_bundle, operating_point="rule-in", threads=1)
    prediction = strict.predict(example_radiographs[0])
    assert (prediction.decision == "PNEUMONIA") == (prediction.probability >= prediction.operating_point.threshold)


def test_a_file_that_is_no_radiograph_is_refused(predictor):
    with pytest.raises(RefusedRadiograph, match="not-a-picture"):
        predictor.predict(b"not a picture at all")


def test_a_graph_that_is_not_onnx_is_foreign(shipped_bundle):
    with pytest.raises(UnusableBundle, match="bundle-foreign"):
        Predictor(replace(shipped_bundle, model=b"not a graph"))


def test_a_graph_for_another_picture_size_is_foreign(shipped_bundle: Bundle):
    smaller = replace(shipped_bundle.card.preprocessing, size_px=160)
    with pytest.raises(UnusableBundle, match="not the input that the card describes"):
        Predictor(replace(shipped_bundle, card=replace(shipped_bundle.card, preprocessing=smaller)))


POPULATION = Population("children", (1.0, 5.0), ("AP",))


def film(age_years=None, view_position=None) -> Radiograph:
    return Radiograph(
        gray=np.zeros((64, 64), np.uint8),
        source="film",
        media_type="application/dicom",
        sha256="",
        age_years=age_years,
        sex=None,
        view_position=view_position,
        warnings=(),
    )


@pytest.mark.parametrize(
    ("age_years", "warned"), [(None, False), (0.5, True), (1.0, False), (5.9, False), (6.0, True), (71.0, True)]
)
def test_an_age_outside_the_population_is_warned_of_with_its_tag(age_years, warned):
    found = population_warnings(film(age_years=age_years), POPULATION)
    assert [warning.tag for warning in found] == ["(0010,1010) PatientAge"] * warned


@pytest.mark.parametrize(("view", "warned"), [(None, False), ("AP", False), ("PA", True), ("LL", True)])
def test_a_view_outside_the_population_is_warned_of_with_its_tag(view, warned):
    found = population_warnings(film(view_position=view), POPULATION)
    assert [warning.tag for warning in found] == ["(0018,5101) ViewPosition"] * warned


def test_a_small_copy_made_as_the_published_ones_were_gives_the_same_answer(predictor, example_radiographs, tmp_path):
    from PIL import Image

    for path in example_radiographs[:6]:
        for folder in ("originals", "copies"):
            (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "originals" / path.name).write_bytes(path.read_bytes())
        with Image.open(path) as picture:
            small = picture.convert("L").resize((224, 224), Image.Resampling.NEAREST)
        small.save(tmp_path / "copies" / path.name, format="PNG")
    measured = measured_parity(tmp_path / "originals", tmp_path / "copies", predictor, workers=1)
    assert measured["files"] == 6
    assert measured["probability_difference"]["largest"] < 1e-6
    assert measured["mean_gray_level_difference"] == 0
