import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.evaluation.ranking import FIXED_RATES, auroc, rank, ranking_metrics

repeatable = settings(deadline=None, derandomize=True, max_examples=60, database=None)


@pytest.fixture
def drawn(generator):
    """Many ties, and three rows of weights, one of them all ones."""
    labels = generator.random(200) < 0.4
    scores = np.round(generator.normal(labels * 1.5), 1)
    weights = generator.integers(0, 4, (3, 200)).astype(float)
    weights[0] = 1
    return scores, labels, weights


def test_auroc_and_average_precision_equal_scikit_learn_for_any_weights(drawn):
    scores, labels, weights = drawn
    found = ranking_metrics(rank(scores, labels), weights)
    for row, share in enumerate(weights):
        assert found["auroc"][row] == pytest.approx(reference.roc_auc_score(labels, scores, sample_weight=share))
        assert found["average_precision"][row] == pytest.approx(
            reference.average_precision_score(labels, scores, sample_weight=share)
        )


def test_a_weight_of_two_is_the_radiograph_twice(drawn):
    scores, labels, weights = drawn
    times = weights[1].astype(int)
    assert auroc(rank(scores, labels), weights)[1] == pytest.approx(
        area_under_roc(np.repeat(scores, times), np.repeat(labels, times))
    )


@repeatable
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40))
def test_rates_at_fixed_rates_are_the_best_over_all_thresholds(rows):
    scores, labels, times = (np.array(column) for column in zip(*rows, strict=True))
    labels = labels.astype(bool)
    repeated, repeated_labels = np.repeat(scores, times), np.repeat(labels, times)
    found = ranking_metrics(rank(scores.astype(float), labels), times[np.newaxis].astype(float))
    if repeated_labels.all() or not repeated_labels.any():
        assert all(np.isnan(found[f"sensitivity_at_specificity_{rate:.2f}"][0]) for rate in FIXED_RATES)
        return
    curve = [(np.mean(repeated[repeated_labels] >= at), np.mean(repeated[~repeated_labels] < at)) for at in range(10)]
    for rate in FIXED_RATES:
        best = max(sensitivity for sensitivity, specificity in curve if specificity >= rate - 1e-9)
        assert found[f"sensitivity_at_specificity_{rate:.2f}"][0] == pytest.approx(best)
        best = max(specificity for sensitivity, specificity in curve if sensitivity >= rate - 1e-9)
        assert found[f"specificity_at_sensitivity_{rate:.2f}"][0] == pytest.approx(best)


def test_sensitivity_at_a_specificity_of_90_percent_of_a_worked_case():
    scores = np.arange(20.0)
    labels = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1], bool)
    found = ranking_metrics(rank(scores, labels), np.ones((1, 20)))
    assert found["sensitivity_at_specificity_0.90"][0] == pytest.approx(0.9)
    assert found["sensitivity_at_specificity_0.95"][0] == pytest.approx(0.8)
    assert found["specificity_at_sensitivity_0.90"][0] == pytest.approx(0.9)
    assert found["specificity_at_sensitivity_0.95"][0] == pytest.approx(0.8)


def test_a_resample_of_one_class_has_no_ranking():
    found = ranking_metrics(rank(np.array([0.1, 0.2, 0.3]), np.array([False, True, True])), np.array([[0.0, 1, 1]]))
    undefined = {name for name, value in found.items() if np.isnan(value[0])}
    assert undefined == set(found) - {"average_precision"}


def test_scores_that_come_sorted_are_not_sorted_again():
    assert rank(np.array([0.1, 0.2, 0.2]), np.array([False, True, False])).order is None
