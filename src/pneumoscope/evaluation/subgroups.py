"""Subgroups of a score table: by the names in a column, or by the quartiles of its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float, Int

from pneumoscope.arrays import Scores
from pneumoscope.errors import UnusableOption
from pneumoscope.evaluation.columns import Categories, ScoreColumns

FEW_PATIENTS = 10
"""With 10 patients and no error among them, the exact 95 % interval of the rate still begins at 69 %."""
MOST_GROUPS = 20
WITHOUT_NAME = "(none)"
SMALLER_GROUPS = "(smaller groups)"
UNKNOWN = "(not known)"
NORMAL = "normal"
NAMES_OF_ONE = frozenset({"path", "id", "sha256"})
"""Columns that tell radiographs apart and so make no groups worth offering."""


class ComparedWith(StrEnum):
    """Whose scores the AUROC of a group is made with."""

    OWN = "radiographs of the group"
    ALL_WITHOUT = "all radiographs without the finding"
    ALL_WITH = "all radiographs with the finding"


@dataclass(frozen=True, slots=True, eq=False)
class Subgroup:
    """Radiographs of one group; `low` and `high` are the smallest and largest number in it, None for names."""

    name: str
    rows: Int[np.ndarray, " of_group"]
    ranked_rows: Int[np.ndarray, " compared"]
    """The group, and where it is of one class all radiographs of the other: for the AUROC."""
    compared_with: ComparedWith
    patients_with_finding: int
    patients_without_finding: int
    low: float | None = None
    high: float | None = None

    @property
    def small(self) -> bool:
        """Whether a class that is in the group has too few patients to tell a rate."""
        return any(
            0 < patients < FEW_PATIENTS for patients in (self.patients_with_finding, self.patients_without_finding)
        )


def subgroups(table: ScoreColumns, column: str) -> list[Subgroup]:
    """Groups by one of the table's extra columns; `UnusableOption` where there is no such column."""
    if column not in table.extras:
        raise UnusableOption(
            "subgroup-unknown",
            f"There is no column {column} that makes groups.",
            remedy=f"Choose from {', '.join(name for name in table.extras if name not in NAMES_OF_ONE) or 'none'}; a column"
            " with a thousand different texts makes none.",
        )
    values = table.extras[column]
    return by_name(table, values) if isinstance(values, Categories) else by_quartile(table, values)


def by_name(table: ScoreColumns, values: Categories) -> list[Subgroup]:
    """One group a name, by name; the smallest together where there are more than 20."""
    sizes = np.bincount(values.codes, minlength=len(values.names))
    codes = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    own, rest = (
        (codes, codes[:0]) if len(codes) <= MOST_GROUPS else (codes[: MOST_GROUPS - 1], codes[MOST_GROUPS - 1 :])
    )
    groups = []
    for code in sorted(own.tolist(), key=lambda code: values.names[code]):
        rows = np.flatnonzero(values.codes == code)
        blank = NORMAL if not table.labels[rows].any() and NORMAL not in values.names else WITHOUT_NAME
        groups.append(subgroup(table, values.names[code] or blank, rows))
    if len(rest):
        groups.append(subgroup(table, SMALLER_GROUPS, np.flatnonzero(np.isin(values.codes, rest))))
    return groups


def by_quartile(table: ScoreColumns, values: Scores) -> list[Subgroup]:
    """Up to four groups of about equal size; equal numbers stay together, and what is not known is a group apart."""
    known = ~np.isnan(values)
    groups = []
    if known.any():
        edges = np.quantile(values[known], [0.25, 0.5, 0.75])
        quartile = np.where(known, np.searchsorted(edges, values, side="left"), -1)
        for number in range(4):
            rows = np.flatnonzero(quartile == number)
            if len(rows):
                groups.append(subgroup(table, f"quartile {number + 1}", rows, values=values[rows]))
    if not known.all():
        groups.append(subgroup(table, UNKNOWN, np.flatnonzero(~known)))
    return groups


def subgroup(
    table: ScoreColumns,
    name: str,
    rows: Int[np.ndarray, " of_group"],
    *,
    values: Float[np.ndarray, " of_group"] | None = None,
) -> Subgroup:
    """A subtype of pneumonia has no normal radiographs of its own, so it is ranked against all of them."""
    labels, patients = table.labels[rows], table.patient_numbers[rows]
    compared_with, ranked_rows = ComparedWith.OWN, rows
    if labels.all():
        compared_with = ComparedWith.ALL_WITHOUT
        ranked_rows = np.union1d(rows, np.flatnonzero(~table.labels))
    elif not labels.any():
        compared_with = ComparedWith.ALL_WITH
        ranked_rows = np.union1d(rows, np.flatnonzero(table.labels))
    return Subgroup(
        name=name,
        rows=rows,
        ranked_rows=ranked_rows,
        compared_with=compared_with,
        patients_with_finding=len(np.unique(patients[labels])),
        patients_without_finding=len(np.unique(patients[~labels])),
        low=None if values is None else float(values.min()),
        high=None if values is None else float(values.max()),
    )
