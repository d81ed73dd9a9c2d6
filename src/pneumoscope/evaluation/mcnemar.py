"""Do two systems decide equally often right on the same radiographs? McNemar's exact test (McNemar 1947)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pneumoscope.arrays import Labels


@dataclass(frozen=True, slots=True)
class McNemar:
    """Radiographs on which one system alone is right, and the two-sided exact p-value.

    The test takes radiographs as independent. Where patients have several, read the patient bootstrap of the
    difference in accuracy with it.
    """

    only_first_right: int
    only_second_right: int
    p_value: float


def mcnemar(first: Labels, second: Labels, labels: Labels) -> McNemar:
    """Decisions of two systems against the reference standard."""
    right, also_right = first == labels, second == labels
    only_first, only_second = int(np.sum(right & ~also_right)), int(np.sum(~right & also_right))
    return McNemar(only_first, only_second, two_sided_sign_test(only_first, only_second))


def two_sided_sign_test(first: int, second: int) -> float:
    """Twice the smaller binomial tail at one half, at most 1; summed in logarithms."""
    total, fewer = first + second, min(first, second)
    steps = np.arange(fewer, dtype=np.float64)
    logarithms = np.concatenate([[0.0], np.cumsum(np.log((total - steps) / (steps + 1)))]) - total * np.log(2)
    return float(min(1.0, 2 * np.exp(logarithms).sum()))
