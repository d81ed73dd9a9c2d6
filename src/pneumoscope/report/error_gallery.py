"""The most wrong radiographs of an evaluation, and why each may be wrong: what a reader should look at first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Bool, Int

from pneumoscope.arrays import Scores
from pneumoscope.bundle.bundle import Bundle
from pneumoscope.evaluation.columns import Categories, ScoreColumns
from pneumoscope.inference.predictor import Predictor
from pneumoscope.report.error_pictures import Picture, picture_of
from pneumoscope.report.twins import Twin, twins_of
from pneumoscope.report.words import column_name, counted, rounded

EACH_KIND: Final = 8
NEAR_LOGITS: Final = 0.5
"""In logit units of the calibrated probability: at a threshold of 0.5 that is 0.38 to 0.62."""
EXTREME_SHARE: Final = 0.05
MOST_NUMBERS: Final = 3
FIRST_NUMBERS: Final = ("sharpness", "aspect_ratio")
"""What is told first of the numbers by which a radiograph stands out."""
SUBTYPE: Final = "subtype"


@dataclass(frozen=True, slots=True)
class WrongRadiograph:
    """One radiograph that was decided wrongly. `reasons` are what may explain it, none where nothing was found."""

    path: str
    reference: str
    """The reference standard, with the subtype where it is known."""
    has_finding: bool
    probability: float
    reasons: tuple[str, ...]
    picture: Picture | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        return "missed" if self.has_finding else "false alarm"


def error_gallery(
    columns: ScoreColumns, threshold: float, data: Path, *, bundle: Bundle | None, each: int = EACH_KIND
) -> list[WrongRadiograph]:
    """Missed pneumonias, then false alarms, the most wrong first, `each` of a kind at most.

    Pictures are read from `data`; with a bundle each shows its overlay too. A file that cannot be read has no picture,
    and says why.
    """
    rows = [*most_wrong(columns, threshold, missed=True)[:each], *most_wrong(columns, threshold, missed=False)[:each]]
    if not rows:
        return []
    predictor = Predictor(bundle, threads=1) if bundle else None
    twins = twins_of(columns, rows, data)
    gallery = []
    for row in rows:
        picture, of_picture = picture_of(data, columns.paths[row], predictor)
        reasons = [
            *label_doubts(columns, row, twins.get(row, [])),
            *of_picture,
            *near_threshold(float(columns.probabilities[row]), threshold),
            *list(like_the_other_class(columns, row))[:MOST_NUMBERS],
        ]
        gallery.append(
            WrongRadiograph(
                path=columns.paths[row],
                reference=reference_of(columns, row),
                has_finding=bool(columns.labels[row]),
                probability=float(columns.probabilities[row]),
                reasons=tuple(dict.fromkeys(reasons)),
                picture=picture,
            )
        )
    return gallery


def most_wrong(columns: ScoreColumns, threshold: float, *, missed: bool) -> list[int]:
    """Rows of one kind of error, that whose score lies farthest on the wrong side first."""
    called: Bool[np.ndarray, " radiographs"] = columns.probabilities >= threshold
    rows: Int[np.ndarray, " errors"] = np.flatnonzero(~called & columns.labels if missed else called & ~columns.labels)
    scores = columns.ranking_scores[rows] * (1 if missed else -1)
    ordered: list[int] = rows[np.argsort(scores, kind="stable")].tolist()
    return ordered


def reference_of(columns: ScoreColumns, row: int) -> str:
    """`PNEUMONIA (viral)`."""
    name = "PNEUMONIA" if columns.labels[row] else "NORMAL"
    column = columns.extras.get(SUBTYPE)
    subtype = column.names[column.codes[row]] if isinstance(column, Categories) else ""
    return f"{name} ({subtype})" if subtype and subtype.upper() != name else name


def label_doubts(columns: ScoreColumns, row: int, twins: list[Twin]) -> Iterator[str]:
    """The same picture, or the same patient, with another label; and copies that make one error count twice."""
    for twin in twins:
        same = "the same file content as" if twin.identical else "nearly the same picture as"
        if columns.labels[twin.row] != columns.labels[row]:
            yield f"the label is in doubt: {same} {columns.paths[twin.row]}, which is labelled otherwise"
        else:
            yield f"{same} {columns.paths[twin.row]}"
    if columns.patients is None:
        return
    others = np.flatnonzero(columns.patient_numbers == columns.patient_numbers[row])
    others = others[others != row]
    differing = int((columns.labels[others] != columns.labels[row]).sum())
    if differing:
        yield f"the label may be in doubt: {counted(differing, 'other radiograph')} of this patient labelled otherwise"


def near_threshold(probability: float, threshold: float) -> Iterator[str]:
    """A small change of the picture would have turned the decision."""
    if abs(logit_of(probability) - logit_of(threshold)) < NEAR_LOGITS:
        yield f"near the threshold of {rounded(threshold)}"


def logit_of(probability: float) -> float:
    """Finite also at 0 and 1."""
    held = min(max(probability, 1e-12), 1 - 1e-12)
    return math.log(held / (1 - held))


def like_the_other_class(columns: ScoreColumns, row: int) -> Iterator[str]:
    """Numbers of the table (sharpness, aspect ratio, size) by which the radiograph looks like the other class."""
    for name in sorted(columns.extras, key=lambda name: name not in FIRST_NUMBERS):
        column = columns.extras[name]
        if isinstance(column, Categories):
            continue
        value = float(column[row])
        if not math.isfinite(value):
            continue
        words = [*extreme(column, value), *other_median(columns, column, row)]
        if words:
            yield f"{column_name(name)} {value:.4g}: {', '.join(words)}"


def extreme(column: Scores, value: float) -> Iterator[str]:
    """Among the lowest or highest of all."""
    low, high = np.nanquantile(column, [EXTREME_SHARE, 1 - EXTREME_SHARE])
    if value < low:
        yield f"among the lowest {100 * EXTREME_SHARE:.0f} %"
    if value > high:
        yield f"among the highest {100 * EXTREME_SHARE:.0f} %"


def other_median(columns: ScoreColumns, column: Scores, row: int) -> Iterator[str]:
    """Nearer the median of the other class than that of its own."""
    medians: Mapping[bool, float] = {
        finding: float(np.median(known))
        if len(known := column[(columns.labels == finding) & np.isfinite(column)])
        else math.nan
        for finding in (True, False)
    }
    own, other = medians[bool(columns.labels[row])], medians[not columns.labels[row]]
    if abs(column[row] - other) < abs(column[row] - own):
        words = "without" if columns.labels[row] else "with"
        yield f"nearer the radiographs {words} pneumonia (median {other:.4g}) than its own class ({own:.4g})"
