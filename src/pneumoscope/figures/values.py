"""What figures are told beside the curves: values with their intervals, bands, and operating points as measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.metrics import ConfusionCounts

FIELDS: Final = ("value", "low", "high")


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with the ends of its 95 % confidence interval; NaN where it is not defined."""

    value: float
    low: float
    high: float

    @property
    def defined(self) -> bool:
        return math.isfinite(self.value)

    @property
    def has_ends(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)

    def __str__(self) -> str:
        if not self.defined:
            return "not defined"
        ends = f" ({self.low:.3f} to {self.high:.3f})" if self.has_ends else ""
        return f"{self.value:.3f}{ends}"


def interval_of(entry: Mapping[str, float | None]) -> Interval:
    """From `{"value", "low", "high"}` as `evaluation.json` has it; None there is NaN here."""
    value, low, high = (math.nan if number is None else float(number) for number in map(entry.get, FIELDS))
    return Interval(value, low, high)


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """95 % confidence limits of a curve: `low` and `high` along the vertical axis at each `at` of the horizontal one."""

    at: Float[np.ndarray, " places"]
    low: Float[np.ndarray, " places"]
    high: Float[np.ndarray, " places"]


@dataclass(frozen=True, slots=True)
class MeasuredPoint:
    """An operating point with what it came to on the radiographs of the figure. `threshold` is a probability."""

    name: str
    threshold: float
    counts: ConfusionCounts


def described(name: str, metric: str, value: Interval | None, band: Band | None) -> str:
    """`a model, AUROC 0.986 (0.976 to 0.994); band: 95 % interval`, less what is not known."""
    with_value = f"{name}, {metric} {value}" if value else name
    return f"{with_value}; band: 95 % interval" if band else with_value


def merged(points: Iterable[MeasuredPoint]) -> list[MeasuredPoint]:
    """Points with the same threshold as one that carries all their names, so that no mark hides another."""
    by_threshold: dict[float, MeasuredPoint] = {}
    for point in points:
        same = by_threshold.get(point.threshold)
        by_threshold[point.threshold] = replace(same, name=f"{same.name} = {point.name}") if same else point
    return list(by_threshold.values())


def refuse_nothing(count: int, *, what: str) -> None:
    """`UnusableData` where there is nothing to draw: an empty frame would look like a result."""
    if count == 0:
        raise UnusableData(
            "figure-empty",
            f"There is nothing to draw: no {what}.",
            remedy="Draw the figure from a table that has rows.",
        )
