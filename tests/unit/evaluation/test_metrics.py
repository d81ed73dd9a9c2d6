import numpy as np
import pytest
from sklearn import metrics as reference

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.metrics import (
    ConfusionCounts,
    area_under_roc,
    brier_score,
    calibration_error,
    confusion_counts,
)


def test_sensitivity_is_found_positives_over_all_positives():
    assert ConfusionCounts(true_positive=8, false_negative=2, true_negative=5, false_positive=5).sensitivity == 0.8


def test_specificity_is_cleared_negatives_over_all_negatives():
    assert ConfusionCounts(true_positive=8, false_negative=2, true_negative=3, false_positive=1).specificity == 0.75


def test_the_reference_systems_counts_give_its_published_rates():
    counts = ConfusionCounts(true_positive=342, false_negative=48, true_negative=211, false_positive=23)
    found = [counts.accuracy, counts.ppv, counts.sensitivity, counts.specificity, counts.npv]
    assert np.round(100 * np.array(found), 2).tolist() == [88.62, 93.7, 87.69, 90.17, 81.47]


def test_counts_of_a_worked_case():
    decisions, labels = np.array([1, 1, 0, 0, 1], bool), np.array([1, 0, 1, 0, 1], bool)
    counts = confusion_counts(decisions, labels)
    assert (counts.true_positive, counts.false_negative, counts.true_negative, counts.false_positive) == (2, 1, 1, 1)


def test_auroc_counts_ties_half():
    assert area_under_roc(np.array([0.2, 0.5, 0.5, 0.9]), np.array([0, 0, 1, 1], bool)) == 0.875


def test_auroc_equals_scikit_learn_on_many_ties(generator):
    labels = generator.random(500) < 0.3
    scores = np.round(generator.normal(labels * 1.0), 1)
    assert area_under_roc(scores, labels) == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)


def test_brier_score_equals_scikit_learn(generator):
    labels, probabilities = generator.random(100) < 0.5, generator.random(100)
    assert brier_score(probabilities, labels) == pytest.approx(reference.brier_score_loss(labels, probabilities))


def test_calibration_error_of_a_worked_case():
    probabilities, labels = np.array([0.1, 0.1, 0.9, 0.9]), np.array([0, 0, 1, 0], bool)
    assert calibration_error(probabilities, labels, bins=2) == pytest.approx(0.5 * 0.1 + 0.5 * 0.4)


def test_one_class_only_is_refused():
    with pytest.raises(UnusableData, match="one-class-only"):
        area_under_roc(np.array([0.1, 0.2]), np.array([True, True]))
