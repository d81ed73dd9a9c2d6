"""What `pneumoscope explain --json` says keeps to its JSON Schema."""

import json
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource

REFERENCE = Path(__file__).parents[3] / "docs/reference"
SCHEMA = json.loads((REFERENCE / "explanation-result.schema.json").read_text("utf-8"))
PREDICTION = json.loads((REFERENCE / "prediction-result.schema.json").read_text("utf-8"))
REGISTRY = Registry().with_resource("prediction-result.schema.json", Resource.from_contents(PREDICTION))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, registry=REGISTRY)


@pytest.fixture
def radiograph(example_radiographs):
    return next(path for path in example_radiographs if path.name.startswith("person1178"))


@pytest.fixture
def explained(run, radiograph):
    def explained(*arguments):
        status, out, err = run("explain", radiograph, *arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    return explained


@pytest.mark.parametrize(
    "arguments",
    [
        ("--similar", "3"),
        ("--method", "hirescam"),
        ("--method", "layercam", "--style", "contours"),
        ("--method", "occlusion"),
        ("--method", "rise", "--budget-seconds", "0.001"),
    ],
)
def test_every_method_keeps_to_the_schema(explained, arguments):
    VALIDATOR.validate(explained(*arguments))


def test_what_is_written_beside_the_picture_keeps_to_the_schema(explained, tmp_path):
    explained("--similar", "2", "--output", tmp_path)
    (written,) = tmp_path.glob("*.json")
    found = json.loads(written.read_text("utf-8"))
    VALIDATOR.validate(found)
    assert (tmp_path / found["picture"]).is_file()


def test_another_classifier_keeps_to_the_schema_without_a_prediction(explained, shipped_bundle):
    model = shipped_bundle.folder / "model.onnx"
    found = explained("--onnx", model, "--input-size", "224", "--budget-seconds", "0.001")
    VALIDATOR.validate(found)
    assert found["prediction"] is None


def test_the_schema_refuses_what_is_none(explained):
    found = explained()
    for wrong in ({"extra": 1}, {"answer": "high"}, {"prediction": {}}, {"similar": [{"case_id": "a"}]}):
        assert not VALIDATOR.is_valid({**found, **wrong})
    assert VALIDATOR.is_valid(found)


def test_the_agreement_of_the_maps_is_that_of_occlusion_where_the_method_did_not_finish(explained):
    for arguments in ((), ("--method", "rise", "--budget-seconds", "0.001")):
        trust = explained(*arguments)["prediction"]["map_trust"]
        assert trust["agreement_with"] == "occlusion"
        assert -1 <= trust["agreement"] <= 1
