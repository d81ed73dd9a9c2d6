"""Points of the curves that a figure draws: ROC, precision-recall, reliability, decision curve, score histogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pneumoscope.arrays import Labels, Scores
from pneumoscope.evaluation.metrics import both_classes

BINS = 15
DECISION_THRESHOLDS = tuple(np.linspace(0.01, 0.99, 99).tolist())

Points = Float[np.ndarray, " points"]
BinValues = Float[np.ndarray, " bins"]
BinCounts = Int[np.ndarray, " bins"]


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """From (0, 0) to (1, 1); a radiograph is called positive from `threshold` on, which is infinite at (0, 0)."""

    false_positive_rate: Points
    """1 - specificity."""
    sensitivity: Points
    threshold: Points


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecallCurve:
    """By rising sensitivity (recall); one point a threshold at which at least one radiograph is called positive.

    `ppv` (precision) starts at that of the highest scores; there is no invented point at sensitivity 0.
    """

    sensitivity: Points
    ppv: Points
    threshold: Points
    prevalence: float
    """What a system that knows nothing would have as PPV."""


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityDiagram:
    """Probability against observed share with the finding in equal-width bins; NaN where a bin is empty."""

    lower_edge: BinValues
    upper_edge: BinValues
    radiographs: BinCounts
    mean_probability: BinValues
    observed_rate: BinValues


@dataclass(frozen=True, slots=True, eq=False)
class DecisionCurve:
    """Net benefit in true positives a radiograph, at each threshold probability (Vickers & Elkin 2006)."""

    threshold: Points
    net_benefit: Points
    treat_all: Points
    treat_none: Points


@dataclass(frozen=True, slots=True, eq=False)
class ScoreHistogram:
    """Radiographs of each class by probability; `edges` has one entry more than there are bins."""

    edges: Float[np.ndarray, " edges"]
    with_finding: BinCounts
    without_finding: BinCounts


def roc_curve(scores: Scores, labels: Labels) -> RocCurve:
    """Every corner of the empirical ROC curve; points on a straight line between two others are left out."""
    both_classes(labels)
    threshold, true_positive, false_positive = called_positive(scores, labels)
    threshold = np.concatenate([[np.inf], threshold])
    true_positive = np.concatenate([[0], true_positive])
    false_positive = np.concatenate([[0], false_positive])
    straight = np.diff(true_positive)[1:] * np.diff(false_positive)[:-1] == (
        np.diff(true_positive)[:-1] * np.diff(false_positive)[1:]
    )
    corner = np.concatenate([[True], ~straight, [True]])
    return RocCurve(
        false_positive_rate=false_positive[corner] / false_positive[-1],
        sensitivity=true_positive[corner] / true_positive[-1],
        threshold=threshold[corner],
    )


def precision_recall_curve(scores: Scores, labels: Labels) -> PrecisionRecallCurve:
    """PPV over sensitivity, at every distinct score (Davis & Goadrich 2006: do not join the points by lines)."""
    both_classes(labels)
    threshold, true_positive, false_positive = called_positive(scores, labels)
    return PrecisionRecallCurve(
        sensitivity=true_positive / true_positive[-1],
        ppv=true_positive / (true_positive + false_positive),
        threshold=threshold,
        prevalence=float(labels.mean()),
    )


def called_positive(
    scores: Scores, labels: Labels
) -> tuple[Float[np.ndarray, " thresholds"], Int[np.ndarray, " thresholds"], Int[np.ndarray, " thresholds"]]:
    """Distinct scores, highest first, with the true and false positives of calling positive from each on."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    last_of_tie = np.concatenate([ranked[1:] != ranked[:-1], [True]])
    true_positive = np.cumsum(labels[order])[last_of_tie]
    false_positive = np.cumsum(~labels[order])[last_of_tie]
    return ranked[last_of_tie], true_positive, false_positive


def reliability_diagram(probabilities: Scores, labels: Labels, *, bins: int = BINS) -> ReliabilityDiagram:
    """The bins that `metrics.calibration_error` sums over (Guo 2017, arXiv:1706.04599)."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins)
    edges = np.linspace(0, 1, bins + 1)
    known = np.where(count > 0, count, np.nan)
    return ReliabilityDiagram(
        lower_edge=edges[:-1],
        upper_edge=edges[1:],
        radiographs=count,
        mean_probability=np.bincount(index, weights=probabilities, minlength=bins) / known,
        observed_rate=np.bincount(index, weights=labels, minlength=bins) / known,
    )


def decision_curve(
    probabilities: Scores, labels: Labels, *, thresholds: tuple[float, ...] = DECISION_THRESHOLDS
) -> DecisionCurve:
    """Net benefit = TP / n - FP / n * t / (1 - t) at the threshold probability t, all inside (0, 1).

    The prevalence is that of `labels`; where that is not the prevalence in use, the curve does not carry over.
    """
    both_classes(labels)
    at = np.array(thresholds, np.float64)
    positives, negatives = np.sort(probabilities[labels]), np.sort(probabilities[~labels])
    true_positive = len(positives) - np.searchsorted(positives, at, side="left")
    false_positive = len(negatives) - np.searchsorted(negatives, at, side="left")
    odds = at / (1 - at)
    return DecisionCurve(
        threshold=at,
        net_benefit=(true_positive - false_positive * odds) / len(labels),
        treat_all=(len(positives) - len(negatives) * odds) / len(labels),
        treat_none=np.zeros(len(at)),
    )


def score_histogram(probabilities: Scores, labels: Labels, *, bins: int = 20) -> ScoreHistogram:
    """Counts by class in equal-width bins over [0, 1]; each bin holds its lower edge, the last also 1."""
    edges = np.linspace(0, 1, bins + 1)
    return ScoreHistogram(
        edges=edges,
        with_finding=np.histogram(probabilities[labels], edges)[0],
        without_finding=np.histogram(probabilities[~labels], edges)[0],
    )
