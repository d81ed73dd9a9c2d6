"""95 % bands around the curves, from the same kind of resamples as every interval: patients drawn with repeats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from pneumoscope.arrays import Labels, Scores
from pneumoscope.evaluation.bootstrap import resampled_weights
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.evaluation.curves import DECISION_THRESHOLDS
from pneumoscope.evaluation.intervals import LEVEL
from pneumoscope.figures.values import Band

MOST_RESAMPLES: Final = 1000
FEWEST_RESAMPLES: Final = 200
WEIGHTS_IN_ALL: Final = 4 * 10**7
"""Radiographs times resamples: what a few seconds can take. Beyond it there are no bands."""
GRID: Final = np.linspace(0, 1, 201)

Curve = Float[np.ndarray, " places"]
Counts = Float[np.ndarray, " thresholds"]
"""Weight of the radiographs called positive from each distinct score on, highest score first."""


@dataclass(frozen=True, slots=True, eq=False)
class CurveBands:
    """Of the three curves that have one."""

    roc: Band
    precision_recall: Band
    decision: Band


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Where each distinct score ends among the radiographs, highest score first."""

    order: np.ndarray
    ends: np.ndarray

    @classmethod
    def by(cls, scores: Scores) -> Ranked:
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        return cls(order, np.flatnonzero(np.concatenate([ranked[1:] != ranked[:-1], [True]])))

    def summed(self, weights: Float[np.ndarray, " radiographs"]) -> Counts:
        """The weight at and above each distinct score."""
        found: np.ndarray = np.cumsum(weights[self.order])[self.ends]
        return found


def curve_bands(table: ScoreColumns, generator: np.random.Generator) -> CurveBands | None:
    """Bands on a fixed grid; None where the table is too large to resample in a few seconds."""
    resamples = min(MOST_RESAMPLES, WEIGHTS_IN_ALL // len(table))
    if resamples < FEWEST_RESAMPLES:
        return None
    labels, ranked = table.labels, Ranked.by(table.ranking_scores)
    net_benefit = net_benefit_of(table.probabilities, labels)
    drawn: tuple[list[Curve], list[Curve], list[Curve]] = ([], [], [])
    for chunk in resampled_weights(table.patient_numbers, labels, resamples=resamples, generator=generator):
        for weights in chunk:
            true_positive = ranked.summed(weights * labels)
            false_positive = ranked.summed(weights * ~labels)
            drawn[0].append(sensitivity_over_false_positive_rate(true_positive, false_positive))
            drawn[1].append(ppv_over_sensitivity(true_positive, false_positive))
            drawn[2].append(net_benefit(weights))
    roc, precision_recall, decision = (
        np.quantile(curves, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0) for curves in drawn
    )
    return CurveBands(
        Band(GRID, roc[0], roc[1]),
        Band(GRID, precision_recall[0], precision_recall[1]),
        Band(np.array(DECISION_THRESHOLDS), decision[0], decision[1]),
    )


def sensitivity_over_false_positive_rate(true_positive: Counts, false_positive: Counts) -> Curve:
    """The ROC curve on the grid, its corners joined by straight lines."""
    false_positive_rate = np.concatenate([[0.0], false_positive / false_positive[-1]])
    found: Curve = np.interp(GRID, false_positive_rate, np.concatenate([[0.0], true_positive / true_positive[-1]]))
    return found


def ppv_over_sensitivity(true_positive: Counts, false_positive: Counts) -> Curve:
    """The PPV at the first threshold that reaches each sensitivity of the grid."""
    called = true_positive + false_positive
    ppv = np.divide(true_positive, called, out=np.ones_like(called), where=called > 0)
    first = np.searchsorted(true_positive, np.maximum(GRID, 1e-9) * true_positive[-1] * (1 - 1e-12), side="left")
    found: Curve = ppv[np.minimum(first, len(ppv) - 1)]
    return found


def net_benefit_of(probabilities: Scores, labels: Labels) -> Callable[[Float[np.ndarray, " radiographs"]], Curve]:
    """The decision curve of a resample, as `evaluation.curves.decision_curve` has it of all."""
    order = np.argsort(probabilities, kind="stable")
    below = np.searchsorted(probabilities[order], DECISION_THRESHOLDS, side="left")
    odds = np.array(DECISION_THRESHOLDS) / (1 - np.array(DECISION_THRESHOLDS))

    def of(weights: Float[np.ndarray, " radiographs"]) -> Curve:
        true_positive, false_positive = (
            total[-1] - total[below]
            for total in (np.concatenate([[0.0], np.cumsum((weights * part)[order])]) for part in (labels, ~labels))
        )
        found: Curve = (true_positive - false_positive * odds) / weights.sum()
        return found

    return of
