"""Metrics of a binary finding, in the clinical names, each by its textbook formula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pneumoscope.arrays import Labels, Scores
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.rates import Outcomes, rates


@dataclass(frozen=True, slots=True)
class ConfusionCounts:
    """Decisions against the reference standard. A rate that is 0 / 0 is NaN."""

    true_positive: int
    false_negative: int
    true_negative: int
    false_positive: int

    @property
    def accuracy(self) -> float:
        return ratio(self.true_positive + self.true_negative, self.total)

    @property
    def total(self) -> int:
        return self.true_positive + self.false_negative + self.true_negative + self.false_positive

    @property
    def sensitivity(self) -> float:
        """Found positives over all positives (recall)."""
        return ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def specificity(self) -> float:
        """Cleared negatives over all negatives."""
        return ratio(self.true_negative, self.true_negative + self.false_positive)

    @property
    def balanced_accuracy(self) -> float:
        return (self.sensitivity + self.specificity) / 2

    @property
    def ppv(self) -> float:
        """True positives over all called positive (precision); NaN where none is called positive."""
        return ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def npv(self) -> float:
        """True negatives over all called negative; NaN where none is called negative."""
        return ratio(self.true_negative, self.true_negative + self.false_negative)

    @property
    def rates(self) -> dict[str, float]:
        """All metrics of a decision by name, with F1, likelihood ratios and Matthews correlation (`rates.rates`)."""
        counts = (self.true_positive, self.false_negative, self.true_negative, self.false_positive)
        outcomes = Outcomes(*(np.array([count], np.float64) for count in counts))
        return {name: float(value[0]) for name, value in rates(outcomes).items()}


def ratio(part: int, whole: int) -> float:
    """A share; NaN of nothing."""
    return part / whole if whole else float("nan")


def confusion_counts(decisions: Labels, labels: Labels) -> ConfusionCounts:
    """Counts of the four outcomes; both classes must be there."""
    both_classes(labels)
    return ConfusionCounts(
        true_positive=int(np.sum(decisions & labels)),
        false_negative=int(np.sum(~decisions & labels)),
        true_negative=int(np.sum(~decisions & ~labels)),
        false_positive=int(np.sum(decisions & ~labels)),
    )


def area_under_roc(scores: Scores, labels: Labels) -> float:
    """AUROC: probability that a positive scores above a negative, ties counting half (Hanley & McNeil 1982)."""
    both_classes(labels)
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2
    ranks = mean_rank[inverse]
    positives = int(labels.sum())
    negatives = len(labels) - positives
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def brier_score(probabilities: Scores, labels: Labels) -> float:
    """Mean squared distance of the probability from the outcome (Brier 1950)."""
    return float(np.mean((probabilities - labels) ** 2))


def calibration_error(probabilities: Scores, labels: Labels, *, bins: int = 15) -> float:
    """Expected calibration error over equal-width bins (Guo 2017, arXiv:1706.04599)."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    total = 0.0
    for number in range(bins):
        inside = index == number
        if inside.any():
            total += inside.mean() * abs(probabilities[inside].mean() - labels[inside].mean())
    return float(total)


def both_classes(labels: Labels) -> None:
    """Refuse a reference standard of one class, for which most metrics are not defined."""
    if labels.all() or not labels.any():
        raise UnusableData(
            "one-class-only",
            "The reference standard holds one class only, so this metric is not defined.",
            remedy="Give radiographs with and without the finding.",
        )
