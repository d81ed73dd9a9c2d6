import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.result import result_of_error, result_of_prediction

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/reference/prediction-result.schema.json").read_text("utf-8"))


def test_a_result_with_lungs_keeps_to_the_schema(predictor, example_radiographs):
    result = result_of_prediction("a.jpeg", predictor.predict(example_radiographs[0]), predictor.bundle)
    jsonschema.validate(result, SCHEMA)
    parts = result["lungs"]["evidence_logit"]
    assert sum(parts.values()) == pytest.approx(result["logit"], abs=1e-4)
    assert json.loads(json.dumps(result)) == result


def test_a_bundle_without_a_segmentation_says_nothing_of_lungs(shipped_bundle, example_radiographs):
    bundle = replace(shipped_bundle, card=replace(shipped_bundle.card, lungs=None), lungs=None)
    result = result_of_prediction("a.jpeg", Predictor(bundle, threads=1).predict(example_radiographs[0]), bundle)
    jsonschema.validate(result, SCHEMA)
    assert result["lungs"] is None


def test_a_refusal_has_the_same_keys(predictor, example_radiographs):
    answered = result_of_prediction("a.jpeg", predictor.predict(example_radiographs[0]), predictor.bundle)
    refused = result_of_error(
        "a.jpeg", RefusedRadiograph("no-lungs", "None.", remedy="x"), predictor.bundle, "balanced"
    )
    jsonschema.validate(refused, SCHEMA)
    assert list(refused) == list(answered)
