"""A table of scores by rows: what a model said of each radiograph, with reference standard and patient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pneumoscope.arrays import Labels, Scores
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.columns import ScoreColumns, categories


@dataclass(frozen=True, slots=True)
class ScoredRadiograph:
    """One row. `has_finding` is the reference standard."""

    path: str
    patient: str
    subtype: str
    has_finding: bool
    logit: float
    probability: float


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Rows with finite scores, each radiograph once."""

    rows: tuple[ScoredRadiograph, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if not (math.isfinite(row.logit) and 0 <= row.probability <= 1):
                raise UnusableData(
                    "score-impossible",
                    f"{row.path} has logit {row.logit} and probability {row.probability}.",
                    remedy="Score that radiograph again; probabilities lie in [0, 1].",
                )
        if len({row.path for row in self.rows}) < len(self.rows):
            raise UnusableData(
                "row-twice", "A radiograph stands in the table twice.", remedy="Keep one row a radiograph."
            )

    @property
    def labels(self) -> Labels:
        return np.array([row.has_finding for row in self.rows], bool)

    @property
    def logits(self) -> Scores:
        return np.array([row.logit for row in self.rows], np.float64)

    @property
    def probabilities(self) -> Scores:
        return np.array([row.probability for row in self.rows], np.float64)

    @property
    def patients(self) -> list[str]:
        return [row.patient for row in self.rows]

    def columns(self) -> ScoreColumns:
        """The same by columns, with the subtype to look at subgroups by."""
        return ScoreColumns(
            paths=[row.path for row in self.rows],
            labels=self.labels,
            probabilities=self.probabilities,
            logits=self.logits,
            patients=categories(self.patients),
            extras={"subtype": categories([row.subtype for row in self.rows])},
        )
