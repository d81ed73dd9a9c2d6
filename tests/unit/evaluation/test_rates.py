import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from pneumoscope.evaluation.metrics import ConfusionCounts
from pneumoscope.evaluation.rates import decision_columns, predictive_values, rates, weighted_outcomes

repeatable = settings(deadline=None, derandomize=True, max_examples=60, database=None)


def counted(true_positive: int, false_negative: int, true_negative: int, false_positive: int) -> dict[str, float]:
    return ConfusionCounts(true_positive, false_negative, true_negative, false_positive).rates


def test_likelihood_ratios_of_a_worked_case():
    found = counted(true_positive=90, false_negative=10, true_negative=80, false_positive=20)
    assert found["likelihood_ratio_positive"] == pytest.approx(0.9 / 0.2)
    assert found["likelihood_ratio_negative"] == pytest.approx(0.1 / 0.8)


def test_a_test_without_false_alarms_has_an_infinite_likelihood_ratio():
    assert counted(5, 5, 10, 0)["likelihood_ratio_positive"] == math.inf


def test_what_is_nothing_of_nothing_is_not_a_number():
    none_called = counted(true_positive=0, false_negative=4, true_negative=6, false_positive=0)
    assert {name for name, value in none_called.items() if math.isnan(value)} == {
        "ppv",
        "likelihood_ratio_positive",
        "matthews",
    }
    assert none_called["npv"] == 0.6
    assert all(math.isnan(value) for value in counted(0, 0, 0, 0).values())


def test_the_properties_of_counts_do_not_divide_by_zero():
    nothing = ConfusionCounts(0, 0, 0, 0)
    assert math.isnan(nothing.sensitivity)
    assert math.isnan(nothing.specificity)
    assert math.isnan(nothing.accuracy)


@repeatable
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 5)), min_size=1))
def test_weighted_rates_equal_scikit_learn(rows):
    decisions, labels, times = (np.array(column) for column in zip(*rows, strict=True))
    decisions, labels = decisions.astype(bool), labels.astype(bool)
    found = rates(weighted_outcomes(decision_columns(decisions, labels), times[np.newaxis].astype(float)))
    expected = {
        "accuracy": reference.accuracy_score(labels, decisions, sample_weight=times),
        "sensitivity": reference.recall_score(labels, decisions, sample_weight=times, zero_division=math.nan),
        "specificity": reference.recall_score(~labels, ~decisions, sample_weight=times, zero_division=math.nan),
        "ppv": reference.precision_score(labels, decisions, sample_weight=times, zero_division=math.nan),
        "npv": reference.precision_score(~labels, ~decisions, sample_weight=times, zero_division=math.nan),
        "f1": reference.f1_score(labels, decisions, sample_weight=times, zero_division=math.nan),
    }
    for name, value in expected.items():
        assert found[name][0] == pytest.approx(value, nan_ok=True), name
    if not math.isnan(found["matthews"][0]):
        assert found["matthews"][0] == pytest.approx(
            reference.matthews_corrcoef(labels, decisions, sample_weight=times), abs=1e-9
        )


@repeatable
@given(*[st.integers(0, 50)] * 4)
def test_the_properties_of_counts_are_the_rates(true_positive, false_negative, true_negative, false_positive):
    counts = ConfusionCounts(true_positive, false_negative, true_negative, false_positive)
    for name in ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv"):
        assert getattr(counts, name) == pytest.approx(counts.rates[name], nan_ok=True)


def test_predictive_values_at_a_prevalence_of_a_worked_case():
    found = predictive_values(np.array([0.9]), np.array([0.8]), prevalence=0.1)
    assert found["ppv"][0] == pytest.approx(0.09 / (0.09 + 0.18))
    assert found["npv"][0] == pytest.approx(0.72 / (0.72 + 0.01))


def test_predictive_values_at_the_prevalence_of_the_data_are_those_of_the_data():
    counts = ConfusionCounts(true_positive=30, false_negative=10, true_negative=50, false_positive=10)
    found = predictive_values(np.array([counts.sensitivity]), np.array([counts.specificity]), prevalence=0.4)
    assert found["ppv"][0] == pytest.approx(counts.ppv)
    assert found["npv"][0] == pytest.approx(counts.npv)
