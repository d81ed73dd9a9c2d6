"""Intervals for many metrics at once: patients drawn with repeats, as weights (Efron & Tibshirani 1993, ch. 13).

A resample draws as many patients as there are; all radiographs of a patient count as often as the patient was drawn.
Weights are made a few resamples at a time, so memory does not grow with their number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from pneumoscope.arrays import Labels
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.intervals import LEVEL
from pneumoscope.evaluation.weights import Measured, PatientNumbers, Weights

CHUNK = 2**18
"""Weights held at once (radiographs times resamples), but one resample at least."""
MOST_DRAWS = 1000

Key = tuple[str, ...]
Measure = Callable[[Weights], Mapping[Key, Measured]]
Interval = dict[str, float | None]


def weighted_bootstrap(
    measure: Measure,
    patients: PatientNumbers,
    labels: Labels,
    *,
    resamples: int,
    generator: np.random.Generator,
    chunk: int = CHUNK,
) -> dict[Key, Interval]:
    """`{key: {value, low, high}}`, percentile intervals at `LEVEL`; `patients` are numbers, one a patient.

    A resample that holds one class only is drawn again. Where a metric is defined (not 0 / 0) in fewer than 95 % of the
    resamples it has no interval: the resamples that are left would flatter it.
    """
    point = {key: float(value[0]) for key, value in measure(np.ones((1, len(patients)))).items()}
    drawn: dict[Key, list[Measured]] = {key: [] for key in point}
    for weights in resampled_weights(patients, labels, resamples=resamples, generator=generator, chunk=chunk):
        for key, values in measure(weights).items():
            drawn[key].append(values)
    return {
        key: {"value": finite_or_none(value), **percentile_ends(np.concatenate(drawn[key]))}
        for key, value in point.items()
    }


def resampled_weights(
    patients: PatientNumbers, labels: Labels, *, resamples: int, generator: np.random.Generator, chunk: int = CHUNK
) -> Iterator[Weights]:
    """Weights of all resamples, as many at a time as `chunk` allows; what is drawn does not depend on `chunk`."""
    names, patients = np.unique(patients, return_inverse=True)
    count = len(names)
    positives = np.bincount(patients, weights=labels, minlength=count)
    negatives = np.bincount(patients, weights=~labels, minlength=count)
    at_once = max(1, chunk // len(patients))
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        weights = np.empty((rows, len(patients)))
        for row in range(rows):
            weights[row] = drawn_patients(positives, negatives, generator)[patients]
        yield weights


def drawn_patients(
    positives: Float[np.ndarray, " patients"], negatives: Float[np.ndarray, " patients"], generator: np.random.Generator
) -> Float[np.ndarray, " patients"]:
    """How often each patient was drawn, such that both classes are there."""
    count = len(positives)
    for _ in range(MOST_DRAWS):
        times = np.bincount(generator.integers(count, size=count), minlength=count).astype(np.float64)
        if times @ positives > 0 and times @ negatives > 0:
            return times
    raise UnusableData(
        "too-few-patients",
        "Resampling patients keeps giving one class only.",
        remedy="Give more patients with and without the finding.",
    )


def percentile_ends(values: Measured) -> Interval:
    """The ends of the central `LEVEL` of the values; None where there is no such end, or it is infinite."""
    defined = np.sort(values[~np.isnan(values)])
    if len(defined) < LEVEL * len(values) or not len(defined):
        return {"low": None, "high": None}
    return {"low": quantile(defined, (1 - LEVEL) / 2), "high": quantile(defined, (1 + LEVEL) / 2)}


def quantile(ordered: Measured, share: float) -> float | None:
    """As `numpy.quantile`, which cannot say what lies next to infinity."""
    position = share * (len(ordered) - 1)
    before, after = float(ordered[math.floor(position)]), float(ordered[math.ceil(position)])
    part = position - math.floor(position)
    return finite_or_none(before + (after - before) * part if part and after != before else before)


def finite_or_none(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else None


def with_exact_end(interval: Interval, *, patients: int) -> Interval:
    """A rate of 0 or 1 without an error in any resample has an interval without width; give it the end of the exact one.

    Clopper & Pearson 1934 for 0 of `patients`: 1 - 0.025^(1 / patients) at 95 %.
    """
    value = interval["value"]
    if not patients or value not in {0, 1} or interval["low"] != value or interval["high"] != value:
        return interval
    farthest = 1 - ((1 - LEVEL) / 2) ** (1 / patients)
    return {"value": value, "low": value and 1 - farthest, "high": value or farthest}


def nested(intervals: Mapping[Key, Interval]) -> dict[str, Any]:
    """`{("a", "b"): interval}` as `{"a": {"b": interval}}`."""
    result: dict[str, Any] = {}
    for key, interval in intervals.items():
        place = result
        for name in key[:-1]:
            place = place.setdefault(name, {})
        place[key[-1]] = interval
    return result
