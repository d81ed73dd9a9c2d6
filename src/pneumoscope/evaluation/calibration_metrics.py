"""How far probabilities can be taken at their word, in many resamples of the same radiographs at once.

Brier score, calibration error, calibration slope and intercept (Cox 1958; Van Calster 2019, doi:10.1186/s12916-019-1466-7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pneumoscope.arrays import Labels, Scores
from pneumoscope.evaluation.curves import BINS
from pneumoscope.evaluation.weights import Measured, Weights, divided

NEWTON_STEPS = 40
CONVERGED = 1e-9
LONGEST_STEP = 2.0
FARTHEST_LOGIT = 500.0
NEAREST_TO_CERTAIN = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationData:
    """What the metrics need of the probabilities, worked out once."""

    probabilities: Scores
    positive: Scores
    logits: Scores
    """Of the probabilities, which are kept 1e-12 away from 0 and 1."""
    bins: tuple[Int[np.ndarray, " _"], ...]
    """Rows in each equal-width bin that is not empty."""
    centre: float
    width: float
    standard_logits: Scores
    """(logit - centre) / width, or zeros where all are the same."""
    start: tuple[float, float]
    """Slope and level of the fit to all radiographs, near which those of resamples lie."""


def calibration_data(probabilities: Scores, labels: Labels) -> CalibrationData:
    """Bins as in `metrics.calibration_error`."""
    probabilities, positive = probabilities.astype(np.float64), labels.astype(np.float64)
    index = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    inside = np.clip(probabilities, NEAREST_TO_CERTAIN, 1 - NEAREST_TO_CERTAIN)
    logits = np.log(inside) - np.log1p(-inside)
    centre, width = float(logits.mean()), float(logits.std())
    standard_logits = (logits - centre) / width if width > CONVERGED else np.zeros(len(logits))
    slope, level = fit_weighted_logistic(standard_logits, positive, np.ones((1, len(labels))), start=(0.0, 0.0))
    fitted = bool(np.isfinite(slope[0]))
    return CalibrationData(
        probabilities=probabilities,
        positive=positive,
        logits=logits,
        bins=tuple(np.flatnonzero(index == number) for number in range(BINS) if (index == number).any()),
        centre=centre,
        width=width,
        standard_logits=standard_logits,
        start=(float(slope[0]), float(level[0])) if fitted else (0.0, 0.0),
    )


def calibration_metrics(data: CalibrationData, weights: Weights) -> dict[str, Measured]:
    """All of them; slope and intercept are NaN where the fit has no finite answer (one class, or classes that part)."""
    slope, _ = recalibration(data, weights)
    return {
        "brier_score": brier(data, weights),
        "calibration_error": binned_error(data, weights),
        "calibration_slope": slope,
        "calibration_intercept": calibration_in_the_large(data, weights),
    }


def brier(data: CalibrationData, weights: Weights) -> Measured:
    """Mean squared distance of the probability from the outcome (Brier 1950)."""
    return divided(weights @ (data.probabilities - data.positive) ** 2, weights.sum(axis=1))


def binned_error(data: CalibrationData, weights: Weights) -> Measured:
    """Expected calibration error over equal-width bins (Guo 2017, arXiv:1706.04599)."""
    gap = data.probabilities - data.positive
    distance = sum(np.abs(weights[:, rows] @ gap[rows]) for rows in data.bins)
    return divided(np.asarray(distance), weights.sum(axis=1))


def recalibration(data: CalibrationData, weights: Weights) -> tuple[Measured, Measured]:
    """Slope and intercept of the logistic regression of the outcome on the logit of the probability.

    Slope 1 and intercept 0 are right; a slope below 1 says that probabilities are too extreme.
    """
    if data.width <= CONVERGED:
        nowhere = np.full(len(weights), np.nan)
        return nowhere, nowhere
    slope, level = fit_weighted_logistic(data.standard_logits, data.positive, weights, start=data.start)
    return slope / data.width, level - slope * data.centre / data.width


def fit_weighted_logistic(
    values: Scores, positive: Scores, weights: Weights, *, start: tuple[float, float]
) -> tuple[Measured, Measured]:
    """Slope and level of logit P(positive) = slope * value + level, values of the order of 1, by Newton's method.

    Steps are shortened, so that none overshoots; NaN where they do not come to rest.
    """
    fitted = np.tile(np.array(start), (len(weights), 1))
    result = np.full((len(weights), 2), np.nan)
    active = np.arange(len(weights))
    squares = values**2
    for _ in range(NEWTON_STEPS):
        share = weights if len(active) == len(weights) else weights[active]
        probability = sigmoids(fitted[active, :1] * values + fitted[active, 1:])
        residual = share * (positive - probability)
        probability *= 1 - probability
        probability *= share
        both, single = probability @ values, probability.sum(axis=1)
        step = solved(probability @ squares, both, single, residual @ values, residual.sum(axis=1))
        length = np.abs(step).max(axis=1)
        step *= np.minimum(1, LONGEST_STEP / np.maximum(length, CONVERGED))[:, np.newaxis]
        fitted[active] += step
        rested = length < CONVERGED
        result[active[rested]] = fitted[active[rested]]
        active = active[~rested & np.isfinite(length)]
        if not len(active):
            break
    return result[:, 0], result[:, 1]


def solved(
    corner: Measured, side: Measured, other: Measured, first: Measured, second: Measured
) -> Float[np.ndarray, "resamples 2"]:
    """Solution of [[corner, side], [side, other]] x = [first, second] in each resample, NaN where it has none."""
    determinant = corner * other - side**2
    determinant = np.where(determinant > 1e-12 * corner * other, determinant, np.nan)
    return np.stack([(other * first - side * second) / determinant, (corner * second - side * first) / determinant], 1)


def calibration_in_the_large(data: CalibrationData, weights: Weights) -> Measured:
    """The shift of all logits that makes the mean probability equal the observed share: 0 is right, below 0 says that
    probabilities are too high. By bisection, which always ends; NaN where one class is missing.
    """
    total, positives = weights.sum(axis=1), weights @ data.positive
    low = np.full(len(weights), -2 * np.abs(data.logits).max() - 40)
    high = -low
    shift = np.zeros(len(weights))
    for _ in range(NEWTON_STEPS):
        probability = sigmoids(data.logits + shift[:, np.newaxis])
        excess = np.einsum("ij,ij->i", weights, probability) - positives
        high, low = np.where(excess > 0, shift, high), np.where(excess > 0, low, shift)
        slope = np.einsum("ij,ij,ij->i", weights, probability, 1 - probability)
        newton = shift - excess / np.maximum(slope, 1e-300)
        following = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
        moved, shift = np.abs(following - shift).max(), following
        if moved < CONVERGED:
            break
    return np.where((positives > 0) & (positives < total), shift, np.nan)


def sigmoids(logits: Float[np.ndarray, "resamples radiographs"]) -> Float[np.ndarray, "resamples radiographs"]:
    """1 / (1 + exp(-logit)) without overflow."""
    values: np.ndarray = np.clip(logits, -FARTHEST_LOGIT, FARTHEST_LOGIT)
    np.negative(values, out=values)
    np.exp(values, out=values)
    values += 1
    np.reciprocal(values, out=values)
    return values
