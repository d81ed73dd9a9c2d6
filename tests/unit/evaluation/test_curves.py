import numpy as np
import pytest
from sklearn import calibration as calibration_reference
from sklearn import metrics as reference

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.curves import (
    decision_curve,
    precision_recall_curve,
    reliability_diagram,
    roc_curve,
    score_histogram,
)
from pneumoscope.evaluation.metrics import area_under_roc, calibration_error


@pytest.fixture
def tied(generator):
    labels = generator.random(300) < 0.4
    probabilities = np.round(1 / (1 + np.exp(-generator.normal(labels * 2.0 - 1, 1.5))), 2)
    return probabilities, labels


def test_the_roc_curve_is_that_of_scikit_learn_and_holds_the_area(tied):
    curve = roc_curve(*tied)
    false_positive_rate, sensitivity, thresholds = reference.roc_curve(tied[1], tied[0], drop_intermediate=True)
    assert np.interp(curve.false_positive_rate, false_positive_rate, sensitivity) == pytest.approx(
        np.interp(curve.false_positive_rate, curve.false_positive_rate, curve.sensitivity)
    )
    assert np.trapezoid(curve.sensitivity, curve.false_positive_rate) == pytest.approx(area_under_roc(*tied))
    assert set(curve.threshold) <= set(thresholds)
    assert len(curve.threshold) < len(np.unique(tied[0])) + 1


def test_the_roc_curve_of_a_worked_case():
    curve = roc_curve(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1], bool))
    assert curve.threshold.tolist() == [np.inf, 0.8, 0.4, 0.1]
    assert curve.sensitivity.tolist() == [0, 0.5, 1, 1]
    assert curve.false_positive_rate.tolist() == [0, 0, 0.5, 1]


def test_a_point_of_the_roc_curve_is_what_its_threshold_gives(tied):
    probabilities, labels = tied
    curve = roc_curve(probabilities, labels)
    middle = len(curve.threshold) // 2
    called = probabilities >= curve.threshold[middle]
    assert curve.sensitivity[middle] == np.mean(called[labels])
    assert curve.false_positive_rate[middle] == np.mean(called[~labels])


def test_the_precision_recall_curve_is_that_of_scikit_learn(tied):
    curve = precision_recall_curve(*tied)
    ppv, sensitivity, thresholds = reference.precision_recall_curve(tied[1], tied[0])
    assert curve.ppv[::-1] == pytest.approx(ppv[:-1])
    assert curve.sensitivity[::-1] == pytest.approx(sensitivity[:-1])
    assert curve.threshold[::-1] == pytest.approx(thresholds)
    assert curve.prevalence == tied[1].mean()


def test_the_bins_of_the_reliability_diagram_are_those_of_scikit_learn_and_of_the_calibration_error(generator):
    probabilities = generator.random(500) * 0.6
    labels = generator.random(500) < probabilities
    diagram = reliability_diagram(probabilities, labels, bins=10)
    observed, mean = calibration_reference.calibration_curve(labels, probabilities, n_bins=10)
    filled = diagram.radiographs > 0
    assert filled.tolist() == [True] * 6 + [False] * 4
    assert diagram.observed_rate[filled] == pytest.approx(observed)
    assert diagram.mean_probability[filled] == pytest.approx(mean)
    assert np.isnan(diagram.observed_rate[~filled]).all()
    gap = np.abs(diagram.observed_rate - diagram.mean_probability)[filled] * diagram.radiographs[filled]
    assert gap.sum() / 500 == pytest.approx(calibration_error(probabilities, labels, bins=10))


def test_net_benefit_of_a_worked_case():
    probabilities, labels = np.array([0.1, 0.3, 0.6, 0.9]), np.array([0, 1, 0, 1], bool)
    curve = decision_curve(probabilities, labels, thresholds=(0.2, 0.5))
    assert curve.net_benefit == pytest.approx([(2 - 1 * 0.25) / 4, (1 - 1) / 4])
    assert curve.treat_all == pytest.approx([(2 - 2 * 0.25) / 4, 0])
    assert curve.treat_none.tolist() == [0, 0]


def test_a_probability_on_the_threshold_counts_as_called_positive():
    curve = decision_curve(np.array([0.5, 0.1]), np.array([True, False]), thresholds=(0.5,))
    assert curve.net_benefit.tolist() == [0.5]


def test_the_histogram_holds_every_radiograph_of_each_class():
    histogram = score_histogram(np.array([0, 0.24, 0.25, 1.0]), np.array([0, 0, 1, 1], bool), bins=4)
    assert histogram.without_finding.tolist() == [2, 0, 0, 0]
    assert histogram.with_finding.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("curve", [roc_curve, precision_recall_curve, decision_curve])
def test_a_curve_of_one_class_is_refused(curve):
    with pytest.raises(UnusableData, match="one-class-only"):
        curve(np.array([0.1, 0.2]), np.array([True, True]))
