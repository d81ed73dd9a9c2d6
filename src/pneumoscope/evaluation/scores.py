"""A table of scores: what a model said of each radiograph, with reference standard and patient (`scores.csv`)."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from pneumoscope.arrays import Labels, Scores
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.evaluation.read_columns import csv_lines


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


def write_scores(table: ScoreTable, path: Path) -> None:
    """Write `scores.csv` with one column a field."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(ScoredRadiograph)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in table.rows)


def read_scores(path: Path) -> ScoreTable:
    """Read our own `scores.csv`; `UnusableData` names the line that is wrong. `read_columns` reads any model's."""
    lines = csv_lines(path)
    _, names = next(lines, (0, []))
    rows = []
    for number, cells in lines:
        entry = dict(zip(names, cells, strict=False))
        try:
            rows.append(
                ScoredRadiograph(
                    path=entry["path"],
                    patient=entry["patient"],
                    subtype=entry["subtype"],
                    has_finding={"True": True, "False": False}[entry["has_finding"]],
                    logit=float(entry["logit"]),
                    probability=float(entry["probability"]),
                )
            )
        except (KeyError, ValueError) as error:
            raise UnusableData(
                "scores-row",
                f"{path}, line {number}: {error} is missing or not a value.",
                remedy=f"A score table has the columns {', '.join(f.name for f in fields(ScoredRadiograph))}.",
            ) from error
    return ScoreTable(tuple(rows))
