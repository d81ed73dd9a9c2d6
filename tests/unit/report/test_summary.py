"""The words of the summary follow the numbers."""

from dataclasses import replace

import pytest

from pneumoscope.report.chosen_here import chosen_here
from pneumoscope.report.evaluated import Evaluated, evaluated
from pneumoscope.report.summary import ranking, summary


def entry(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


def contrived(*, good):
    """624 radiographs on which everything held, or nothing."""
    sensitivity = entry(0.95, 0.9, 0.99) if good else entry(0.5, 0.4, 0.6)
    specificity = entry(0.95, 0.9, 0.99)
    return {
        "split": "test",
        "radiographs": 200,
        "patients": 200,
        "with_finding": 100,
        "interval": {"level": 0.95, "method": "percentile bootstrap", "unit": "patient", "resamples": 100},
        "test_openings": {"recorded": 1 if good else 4, "this_one": True},
        "metrics": {
            "auroc": entry(0.98, 0.96, 0.99) if good else entry(0.52, 0.44, 0.6),
            "calibration_intercept": entry(0.05, -0.2, 0.3) if good else entry(1.5, 1.1, 1.9),
            "calibration_error": entry(0.02, 0.01, 0.03) if good else entry(0.2, 0.1, 0.3),
            "brier_score": entry(0.03) if good else entry(0.3),
        },
        "before_calibration": {"calibration_error": entry(0.1), "brier_score": entry(0.1)},
        "operating_points": {
            "balanced": {
                "threshold": 0.5,
                "promised": {"sensitivity": 0.94, "specificity": 0.96, "on": "validation", "rule": "best"},
                "confusion": {
                    "true_positive": 95 if good else 50,
                    "false_negative": 5 if good else 50,
                    "true_negative": 95,
                    "false_positive": 5,
                },
                "metrics": {"sensitivity": sensitivity, "specificity": specificity},
                "at_prevalence": {"prevalence": 0.05, "ppv": entry(0.5), "npv": entry(0.997)},
            }
        },
        "zones": {
            "frozen": {"alpha": 0.05},
            "metrics": {
                "uncertain": entry(0.1, 0.05, 0.15),
                "called_unlikely_with_finding": entry(0.04, 0.01, 0.08) if good else entry(0.3, 0.2, 0.4),
                "called_likely_without_finding": entry(0.06, 0.02, 0.1),
            },
        },
        "subgroups": {
            "subtype": [
                {
                    "name": "viral",
                    "small": False,
                    "metrics": {"auroc": entry(0.97 if good else 0.3, 0.2, 0.99 if good else 0.4)},
                },
                {"name": "bacterial", "small": False, "metrics": {"auroc": entry(0.99, 0.98, 1.0)}},
                {"name": "rare", "small": True, "metrics": {"auroc": entry(0.1, 0.0, 0.2)}},
                {"name": "empty", "small": False, "metrics": {"auroc": entry(None)}},
            ]
        },
    }


@pytest.fixture
def good():
    return " ".join(summary(evaluated(contrived(good=True), None)))


@pytest.fixture
def bad():
    return " ".join(summary(evaluated(contrived(good=False), None)))


def test_there_are_five_to_eight_sentences():
    assert len(summary(evaluated(contrived(good=True), None))) == 8


def test_a_promise_that_lies_in_the_interval_held(good, bad):
    assert "What balanced promised on validation held" in good
    assert "did not hold" not in good
    assert (
        "The promises made on validation did not hold: at balanced, sensitivity fell from 94.0 % to 50.0 % (40.0 to 60.0)."
        in bad
    )


def test_a_promise_that_was_exceeded_is_not_called_broken():
    document = contrived(good=True)
    document["operating_points"]["balanced"]["promised"]["sensitivity"] = 0.8
    text = " ".join(summary(evaluated(document, None)))
    assert "were more than held: at balanced, sensitivity rose from 80.0 % to 95.0 %" in text


def test_where_some_promises_held_it_is_said_which():
    document = contrived(good=False)
    held = contrived(good=True)["operating_points"]["balanced"]
    document["operating_points"]["rule-in"] = held
    text = " ".join(summary(evaluated(document, None)))
    assert "Not every promise made on validation held: at balanced, sensitivity fell" in text
    assert "what rule-in promised held" in text


def test_an_interval_without_width_is_said_to_have_none():
    assert "(AUROC 1.000, the same in every resample)" in ranking(entry(1.0, 1.0, 1.0))


def test_a_ranking_that_chance_explains_is_said_to_be_guessing(good, bad):
    assert "guessing" not in good
    assert "cannot be told from guessing" in bad
    assert "worse than guessing" in ranking(entry(0.3, 0.2, 0.4))


def test_decisions_are_told_as_counts(good):
    assert "calls 95 of 100 radiographs with pneumonia by that name" in good
    assert "and 5 of 100 without it wrongly so" in good


def test_calibration_that_made_it_worse_is_said_openly(good, bad):
    assert "the calibrated probabilities are better than the raw scores" in good
    assert (
        "the calibrated probabilities are worse here than the raw scores (calibration error 0.200 against 0.100" in bad
    )


def test_the_direction_of_the_probabilities_follows_the_sign_of_the_intercept(good, bad):
    assert "neither too high nor too low" in good
    assert "too low for these radiographs" in bad
    document = contrived(good=True)
    document["metrics"]["calibration_intercept"] = entry(-1.0, -1.5, -0.5)
    assert "too high for these radiographs" in " ".join(summary(evaluated(document, None)))


def test_two_measures_that_disagree_are_called_about_equal():
    document = contrived(good=True)
    document["before_calibration"]["brier_score"] = entry(0.01)
    assert "about equally good" in " ".join(summary(evaluated(document, None)))


def test_zones_are_kept_broken_or_open_by_value_and_interval(good, bad):
    assert "4.0 % (1.0 to 8.0) of those with pneumonia were called unlikely (kept)" in good
    assert "6.0 % (2.0 to 10.0) of those without likely (not kept here, though chance may explain it)" in good
    assert "30.0 % (20.0 to 40.0) of those with pneumonia were called unlikely (broken)" in bad


def test_the_weakest_subgroup_is_one_that_is_large_enough_to_tell(good, bad):
    assert "the weakest is subtype, viral (AUROC 0.970, 95 % interval 0.200 to 0.990), not clearly below" in good
    assert "1 more is too small to tell" in good
    assert "the weakest is subtype, viral (AUROC 0.300, 95 % interval 0.200 to 0.400), clearly below" in bad


def test_how_often_the_test_was_opened_is_part_of_what_it_proves(good, bad):
    assert "has opened that test once." in good
    assert "opened that test 4 times, and the more often" in bad


def test_without_operating_points_nothing_is_said_of_decisions():
    document = contrived(good=True) | {"operating_points": {}}
    subject = evaluated(document, None)
    assert isinstance(subject, Evaluated)
    assert subject.default_point is None
    text = " ".join(summary(subject))
    assert "operating point" not in text
    assert "promise" not in text.replace("it was promised that at most", "")


def test_nothing_is_said_to_be_kept_on_the_radiographs_that_chose_it():
    document = contrived(good=True) | {"split": "validation"}
    document["zones"]["frozen"]["chosen_on"] = "validation"
    first, *rest = summary(evaluated(document, None))
    assert first.startswith("These radiographs chose the calibration, operating points and zones of this model")
    assert "cannot be tested on them" in first
    text = " ".join(rest)
    for word in ("held", "kept", "better", "neither too high", "broken"):
        assert word not in text
    assert "calibration error is 0.020" in text


def test_what_was_fitted_is_told_by_checksum_too(shipped_bundle):
    record = {"fitted": ["zones"], "split": "validation", "scores_sha256": "s" * 64, "radiographs_sha256": "r" * 64}
    training = {"manifest_sha256": "m" * 64}
    card = replace(shipped_bundle.card, provenance={"fitted_on": [record], "training_data": training})
    none = {"split": None, "operating_points": {}}
    assert chosen_here(none | {"data": {"scores_sha256": "s" * 64}}, card) == ("zones",)
    assert chosen_here(none | {"data": {"radiographs_sha256": "r" * 64}}, card) == ("zones",)
    assert chosen_here(none | {"data": {"radiographs_sha256": "x" * 64}}, card) == ()
    assert chosen_here(none | {"split": "train", "data": {"manifest_sha256": "m" * 64}}, card) == ("weights",)
    assert chosen_here(none | {"split": "train", "data": {"manifest_sha256": "x" * 64}}, card) == ()


def test_the_weakest_groups_at_the_default_operating_point_are_told():
    document = contrived(good=True)
    for group, rates in zip(
        document["subgroups"]["subtype"], ((0.7, None), (0.9, 0.6), (0.1, 0.1), (None, 0.8)), strict=True
    ):
        group["operating_points"] = {
            "balanced": {"sensitivity": entry(rates[0], 0.1, 0.9), "specificity": entry(rates[1])}
        }
    text = " ".join(summary(evaluated(document, None)))
    assert (
        "At balanced, sensitivity is lowest in subtype, viral (70.0 %, 95 % interval 10.0 to 90.0; of all 95.0 %)"
        in text
    )
    assert "and specificity is lowest in subtype, bacterial (60.0 %; of all 95.0 %)." in text
    document["operating_points"]["balanced"]["metrics"]["specificity"] = entry(0.6)
    assert "specificity is lowest" not in " ".join(summary(evaluated(document, None)))


def test_patients_that_are_not_known_are_not_counted():
    document = contrived(good=True)
    document["interval"]["unit"] = "radiograph"
    assert "200 radiographs (patients unknown)" in summary(evaluated(document, None))[0]
