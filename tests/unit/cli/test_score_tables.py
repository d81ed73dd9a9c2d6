from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.cli.score_tables import (
    by_card,
    measured_points,
    of_one_split,
    refuse_another_model,
    subgroup_columns,
    thresholds_of,
)
from pneumoscope.errors import UnusableData, UnusableOption
from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.inference.score_origin import BundleIdentity, ScoreOrigin

HERE = Path("scores.csv")


def table(**extras):
    return ScoreColumns(
        paths=["a", "b", "c", "d"],
        labels=np.array([True, False, True, False]),
        probabilities=np.array([0.9, 0.2, 0.6, 0.4]),
        logits=np.array([2.0, -1.0, 0.5, -0.5]),
        extras=extras,
    )


def splits(*names):
    return table(split=categories(names))


def test_the_split_that_a_table_records_is_told():
    found, split = of_one_split(splits("validation", "validation", "validation", "validation"), None, where=HERE)
    assert (len(found), split) == (4, "validation")


def test_of_several_splits_the_stated_one_is_taken():
    found, split = of_one_split(splits("test", "train", "test", "train"), "train", where=HERE)
    assert (list(found.paths), split) == (["b", "d"], "train")


def test_several_splits_are_never_evaluated_together():
    with pytest.raises(UnusableOption, match=r"several-splits.*--split") as refused:
        of_one_split(splits("test", "train", "test", ""), None, where=HERE)
    assert "test and train and no split" in refused.value.message


def test_a_split_that_is_not_there_is_refused():
    with pytest.raises(UnusableData, match="split-empty"):
        of_one_split(splits("test", "test", "test", "test"), "validation", where=HERE)


@pytest.mark.parametrize("unknown", [table(), splits("", "", "", "")])
def test_where_nothing_is_recorded_the_stated_split_holds(unknown):
    assert of_one_split(unknown, "validation", where=HERE) == (unknown, "validation")
    assert of_one_split(unknown, None, where=HERE) == (unknown, None)


def test_scores_of_another_model_are_refused(shipped_bundle):
    own = ScoreOrigin(BundleIdentity.of(shipped_bundle), 1.0, 0.0, "films", None, None, None, "")
    refuse_another_model(own, shipped_bundle, where=HERE)
    refuse_another_model(None, shipped_bundle, where=HERE)
    other = replace(own, bundle=replace(own.bundle, model_sha256="0" * 64))
    with pytest.raises(UnusableData, match="scores-of-another-model"):
        refuse_another_model(other, shipped_bundle, where=HERE)


def test_probabilities_are_made_anew_by_the_cards_calibration(shipped_bundle):
    calibration = shipped_bundle.card.calibration
    found = by_card(table(), shipped_bundle.card).probabilities
    assert found.tolist() == [calibration.probability(logit) for logit in (2.0, -1.0, 0.5, -0.5)]
    without = replace(table(), logits=None)
    assert by_card(without, shipped_bundle.card) is without


def test_thresholds_are_read_by_name():
    points = thresholds_of(["half=0.5", "high = 0.9"])
    assert [(point.name, point.threshold) for point in points] == [("half", 0.5), ("high", 0.9)]


@pytest.mark.parametrize("setting", ["0.5", "=0.5", "half=", "half=x", "half=nan", "half=1", "half=0", "half=1.5"])
def test_a_threshold_that_cannot_be_says_how_to_give_one(setting):
    with pytest.raises(UnusableOption, match="threshold-impossible"):
        thresholds_of([setting])


def test_the_cards_points_are_measured_and_then_the_given_ones(shipped_bundle):
    names = [point.name for point in measured_points(shipped_bundle.card, thresholds_of(["own=0.3"]))]
    assert names == ["balanced", "screening", "rule-in", "own"]
    assert [(point.name, point.threshold) for point in measured_points(None, [])] == [("half", 0.5)]


def test_two_thresholds_of_one_name_are_refused(shipped_bundle):
    with pytest.raises(UnusableOption, match="threshold-twice"):
        measured_points(shipped_bundle.card, thresholds_of(["balanced=0.3"]))


def test_the_usual_subgroups_are_subtype_and_quartiles_of_what_is_known():
    numbers = np.array([1.0, 2.0, 3.0, 4.0])
    found = table(
        subtype=categories(["viral", "", "bacterial", ""]),
        width_px=categories(["224"] * 4),
        original_width_px=numbers,
        height_px=numbers,
        sharpness=numbers,
        site=categories(["a", "b", "a", "b"]),
    )
    assert subgroup_columns(found) == ["subtype", "original_width_px", "height_px", "sharpness"]


def test_copies_of_one_size_and_unknown_subtypes_make_no_subgroups():
    assert subgroup_columns(table(subtype=categories([""] * 4), width_px=categories(["224"] * 4))) == []
