"""A further column of a score table, read cell by cell: groups by name, or numbers, or nothing to make groups of."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field

import numpy as np

from pneumoscope.evaluation.columns import Categories, Column

MOST_NAMES = 1000
"""More different texts than this are no groups."""
MOST_NUMBERED_GROUPS = 10
"""Up to this many different numbers are groups by themselves, such as a fold or a grade."""


@dataclass(slots=True)
class ExtraColumn:
    """Keeps both readings of the cells, names and numbers, until one of them is ruled out."""

    numbers: array[float] | None = field(default_factory=lambda: array("d"))
    codes: array[int] | None = field(default_factory=lambda: array("i"))
    names: dict[str, int] = field(default_factory=dict)

    def append(self, cell: str) -> None:
        """One more cell; an empty one is an unknown number, or a group without a name."""
        cell = cell.strip()
        if self.numbers is not None:
            number = number_or_none(cell)
            if number is None:
                self.numbers = None
            else:
                self.numbers.append(number)
        if self.codes is not None:
            self.codes.append(self.names.setdefault(cell, len(self.names)))
            if len(self.names) > MOST_NAMES:
                self.codes, self.names = None, {}

    def column(self) -> Column | None:
        """Numbers where there are more than a few different ones; None for a column that makes no groups."""
        if self.numbers is not None and (self.codes is None or len(self.names) > MOST_NUMBERED_GROUPS):
            return np.frombuffer(self.numbers)
        return Categories(np.frombuffer(self.codes, np.int32), tuple(self.names)) if self.codes is not None else None


def number_or_none(cell: str) -> float | None:
    """A finite number; NaN for an empty cell."""
    if not cell:
        return math.nan
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else math.nan
