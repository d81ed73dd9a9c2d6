"""How the limit of a trusted map is chosen, and on what."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.dataset.manifest import Label, ManifestRow, Split
from pneumoscope.errors import UnusableData, UnusableOption
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.inference.map_limit import SeenMaps, chosen_least_heat_inside, fitted_map_trust, flagged
from pneumoscope.inference.map_trust import map_trust
from pneumoscope.inference.predictor import Predictor

ROW = ManifestRow("a.png", "0" * 64, Label.PNEUMONIA, "", "p", Split.VALIDATION, 8, 8, "L")


def test_the_limit_flags_at_most_the_given_share_of_the_positive_decisions():
    heat = np.array([*np.linspace(0.5, 0.995, 100), 0.01, np.nan])
    decisions = [Decision.PNEUMONIA] * 100 + [Decision.NORMAL, Decision.PNEUMONIA]
    limit = chosen_least_heat_inside(heat, decisions, [ROW] * 102, flagged_share=0.05)
    doubts = [map_trust(one, Decision.PNEUMONIA, least_heat_inside=limit).doubt for one in heat[:100]]
    assert limit == 0.52  # 0.525 rounded down
    assert 3 <= sum(doubt is not None for doubt in doubts) <= 5


def test_what_is_flagged_is_counted_among_right_and_wrong_decisions():
    rows = [ROW, ROW, replace(ROW, label=Label.NORMAL), replace(ROW, label=Label.NORMAL), ROW]
    decisions = (*[Decision.PNEUMONIA] * 3, Decision.NORMAL, Decision.PNEUMONIA)
    counted = flagged(SeenMaps(np.array([0.9, 0.4, 0.3, 0.1, np.nan]), decisions), rows, 0.5)
    assert counted == {
        "positive_decisions": 4,
        "flagged": 2,
        "wrong_positive_decisions": 1,
        "flagged_wrong": 1,
        "heat_inside_lungs": {"least": 0.3, "median": 0.4},
    }


def test_the_test_split_chooses_nothing(predictor, tmp_path):
    rows = [replace(ROW, split=Split.TEST)]
    with pytest.raises(UnusableData, match="test split"):
        chosen_least_heat_inside(np.array([0.5]), [Decision.PNEUMONIA], rows)
    with pytest.raises(UnusableData, match="test split"):
        fitted_map_trust(rows, tmp_path, predictor, workers=1)


def test_without_a_positive_decision_or_lungs_no_limit_can_be_chosen(shipped_bundle, tmp_path):
    with pytest.raises(UnusableData, match="positive decision"):
        chosen_least_heat_inside(np.array([0.5]), [Decision.NORMAL], [ROW])
    bare = replace(shipped_bundle, card=replace(shipped_bundle.card, lungs=None), lungs=None)
    with pytest.raises(UnusableData, match="lung segmentation"):
        fitted_map_trust([ROW], tmp_path, Predictor(bare, threads=1), workers=1)


@pytest.mark.parametrize("share", [float("nan"), -0.01, 0.51, float("inf")])
def test_a_share_that_cannot_be_doubted_is_refused_before_any_radiograph_is_read(predictor, tmp_path, share):
    with pytest.raises(UnusableOption, match="flagged-share-impossible"):
        fitted_map_trust([ROW], tmp_path / "nowhere", predictor, flagged_share=share, workers=1)
    with pytest.raises(UnusableOption, match="flagged-share-impossible"):
        chosen_least_heat_inside(np.array([0.5]), [Decision.PNEUMONIA], [ROW], flagged_share=share)


def test_what_is_chosen_is_what_predictions_say(predictor, example_radiographs):
    data = example_radiographs[0].parents[1]
    rows = [
        replace(
            ROW,
            path=path.relative_to(data).as_posix(),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            label=Label(path.parent.name),
            patient=path.stem,
        )
        for path in example_radiographs[-4:]
    ]
    heard = []
    spec = fitted_map_trust(rows, data, predictor, workers=1, watch=lambda done, planned: heard.append((done, planned)))
    found = [predictor.predict(path) for path in example_radiographs[-4:]]
    least = min(one.lungs.heat_inside_lungs for one in found if one.decision is Decision.PNEUMONIA)
    assert spec.least_heat_inside == np.floor(least * 100) / 100
    assert spec.metrics["flagged"] == 0
    assert spec.model_sha256 == hashlib.sha256(predictor.bundle.model).hexdigest()
    assert heard[-1] == (4, 4)
