"""A number in a document comes out of a results file: the documents equal what is rendered from the files."""

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT / "benchmarks"))

import tables  # noqa: E402
from blocks.words import RUN  # noqa: E402
from pneumoscope.evaluation.evaluate import short_form  # noqa: E402


@pytest.mark.parametrize("path", tables.documents(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_the_numbers_in_the_document_are_those_of_the_files(path):
    text = path.read_text("utf-8")
    assert tables.rendered(text) == text, "run: python benchmarks/tables.py"


def test_the_main_documents_hold_numbers():
    names = {path.relative_to(PROJECT).as_posix() for path in tables.documents()}
    assert {"README.md", "docs/explanation/preprocessing.md"} <= names


def test_the_card_carries_the_test_metrics_of_the_evaluation_of_this_very_model(shipped_bundle):
    evaluation = json.loads((PROJECT / RUN / "test/evaluation.json").read_text())
    assert evaluation["bundle"]["model_sha256"] == hashlib.sha256(shipped_bundle.model).hexdigest()
    short = json.loads(json.dumps(short_form(evaluation)))
    assert shipped_bundle.card.metrics["test"]["metrics"] == short["metrics"]
    assert shipped_bundle.card.metrics["test"]["operating_points"] == short["operating_points"]


def test_the_parity_was_measured_on_the_shipped_preprocessing(shipped_bundle):
    parity = json.loads((PROJECT / "results/preprocessing-parity.json").read_text())
    assert parity["files"] == 127
    assert parity["preprocessing"] == shipped_bundle.card.preprocessing.to_dict()
    assert parity["model_sha256"] == hashlib.sha256(shipped_bundle.model).hexdigest()
    assert parity["calibration"] == asdict(shipped_bundle.card.calibration)
