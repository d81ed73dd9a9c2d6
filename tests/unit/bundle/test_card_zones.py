import json
from dataclasses import replace
from pathlib import Path

import pytest

from pneumoscope.bundle.card import card_from_json, card_to_json, content_sha256
from pneumoscope.errors import UnusableBundle
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.evaluation.zones import ALPHA, ConformalZones, fit_zones

ZONES = ConformalZones(0.05, 0.3, 0.7, 100, 90, 50, 45, "validation")
SCORES = Path(__file__).parents[3] / "results/efficientnet-lite0-twin/validation/scores.csv"
CHECKSUMS = {"model.onnx": "abc"}


@pytest.fixture
def card(shipped_bundle):
    return replace(shipped_bundle.card, lungs=None, cases=None, zones=ZONES)


def test_zones_survive_writing_and_reading(card):
    assert card_from_json(card_to_json(card, CHECKSUMS), where="card.json")[0] == card


def test_a_card_without_zones_has_no_such_key_and_stays_valid(card):
    text = card_to_json(replace(card, zones=None), CHECKSUMS)
    assert "zones" not in json.loads(text)
    assert card_from_json(text, where="card.json")[0].zones is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"alpha": 0.0}, "zones-impossible"), ({"alpha": "x"}, "bundle-corrupted"), ({"colour": 1}, "bundle-corrupted")],
)
def test_zones_that_cannot_be_are_refused(card, changes, code):
    content = json.loads(card_to_json(card, CHECKSUMS))
    content["zones"].update(changes)
    content["checksums"]["card.json"] = content_sha256(content)
    with pytest.raises(UnusableBundle, match=code):
        card_from_json(json.dumps(content), where="card.json")


def test_the_shipped_zones_are_those_of_the_twins_validation_scores(shipped_bundle):
    table = read_score_columns(SCORES)
    found = fit_zones(table.probabilities, table.labels, table.patient_numbers, alpha=ALPHA, chosen_on="validation")
    zones = shipped_bundle.card.zones
    assert zones.chosen_on == "validation of a twin"
    assert zones.pneumonia_possible_from == pytest.approx(found.pneumonia_possible_from, abs=1e-6)
    assert zones.normal_possible_up_to == pytest.approx(found.normal_possible_up_to, abs=1e-6)
    assert (zones.patients_with_finding, zones.radiographs_without_finding) == (
        found.patients_with_finding,
        found.radiographs_without_finding,
    )
