"""What three zones come to on other radiographs: coverage, share of uncertain, errors among the certain."""

from __future__ import annotations

import numpy as np

from pneumoscope.arrays import Labels, Scores
from pneumoscope.evaluation.weights import Measured, Weights, divided
from pneumoscope.evaluation.zones import ConformalZones, possible_classes

ZoneColumns = dict[str, Scores]


def zone_columns(probabilities: Scores, labels: Labels, zones: ConformalZones) -> ZoneColumns:
    """1 where a radiograph is in a zone and a class, else 0: what the metrics are weighted sums of."""
    possible = possible_classes(probabilities, zones)
    with_finding, without = labels, ~labels
    columns = {
        "with_finding": with_finding,
        "without_finding": without,
        "likely_with": possible.likely & with_finding,
        "likely_without": possible.likely & without,
        "unlikely_with": possible.unlikely & with_finding,
        "unlikely_without": possible.unlikely & without,
        "covered_with": possible.pneumonia & with_finding,
        "covered_without": possible.normal & without,
    }
    return {name: column.astype(np.float64) for name, column in columns.items()}


def zone_metrics(columns: ZoneColumns, weights: Weights) -> dict[str, Measured]:
    """Coverage is the share whose own class remained possible; errors are shares of the certain answers that are wrong."""
    mass = {name: weights @ column for name, column in columns.items()}
    likely = mass["likely_with"] + mass["likely_without"]
    unlikely = mass["unlikely_with"] + mass["unlikely_without"]
    certain_with = mass["likely_with"] + mass["unlikely_with"]
    certain_without = mass["likely_without"] + mass["unlikely_without"]
    everyone = mass["with_finding"] + mass["without_finding"]
    return {
        "coverage_with_finding": divided(mass["covered_with"], mass["with_finding"]),
        "coverage_without_finding": divided(mass["covered_without"], mass["without_finding"]),
        "called_unlikely_with_finding": divided(mass["unlikely_with"], mass["with_finding"]),
        "called_likely_without_finding": divided(mass["likely_without"], mass["without_finding"]),
        "uncertain": divided(everyone - likely - unlikely, everyone),
        "uncertain_with_finding": divided(mass["with_finding"] - certain_with, mass["with_finding"]),
        "uncertain_without_finding": divided(mass["without_finding"] - certain_without, mass["without_finding"]),
        "error_among_certain": divided(mass["unlikely_with"] + mass["likely_without"], likely + unlikely),
        "error_among_likely": divided(mass["likely_without"], likely),
        "error_among_unlikely": divided(mass["unlikely_with"], unlikely),
    }


def zone_counts(columns: ZoneColumns) -> dict[str, dict[str, int]]:
    """Radiographs of each class in each zone."""
    total = {name: int(column.sum()) for name, column in columns.items()}
    return {
        "with_finding": {
            "likely": total["likely_with"],
            "uncertain": total["with_finding"] - total["likely_with"] - total["unlikely_with"],
            "unlikely": total["unlikely_with"],
        },
        "without_finding": {
            "likely": total["likely_without"],
            "uncertain": total["without_finding"] - total["likely_without"] - total["unlikely_without"],
            "unlikely": total["unlikely_without"],
        },
    }
