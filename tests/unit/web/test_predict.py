"""`POST /predict` answers the field's clients with their keys, and what it says is what the predictor says."""

from __future__ import annotations

import base64
import io
import math

import pytest
from PIL import Image

from .conftest import gray_png, upload

REFERENCE_KEYS = {"diagnosis", "confidence", "raw_score", "status", "gradcam_available", "gradcam"}
OUR_KEYS = {"probability", "operating_point", "threshold", "warnings", "zone"}


def test_the_keys_are_those_of_the_reference_system_and_five_of_our_own(send, bright):
    response = send("POST", "/predict", **upload(bright))

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == REFERENCE_KEYS | OUR_KEYS
    assert response.json()["status"] == "success"
    assert response.json()["gradcam_available"] is True


def test_pneumonia_is_reported_with_its_probability_in_percent(send, bright):
    answer = send("POST", "/predict", **upload(bright)).json()

    assert answer["diagnosis"] == "PNEUMONIA"
    assert answer["raw_score"] == pytest.approx(1 / (1 + math.exp(-(8 * 191 / 255 - 4))), abs=0.005)
    assert answer["confidence"] == round(100 * answer["raw_score"], 2)
    assert (answer["operating_point"], answer["threshold"]) == ("balanced", 0.3)


def test_the_confidence_of_normal_is_the_probability_of_normal(send, dark):
    answer = send("POST", "/predict", **upload(dark)).json()

    assert answer["diagnosis"] == "NORMAL"
    assert answer["raw_score"] < 0.3
    assert answer["confidence"] == round(100 * (1 - answer["raw_score"]), 2)


def test_the_decision_is_made_at_the_operating_point_not_at_one_half(send):
    answer = send("POST", "/predict", **upload(gray_png(115))).json()

    assert 0.3 < answer["raw_score"] < 0.5
    assert answer["diagnosis"] == "PNEUMONIA"
    assert answer["confidence"] < 50


def test_the_answer_is_what_the_predictor_says_of_the_same_bytes(send, predictor, bright, dark, dicom):
    for data in (bright, dark, dicom):
        answer = send("POST", "/predict", **upload(data)).json()
        prediction = predictor.predict(data)

        assert answer["raw_score"] == answer["probability"] == prediction.probability
        assert answer["diagnosis"] == prediction.decision
        assert [warning["code"] for warning in answer["warnings"]] == [warning.code for warning in prediction.warnings]


def test_the_gradcam_is_a_png_of_the_radiograph_in_colour(send):
    answer = send("POST", "/predict", **upload(gray_png(150, columns=300, rows=200))).json()

    with Image.open(io.BytesIO(base64.b64decode(answer["gradcam"], validate=True))) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (300, 200))


def test_a_large_radiograph_comes_back_at_screen_size(send):
    data = gray_png(150, columns=2600, rows=1300)
    answer = send("POST", "/predict", **upload(data)).json()

    with Image.open(io.BytesIO(base64.b64decode(answer["gradcam"]))) as picture:
        assert picture.size == (1280, 640)


def test_dicom_is_read_and_nothing_of_its_names_comes_back(send, dicom):
    response = send("POST", "/predict", **upload(dicom, "Doe_Jane.dcm"))

    assert response.status_code == 200
    assert {warning["code"] for warning in response.json()["warnings"]} >= {"age-outside-population"}
    for secret in ("Doe", "Jane", "SECRET"):
        assert secret not in response.text


def test_health_is_as_clients_of_the_reference_system_expect(send):
    assert send("GET", "/health").json() == {
        "status": "healthy",
        "model_loaded": True,
        "gradcam_enabled": True,
        "api_version": "2.0",
    }


def test_openapi_describes_the_upload_the_answer_and_the_problems(send):
    described = send("GET", "/openapi.json").json()["paths"]

    assert {"/predict", "/health"} <= set(described)
    post = described["/predict"]["post"]
    assert set(post["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
    assert "application/problem+json" in post["responses"]["413"]["content"]


def test_the_shipped_bundle_answers_as_its_predictor(shipped_bundle, example_radiographs):
    from pneumoscope.explanation.coloring import Coloring
    from pneumoscope.inference.predictor import Predictor
    from pneumoscope.web.answer import reference_answer

    predictor = Predictor(shipped_bundle, threads=1)
    for path in example_radiographs[:2]:
        answer = reference_answer(path.read_bytes(), predictor, Coloring(scale_logit=1.0))
        assert answer.raw_score == predictor.predict(path).probability
