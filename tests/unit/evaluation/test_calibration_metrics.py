import numpy as np
import pytest
from scipy.optimize import brentq
from sklearn.linear_model import LogisticRegression

from pneumoscope.evaluation.calibration_metrics import (
    calibration_data,
    calibration_in_the_large,
    calibration_metrics,
    recalibration,
)
from pneumoscope.evaluation.metrics import brier_score, calibration_error


@pytest.fixture
def miscalibrated(generator):
    """Probabilities twice too extreme and half a logit too high; weights of a bootstrap."""
    logits = generator.normal(0, 1.5, 3000)
    labels = generator.random(3000) < 1 / (1 + np.exp(-(0.5 * logits - 0.5)))
    return 1 / (1 + np.exp(-logits)), labels, generator.integers(0, 4, (3, 3000)).astype(float)


def test_brier_score_and_calibration_error_are_those_of_the_repeated_radiographs(miscalibrated):
    probabilities, labels, weights = miscalibrated
    found = calibration_metrics(calibration_data(probabilities, labels), weights)
    for row, times in enumerate(weights.astype(int)):
        repeated = np.repeat(probabilities, times), np.repeat(labels, times)
        assert found["brier_score"][row] == pytest.approx(brier_score(*repeated))
        assert found["calibration_error"][row] == pytest.approx(calibration_error(*repeated))


def test_slope_and_intercept_are_those_of_a_logistic_regression_on_the_logit(miscalibrated):
    probabilities, labels, weights = miscalibrated
    slope, intercept = recalibration(calibration_data(probabilities, labels), weights)
    logits = np.log(probabilities / (1 - probabilities))[:, np.newaxis]
    for row, share in enumerate(weights):
        fit = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(logits, labels, sample_weight=share)
        assert slope[row] == pytest.approx(fit.coef_[0, 0], abs=1e-4)
        assert intercept[row] == pytest.approx(fit.intercept_[0], abs=1e-4)


def test_probabilities_that_are_twice_too_extreme_have_a_slope_near_one_half(miscalibrated):
    probabilities, labels, _ = miscalibrated
    slope, intercept = recalibration(calibration_data(probabilities, labels), np.ones((1, 3000)))
    assert slope[0] == pytest.approx(0.5, abs=0.08)
    assert intercept[0] == pytest.approx(-0.5, abs=0.12)


def test_the_intercept_is_the_shift_that_makes_the_mean_probability_the_observed_share(miscalibrated):
    probabilities, labels, weights = miscalibrated
    found = calibration_in_the_large(calibration_data(probabilities, labels), weights)
    logits = np.log(probabilities / (1 - probabilities))
    for row, share in enumerate(weights):
        expected = brentq(lambda shift, share=share: share @ (1 / (1 + np.exp(-logits - shift)) - labels), -20, 20)
        assert found[row] == pytest.approx(expected, abs=1e-6)


def test_classes_that_part_have_no_slope_but_an_intercept():
    probabilities, labels = np.array([0.1, 0.2, 0.7, 0.8]), np.array([0, 0, 1, 1], bool)
    found = calibration_metrics(calibration_data(probabilities, labels), np.ones((1, 4)))
    assert np.isnan(found["calibration_slope"][0])
    assert np.isfinite(found["calibration_intercept"][0])


def test_a_resample_of_one_class_has_neither():
    probabilities, labels = np.array([0.1, 0.6, 0.3, 0.8]), np.array([0, 0, 1, 1], bool)
    found = calibration_metrics(calibration_data(probabilities, labels), np.array([[1.0, 2, 0, 0]]))
    assert np.isnan(found["calibration_slope"][0])
    assert np.isnan(found["calibration_intercept"][0])
    assert found["brier_score"][0] == pytest.approx((0.01 + 2 * 0.36) / 3)


def test_probabilities_that_are_all_the_same_have_no_slope():
    found = calibration_metrics(calibration_data(np.full(4, 0.3), np.array([0, 1, 0, 1], bool)), np.ones((1, 4)))
    assert np.isnan(found["calibration_slope"][0])
    assert found["calibration_intercept"][0] == pytest.approx(np.log(0.7 / 0.3))


def test_saturated_probabilities_of_nearly_parted_classes_still_have_a_slope(generator):
    labels = np.arange(2000) % 2 == 0
    logits = generator.normal(np.where(labels, 30.0, -30.0), 15)
    probabilities = 1 / (1 + np.exp(-logits))
    slope, _ = recalibration(calibration_data(probabilities, labels), np.ones((1, 2000)))
    clipped = np.clip(logits, np.log(1e-12), -np.log(1e-12))[:, np.newaxis]
    fit = LogisticRegression(C=1e12, tol=1e-12, max_iter=5000).fit(clipped, labels)
    assert slope[0] == pytest.approx(fit.coef_[0, 0], rel=1e-3)
