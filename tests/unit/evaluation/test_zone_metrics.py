import numpy as np
import pytest

from pneumoscope.evaluation.zone_metrics import zone_columns, zone_counts, zone_metrics
from pneumoscope.evaluation.zones import ConformalZones

PROBABILITIES = np.array([0.9, 0.8, 0.5, 0.1, 0.9, 0.5, 0.4, 0.2, 0.1, 0.0])
LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)


def columns(low: float, high: float):
    return zone_columns(PROBABILITIES, LABELS, ConformalZones(0.1, low, high, 9, 9, 9, 9, "validation"))


def test_rates_of_a_worked_case():
    found = {name: value[0] for name, value in zone_metrics(columns(0.3, 0.6), np.ones((1, 10))).items()}
    assert found == pytest.approx(
        {
            "coverage_with_finding": 3 / 4,
            "coverage_without_finding": 5 / 6,
            "called_unlikely_with_finding": 1 / 4,
            "called_likely_without_finding": 1 / 6,
            "uncertain": 3 / 10,
            "uncertain_with_finding": 1 / 4,
            "uncertain_without_finding": 2 / 6,
            "error_among_certain": 2 / 7,
            "error_among_likely": 1 / 3,
            "error_among_unlikely": 1 / 4,
        }
    )


def test_a_radiograph_that_may_be_neither_is_uncertain_and_not_covered():
    found = {name: value[0] for name, value in zone_metrics(columns(0.7, 0.3), np.ones((1, 10))).items()}
    assert found["coverage_with_finding"] == 2 / 4
    assert found["called_unlikely_with_finding"] == 1 / 4
    assert found["uncertain_with_finding"] == 1 / 4


def test_counts_of_a_worked_case():
    assert zone_counts(columns(0.3, 0.6)) == {
        "with_finding": {"likely": 2, "uncertain": 1, "unlikely": 1},
        "without_finding": {"likely": 1, "uncertain": 2, "unlikely": 3},
    }


def test_where_nothing_is_certain_the_error_among_the_certain_is_not_defined():
    found = zone_metrics(columns(0.0, 1.0), np.ones((1, 10)))
    assert np.isnan(found["error_among_certain"][0])
    assert found["uncertain"][0] == 1
