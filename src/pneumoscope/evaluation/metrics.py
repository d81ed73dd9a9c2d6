"""Metrics of a binary finding, in the clinical names, each by its textbook formula."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pneumoscope.arrays import Labels, Scores
from pneumoscope.errors import UnusableData


@dataclass(frozen=True, slots=True)
class ConfusionCounts:
    """Decisions against the reference standard."""

    true_positive: int
    false_negative: int
    true_negative: int
    false_positive: int

    @property
    def accuracy(self) -> float:
        return (self.true_positive + self.true_negative) / self.total

    @property
    def total(self) -> int:
        return self.true_positive + self.false_negative + self.true_negative + self.false_positive

    @property
    def sensitivity(self) -> float:
        """Found positives over all positives (recall)."""
        return self.true_positive / (self.true_positive + self.false_negative)

    @property
    def specificity(self) -> float:
        """Cleared negatives over all negatives."""
        return self.true_negative / (self.true_negative + self.false_positive)

    @property
    def balanced_accuracy(self) -> float:
        return (self.sensitivity + self.specificity) / 2

    @property
    def ppv(self) -> float:
        """True positives over all called positive (precision); NaN where none is called positive."""
        called = self.true_positive + self.false_positive
        return self.true_positive / called if called else float("nan")

    @property
    def npv(self) -> float:
        """True negatives over all called negative; NaN where none is called negative."""
        called = self.true_negative + self.false_negative
        return self.true_negative / called if called else float("nan")


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
