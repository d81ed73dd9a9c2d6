"""Weights of radiographs in many resamples, and what is measured in each.

A patient who is drawn twice is a weight of 2: that gives a resample its metrics without copying rows.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

Weights = Float[np.ndarray, "resamples radiographs"]
"""How often each radiograph counts in each resample."""

Measured = Float[np.ndarray, " resamples"]
"""A metric in each resample; NaN where it is not defined."""

PatientNumbers = Int[np.ndarray, " radiographs"]
"""The same number for radiographs of the same patient."""


def divided(numerator: Measured, denominator: Measured) -> Measured:
    """NaN for 0 / 0, infinite for x / 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: np.ndarray = numerator / denominator
    return quotient
