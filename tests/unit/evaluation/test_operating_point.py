import numpy as np
import pytest

from pneumoscope.errors import UnusableBundle
from pneumoscope.evaluation.operating_point import Decision, OperatingPoint, choose_operating_points, decide


def test_a_probability_at_the_threshold_is_pneumonia():
    point = OperatingPoint("balanced", 0.5, 1, 1, "validation", "")
    assert decide(0.5, point) is Decision.PNEUMONIA
    assert decide(0.499999, point) is Decision.NORMAL


def test_balanced_lies_where_the_probability_is_the_share_it_was_calibrated_for():
    probabilities = np.array([0.1, 0.2, 0.45, 0.4, 0.8, 0.9])
    labels = np.array([0, 0, 0, 1, 1, 1], bool)
    balanced = choose_operating_points(probabilities, labels, prevalence=0.3, chosen_on="validation")[0]
    assert balanced.threshold == 0.3
    assert (balanced.sensitivity, balanced.specificity) == (1, pytest.approx(2 / 3))


def test_balanced_lies_at_the_share_of_the_part_where_no_other_is_stated():
    probabilities, labels = np.array([0.1, 0.6, 0.7, 0.9]), np.array([0, 1, 1, 1], bool)
    assert choose_operating_points(probabilities, labels, chosen_on="validation")[0].threshold == 0.75


def test_balanced_makes_the_sum_of_sensitivity_and_specificity_the_largest_for_calibrated_probabilities(generator):
    with_finding = generator.random(200_000) < 0.74
    logits = generator.normal(np.where(with_finding, 1.5, -1.5), 1.5)  # their log-likelihood ratio is 4/3 of them
    probabilities = 1 / (1 + np.exp(-(4 / 3) * logits))
    balanced = choose_operating_points(probabilities, with_finding, prevalence=0.5, chosen_on="validation")[0]
    sums = [
        (probabilities[with_finding] >= threshold).mean() + (probabilities[~with_finding] < threshold).mean()
        for threshold in np.linspace(0.05, 0.95, 19)
    ]
    assert balanced.sensitivity + balanced.specificity > max(sums) - 0.002


def test_screening_finds_98_of_100_and_rule_in_clears_98_of_100(generator):
    labels = np.repeat([True, False], 100)
    probabilities = np.concatenate([generator.beta(4, 2, 100), generator.beta(2, 4, 100)])
    _, screening, rule_in = choose_operating_points(probabilities, labels, chosen_on="validation")
    assert np.sum(probabilities[:100] >= screening.threshold) == 98
    assert np.sum(probabilities[100:] < rule_in.threshold) == 98
    assert screening.threshold < rule_in.threshold


def test_thresholds_stay_inside_0_and_1_for_saturated_probabilities():
    probabilities, labels = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1], bool)
    points = choose_operating_points(probabilities, labels, chosen_on="validation")
    assert all(0 < point.threshold < 1 for point in points)
    assert points[0].sensitivity == points[0].specificity == 1


def test_a_threshold_outside_0_and_1_cannot_be():
    with pytest.raises(UnusableBundle, match="operating-point-impossible"):
        OperatingPoint("balanced", 1.0, 1, 1, "validation", "")


def test_rule_in_is_never_looser_than_balanced_and_screening_never_stricter():
    labels = np.array([0] * 50 + [1] * 50, bool)
    probabilities = np.concatenate([np.linspace(0.01, 0.4, 50), np.linspace(0.6, 0.99, 50)])
    balanced, screening, rule_in = choose_operating_points(probabilities, labels, chosen_on="validation")
    assert screening.threshold <= balanced.threshold <= rule_in.threshold
    assert balanced.sensitivity == balanced.specificity == 1
