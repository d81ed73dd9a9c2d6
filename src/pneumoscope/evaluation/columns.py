"""A score table by columns, as metrics take it: any model's, of any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from pneumoscope.arrays import Labels, Scores
from pneumoscope.errors import UnusableData


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """A column of few different texts: numbers from 0, and what each stands for."""

    codes: Int[np.ndarray, " radiographs"]
    names: tuple[str, ...]

    def take(self, rows: Int[np.ndarray, " taken"]) -> Categories:
        """Numbers stay what they were."""
        return Categories(self.codes[rows], self.names)


Column = Categories | Scores
"""Texts, or numbers with NaN where one is not known."""


def categories(values: Sequence[str]) -> Categories:
    """Number the texts in the order of their first appearance."""
    numbers: dict[str, int] = {}
    codes = np.fromiter((numbers.setdefault(value, len(numbers)) for value in values), np.int32, len(values))
    return Categories(codes, tuple(numbers))


@dataclass(frozen=True, slots=True, eq=False)
class ScoreColumns:
    """Each radiograph once, with its reference standard and what a model said of it.

    `logits` are what was before calibration, or None where that is not known. Without `patients` each radiograph counts
    as a patient of its own. `extras` are columns to look at subgroups by.
    """

    paths: Sequence[str]
    labels: Labels
    probabilities: Scores
    logits: Scores | None = None
    patients: Categories | None = None
    extras: Mapping[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, column in {"logits": self.logits, "patients": self.patients, **self.extras}.items():
            length = len(self) if column is None else len(column.codes if isinstance(column, Categories) else column)
            if length != len(self):
                raise UnusableData(
                    "scores-columns",
                    f"The column {name} has {length} values for {len(self)} radiographs.",
                    remedy="Give one value a radiograph.",
                )
        possible = (self.probabilities >= 0) & (self.probabilities <= 1)
        if self.logits is not None:
            possible &= np.isfinite(self.logits)
        if not possible.all():
            path = self.paths[int(np.flatnonzero(~possible)[0])]
            raise UnusableData(
                "score-impossible",
                f"{path} has a probability outside [0, 1] or a logit that is not a number.",
                remedy="Score that radiograph again.",
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def unit(self) -> str:
        """What is resampled."""
        return "patient" if self.patients is not None else "radiograph"

    @property
    def patient_numbers(self) -> Int[np.ndarray, " radiographs"]:
        """From 0."""
        return self.patients.codes if self.patients is not None else np.arange(len(self))

    @property
    def ranking_scores(self) -> Scores:
        """What orders the radiographs: logits where known, which stay apart where probabilities round to 1."""
        return self.logits if self.logits is not None else self.probabilities

    def take(self, rows: Int[np.ndarray, " taken"]) -> ScoreColumns:
        """These rows, in this order."""
        return ScoreColumns(
            paths=[self.paths[row] for row in rows.tolist()],
            labels=self.labels[rows],
            probabilities=self.probabilities[rows],
            logits=None if self.logits is None else self.logits[rows],
            patients=None if self.patients is None else self.patients.take(rows),
            extras={
                name: column.take(rows) if isinstance(column, Categories) else column[rows]
                for name, column in self.extras.items()
            },
        )

    def with_extras(self, extras: Mapping[str, Column]) -> ScoreColumns:
        """Further columns, in the order of `paths`."""
        return ScoreColumns(
            self.paths, self.labels, self.probabilities, self.logits, self.patients, {**self.extras, **extras}
        )
