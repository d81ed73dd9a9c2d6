import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pneumoscope.errors import UnusableBundle
from pneumoscope.evaluation.calibration import PlattCalibration, fit_platt, sigmoid


def test_the_fit_equals_logistic_regression_where_there_is_much_data(generator):
    logits = generator.normal(size=20000) * 3
    labels = generator.random(20000) < 1 / (1 + np.exp(-(0.7 * logits + 0.4)))
    found = fit_platt(logits, labels)
    reference = LogisticRegression(C=1e9).fit(logits[:, None], labels)
    assert found.slope == pytest.approx(reference.coef_[0, 0], abs=2e-3)
    assert found.intercept == pytest.approx(reference.intercept_[0], abs=2e-3)


def test_separable_classes_give_a_finite_fit():
    logits = np.array([-3.0, -2, -1, 1, 2, 3])
    found = fit_platt(logits, logits > 0)
    assert 0 < found.slope < 10
    assert found.probability(3.0) < 1


def test_a_stated_prevalence_moves_the_intercept_and_not_what_the_scores_tell(generator):
    labels = generator.random(20000) < 0.8
    logits = generator.normal(size=20000) + np.where(labels, 1.0, -1.0)
    own, half = fit_platt(logits, labels), fit_platt(logits, labels, prevalence=0.5)
    assert half.slope == pytest.approx(own.slope, rel=0.03)
    assert half.intercept == pytest.approx(own.intercept - np.log(0.8 / 0.2), abs=0.06)
    assert half.intercept == pytest.approx(0, abs=0.05)
    again = fit_platt(logits, labels, prevalence=float(labels.mean()))
    assert (again.slope, again.intercept) == pytest.approx((own.slope, own.intercept), abs=1e-6)


def test_a_calibration_that_would_turn_the_order_round_cannot_be():
    with pytest.raises(UnusableBundle, match="calibration-impossible"):
        PlattCalibration(-1.0, 0.0)


def test_sigmoid_does_not_overflow():
    assert (sigmoid(-1000), sigmoid(0), sigmoid(1000)) == (0.0, 0.5, 1.0)
