"""From a score table to the numbers a report carries, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pneumoscope.evaluation.intervals import LEVEL, patient_bootstrap
from pneumoscope.evaluation.metrics import area_under_roc, brier_score, calibration_error, confusion_counts
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.scores import ScoreTable

Evaluation = dict[str, Any]


def evaluate(
    table: ScoreTable, operating_points: Sequence[OperatingPoint], *, resamples: int, generator: np.random.Generator
) -> Evaluation:
    """Threshold-free metrics, and decisions at each operating point as promised and as found."""
    labels, probabilities = table.labels, table.probabilities

    def threshold_free(rows: np.ndarray) -> dict[str, float]:
        return {
            "auroc": area_under_roc(table_logits[rows], labels[rows]),
            "brier_score": brier_score(probabilities[rows], labels[rows]),
            "calibration_error": calibration_error(probabilities[rows], labels[rows]),
        }

    table_logits = table.logits
    return {
        "radiographs": len(table.rows),
        "patients": len(set(table.patients)),
        "with_finding": int(labels.sum()),
        "interval": {"level": LEVEL, "method": "percentile bootstrap", "unit": "patient", "resamples": resamples},
        "metrics": patient_bootstrap(threshold_free, table.patients, resamples=resamples, generator=generator),
        "operating_points": {
            point.name: at_operating_point(table, point, resamples=resamples, generator=generator)
            for point in operating_points
        },
    }


def at_operating_point(
    table: ScoreTable, point: OperatingPoint, *, resamples: int, generator: np.random.Generator
) -> Evaluation:
    """Confusion counts and rates at a threshold, beside what it had where it was chosen."""
    labels = table.labels
    decisions = table.probabilities >= point.threshold

    def rates(rows: np.ndarray) -> dict[str, float]:
        counts = confusion_counts(decisions[rows], labels[rows])
        return {
            name: getattr(counts, name)
            for name in ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv")
        }

    return {
        "threshold": point.threshold,
        "promised": {
            "sensitivity": point.sensitivity,
            "specificity": point.specificity,
            "on": point.chosen_on,
            "rule": point.rule,
        },
        "confusion": asdict(confusion_counts(decisions, labels)),
        "metrics": patient_bootstrap(rates, table.patients, resamples=resamples, generator=generator),
    }
