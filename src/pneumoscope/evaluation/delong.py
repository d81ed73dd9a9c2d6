"""Variance of the AUROC without resampling: DeLong, in the fast midrank form, and clustered by patient.

DeLong 1988; Sun & Xu 2014, doi:10.1109/LSP.2014.2337313. Both take radiographs as independent; Obuchowski 1997
(Biometrics 53:567) sums the same placement values by patient, and equals DeLong where each patient has one radiograph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Float

from pneumoscope.arrays import Labels, Scores
from pneumoscope.evaluation.intervals import LEVEL
from pneumoscope.evaluation.metrics import both_classes
from pneumoscope.evaluation.weights import PatientNumbers

SystemScores = Float[np.ndarray, "systems radiographs"]


@dataclass(frozen=True, slots=True)
class AurocInterval:
    """AUROC with a Wald interval on its logit, so that the ends stay in [0, 1] (Pepe 2003, 5.2.4).

    None where a class has fewer than two patients, and where the variance is 0: where all positives score above all
    negatives the method says nothing.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class AurocDifference:
    """First less second, with a Wald interval and the two-sided p-value of no difference (z test).

    None where a class has fewer than two patients.
    """

    value: float
    low: float | None
    high: float | None
    p_value: float | None


def auroc_interval(scores: Scores, labels: Labels, patients: PatientNumbers | None = None) -> AurocInterval:
    """Clustered by `patients` (numbers from 0); every radiograph by itself where none are given."""
    aurocs, covariance = auroc_covariance(scores[np.newaxis].astype(np.float64), labels, patients)
    value, variance = float(aurocs[0]), float(covariance[0, 0])
    if not (variance > 0 and 0 < value < 1):
        return AurocInterval(value, None, None)
    centre = math.log(value / (1 - value))
    reach = normal_quantile() * math.sqrt(variance) / (value * (1 - value))
    return AurocInterval(value, 1 / (1 + math.exp(reach - centre)), 1 / (1 + math.exp(-reach - centre)))


def auroc_difference(
    first: Scores, second: Scores, labels: Labels, patients: PatientNumbers | None = None
) -> AurocDifference:
    """Two systems on the same radiographs; clustered by `patients` where they are given."""
    aurocs, covariance = auroc_covariance(np.stack([first, second]).astype(np.float64), labels, patients)
    value = float(aurocs[0] - aurocs[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if math.isnan(variance):
        return AurocDifference(value, None, None, None)
    error = math.sqrt(max(0.0, variance))
    if error < 1e-12:
        return AurocDifference(value, value, value, 1.0 if abs(value) < 1e-12 else 0.0)
    reach = normal_quantile() * error
    return AurocDifference(value, value - reach, value + reach, math.erfc(abs(value) / error / math.sqrt(2)))


def auroc_covariance(
    scores: SystemScores, labels: Labels, patients: PatientNumbers | None = None
) -> tuple[Float[np.ndarray, " systems"], Float[np.ndarray, "systems systems"]]:
    """AUROC of each system and their covariance matrix, which is NaN where a class has fewer than two patients."""
    both_classes(labels)
    if patients is None:
        patients = np.arange(len(labels))
    of_positives, of_negatives = patients[labels], patients[~labels]
    positive_patients, negative_patients = len(np.unique(of_positives)), len(np.unique(of_negatives))
    positives, negatives, everyone = len(of_positives), len(of_negatives), len(np.unique(patients))
    placed = [placement_values(row, labels) for row in scores]
    aurocs = np.array([above.mean() for above, _ in placed])
    if min(positive_patients, negative_patients) < 2:
        return aurocs, np.full((len(scores), len(scores)), np.nan)
    size = int(patients.max()) + 1
    x = np.stack(
        [np.bincount(of_positives, above - area, size) for (above, _), area in zip(placed, aurocs, strict=True)]
    )
    y = np.stack(
        [np.bincount(of_negatives, below - area, size) for (_, below), area in zip(placed, aurocs, strict=True)]
    )
    within = x @ y.T * everyone / (everyone - 1) / (positives * negatives)
    covariance = (
        x @ x.T * positive_patients / (positive_patients - 1) / positives**2
        + y @ y.T * negative_patients / (negative_patients - 1) / negatives**2
        + within
        + within.T
    )
    return aurocs, covariance


def placement_values(
    scores: Scores, labels: Labels
) -> tuple[Float[np.ndarray, " positives"], Float[np.ndarray, " negatives"]]:
    """Share of negatives below each positive, and of positives above each negative, ties counting half.

    A positive's midrank among all, less its midrank among the positives, is how many negatives lie below it.
    """
    ranks = midranks(scores)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    above = (ranks[labels] - midranks(scores[labels])) / negatives
    below = 1 - (ranks[~labels] - midranks(scores[~labels])) / positives
    return above, below


def midranks(values: Scores) -> Float[np.ndarray, " radiographs"]:
    """Ranks from 1, equal values sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def normal_quantile() -> float:
    """1.96 for 95 %."""
    return NormalDist().inv_cdf((1 + LEVEL) / 2)
