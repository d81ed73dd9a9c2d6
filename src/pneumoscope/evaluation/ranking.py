"""How well scores rank radiographs, in many resamples of the same radiographs at once, sorted once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pneumoscope.arrays import Labels, Scores
from pneumoscope.evaluation.weights import Measured, Weights, divided

Masses = Float[np.ndarray, "resamples distinct_scores"]
"""Weight of a class at each distinct score, lowest first."""

FIXED_RATES = (0.90, 0.95, 0.98)
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Radiographs by rising score; `starts` are where distinct scores begin."""

    order: Int[np.ndarray, " radiographs"] | None
    starts: Int[np.ndarray, " distinct_scores"]
    positive: Float[np.ndarray, " radiographs"]


def rank(scores: Scores, labels: Labels) -> Ranking:
    """Sort once; no copy of the weights is needed later where the scores come sorted."""
    order = None
    if (scores[1:] < scores[:-1]).any():
        order = np.argsort(scores, kind="stable")
        scores, labels = scores[order], labels[order]
    starts = np.flatnonzero(np.concatenate([[True], scores[1:] != scores[:-1]]))
    return Ranking(order, starts, labels.astype(np.float64))


def auroc(ranking: Ranking, weights: Weights) -> Measured:
    """Probability that a positive scores above a negative, ties counting half (Hanley & McNeil 1982)."""
    return auroc_of(*masses(ranking, weights))


def ranking_metrics(ranking: Ranking, weights: Weights) -> dict[str, Measured]:
    """AUROC, average precision, sensitivity at fixed specificities and the reverse.

    The thresholds of the last two are chosen on these very radiographs, so they describe the ROC curve; what a frozen
    threshold gives stands with the operating points.
    """
    positive, negative = masses(ranking, weights)
    return {
        "auroc": auroc_of(positive, negative),
        "average_precision": average_precision_of(positive, negative),
        **fixed_rate_metrics(positive, negative),
    }


def masses(ranking: Ranking, weights: Weights) -> tuple[Masses, Masses]:
    """Weight with and without the finding at each distinct score."""
    if ranking.order is not None:
        weights = weights[:, ranking.order]
    positive = weights * ranking.positive
    negative = weights - positive
    if len(ranking.starts) < len(ranking.positive):
        positive = np.add.reduceat(positive, ranking.starts, axis=1)
        negative = np.add.reduceat(negative, ranking.starts, axis=1)
    return positive, negative


def auroc_of(positive: Masses, negative: Masses) -> Measured:
    """Sum over scores of the positives there times the negatives below, plus half of those level."""
    below = np.cumsum(negative, axis=1)
    below -= negative / 2
    won = np.einsum("ij,ij->i", positive, below)
    return divided(won, positive.sum(axis=1) * negative.sum(axis=1))


def average_precision_of(positive: Masses, negative: Masses) -> Measured:
    """Sum of PPV over the steps of sensitivity, highest scores first, without interpolation (Davis & Goadrich 2006)."""
    found = np.cumsum(positive[:, ::-1], axis=1)
    called = np.cumsum(negative[:, ::-1], axis=1)
    called += found
    ppv = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
    return divided(np.einsum("ij,ij->i", positive[:, ::-1], ppv), found[:, -1])


def fixed_rate_metrics(positive: Masses, negative: Masses) -> dict[str, Measured]:
    """The highest sensitivity with at least a given specificity over all thresholds, and the reverse.

    0 where no threshold inside the scores will do: then nothing, or everything, must be called positive.
    """
    rows = np.arange(len(positive))
    missed, cleared = exclusive_sums(positive), exclusive_sums(negative)
    positives, negatives = missed[:, -1], cleared[:, -1]
    metrics: dict[str, Measured] = {}
    for rate in FIXED_RATES:
        at = (cleared < rate * negatives[:, np.newaxis] - ROUNDING).sum(axis=1)
        metrics[f"sensitivity_at_specificity_{rate:.2f}"] = divided(positives - missed[rows, at], positives)
    for rate in FIXED_RATES:
        at = (missed <= (1 - rate) * positives[:, np.newaxis] + ROUNDING).sum(axis=1) - 1
        metrics[f"specificity_at_sensitivity_{rate:.2f}"] = divided(cleared[rows, at], negatives)
    one_class = (positives == 0) | (negatives == 0)
    return {name: np.where(one_class, np.nan, value) for name, value in metrics.items()}


def exclusive_sums(mass: Masses) -> Float[np.ndarray, "resamples thresholds"]:
    """Weight below each distinct score, and below a threshold above all of them."""
    sums = np.zeros((mass.shape[0], mass.shape[1] + 1))
    np.cumsum(mass, axis=1, out=sums[:, 1:])
    return sums
