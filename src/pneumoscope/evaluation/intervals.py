"""95 % percentile bootstrap intervals, resampling patients, not radiographs (Efron & Tibshirani 1993, ch. 13)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pneumoscope.errors import UnusableData

LEVEL = 0.95


def patient_bootstrap(
    measure: Callable[[np.ndarray], Mapping[str, float]],
    patients: Sequence[str],
    *,
    resamples: int,
    generator: np.random.Generator,
) -> dict[str, dict[str, float | None]]:
    """`{metric: {value, low, high}}`. `measure` takes row indices (with repeats) and gives metrics.

    A resample that holds one class only is drawn again; a metric that is not defined (NaN) in a resample is left out
    there, and None where it is defined nowhere.
    """
    names = sorted(set(patients))
    position = {name: index for index, name in enumerate(names)}
    rows_of: list[list[int]] = [[] for _ in names]
    for row, patient in enumerate(patients):
        rows_of[position[patient]].append(row)
    blocks = [np.array(rows) for rows in rows_of]
    drawn: dict[str, list[float]] = {}
    for _ in range(resamples):
        for name, value in one_resample(measure, blocks, generator).items():
            drawn.setdefault(name, []).append(value)
    result: dict[str, dict[str, float | None]] = {}
    for name, value in measure(np.arange(len(patients))).items():
        defined = [found for found in drawn[name] if not math.isnan(found)]
        ends = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist() if defined else [None, None]
        result[name] = {"value": None if math.isnan(value) else float(value), "low": ends[0], "high": ends[1]}
    return result


def one_resample(
    measure: Callable[[np.ndarray], Mapping[str, float]], blocks: Sequence[np.ndarray], generator: np.random.Generator
) -> Mapping[str, float]:
    """Metrics of as many patients as there are, drawn with repeats."""
    for _ in range(1000):
        chosen = generator.integers(len(blocks), size=len(blocks))
        try:
            return measure(np.concatenate([blocks[index] for index in chosen]))
        except UnusableData:
            continue
    raise UnusableData(
        "too-few-patients",
        "Resampling patients keeps giving one class only.",
        remedy="Give more patients with and without the finding.",
    )
