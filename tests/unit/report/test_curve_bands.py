"""Bands come from resampled patients and hold the curve that they are of."""

import numpy as np
import pytest

from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.evaluation.curves import decision_curve, roc_curve
from pneumoscope.report.curve_bands import (
    GRID,
    Ranked,
    curve_bands,
    net_benefit_of,
    ppv_over_sensitivity,
    sensitivity_over_false_positive_rate,
)


@pytest.fixture
def table(generator):
    labels = np.repeat([True, False], 60)
    probabilities = np.concatenate([generator.beta(4, 2, 60), generator.beta(2, 4, 60)]).round(2)
    return ScoreColumns(
        [str(n) for n in range(120)], labels, probabilities, patients=categories([str(n // 2) for n in range(120)])
    )


def test_with_every_patient_once_the_curves_are_those_of_all_radiographs(table):
    ranked, labels = Ranked.by(table.probabilities), table.labels
    true_positive, false_positive = ranked.summed(1.0 * labels), ranked.summed(1.0 * ~labels)
    roc = roc_curve(table.probabilities, labels)
    expected = np.interp(GRID, roc.false_positive_rate, roc.sensitivity)
    np.testing.assert_allclose(sensitivity_over_false_positive_rate(true_positive, false_positive)[1:], expected[1:])
    net_benefit = net_benefit_of(table.probabilities, labels)(np.ones(120))
    np.testing.assert_allclose(net_benefit, decision_curve(table.probabilities, labels).net_benefit)


def test_ppv_is_that_of_the_first_threshold_that_reaches_the_sensitivity():
    """Scores 0.9 +, 0.8 -, 0.7 +: half of the positives are reached at PPV 1, all of them at PPV 2/3."""
    found = ppv_over_sensitivity(np.array([1.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0]))
    at_half = np.flatnonzero(GRID == 0.5)[0]
    assert found[at_half] == 1
    assert found[at_half + 1] == pytest.approx(2 / 3)
    assert found[-1] == pytest.approx(2 / 3)


def test_a_patient_drawn_twice_counts_twice():
    ranked = Ranked.by(np.array([0.9, 0.8, 0.8]))
    assert ranked.summed(np.array([2.0, 1.0, 3.0])).tolist() == [2, 6]


def test_the_bands_hold_the_curves(table, generator):
    bands = curve_bands(table, generator)
    roc = roc_curve(table.probabilities, table.labels)
    curve = np.interp(GRID, roc.false_positive_rate, roc.sensitivity)
    inside = (bands.roc.low <= curve) & (curve <= bands.roc.high)
    assert inside[1:].mean() > 0.95
    assert (bands.decision.low <= bands.decision.high).all()
    assert bands.roc.low.min() >= 0
    assert bands.precision_recall.high.max() <= 1


def test_a_table_too_large_to_resample_has_no_bands():
    many = 250_000
    labels = np.arange(many) % 2 == 0
    table = ScoreColumns([""] * many, labels, np.linspace(0, 1, many))
    assert curve_bands(table, np.random.default_rng(0)) is None
