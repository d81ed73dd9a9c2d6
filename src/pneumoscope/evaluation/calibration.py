"""From a logit to a probability: Platt scaling, fitted on the validation part (Platt 1999; Lin, Lin & Weng 2007)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pneumoscope.arrays import Labels, Scores
from pneumoscope.errors import UnusableBundle
from pneumoscope.evaluation.metrics import both_classes

NEWTON_STEPS = 100
CONVERGED = 1e-10


@dataclass(frozen=True, slots=True)
class PlattCalibration:
    """probability = sigmoid(slope * logit + intercept); the slope is positive, so the order of scores stays."""

    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and math.isfinite(self.intercept) and self.slope > 0):
            raise UnusableBundle(
                "calibration-impossible",
                f"A calibration with slope {self.slope} and intercept {self.intercept} cannot be.",
                remedy="Make the bundle again; its card is damaged or its validation part is too small.",
            )

    def probability(self, logit: float) -> float:
        return sigmoid(self.slope * logit + self.intercept)


def sigmoid(value: float) -> float:
    """1 / (1 + exp(-value)) without overflow."""
    if value >= 0:
        return 1 / (1 + math.exp(-value))
    return math.exp(value) / (1 + math.exp(value))


def fit_platt(logits: Scores, labels: Labels, *, prevalence: float | None = None) -> PlattCalibration:
    """Maximum likelihood with Platt's smoothed targets, (n+ + 1) / (n+ + 2) and 1 / (n- + 2), by Newton's method.

    The targets keep the fit finite where the classes are separable. With `prevalence` (a fraction) the classes weigh as
    if so many had the finding (King & Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868), whatever their numbers; else
    as they are. Give validation rows only.
    """
    both_classes(labels)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    target = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.stack([logits.astype(np.float64), np.ones(len(logits))], axis=1)
    share = positives / len(labels)
    wanted = share if prevalence is None else prevalence
    counts = np.where(labels, wanted / share, (1 - wanted) / (1 - share))
    weights = np.array([1.0, 0.0])
    loss = cross_entropy(design @ weights, target, counts)
    for _ in range(NEWTON_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(design @ weights, -700, 700)))
        gradient = design.T @ (counts * (probability - target))
        curvature = design.T @ (design * (counts * probability * (1 - probability))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while cross_entropy(design @ (weights - size * step), target, counts) > loss and size > 1e-6:
            size /= 2
        weights = weights - size * step
        improved = cross_entropy(design @ weights, target, counts)
        if abs(loss - improved) < CONVERGED:
            break
        loss = improved
    return PlattCalibration(float(weights[0]), float(weights[1]))


def cross_entropy(logits: Scores, targets: Scores, counts: Scores) -> float:
    """Sum over the radiographs, each as often as `counts` says, in nats; targets may lie between 0 and 1."""
    return float(np.sum(counts * (np.logaddexp(0, logits) - targets * logits)))
