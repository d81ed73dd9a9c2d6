"""Scores of any model out of a CSV file, row by row, so that a million rows fit into memory.

One row a radiograph under a line of column names: `path` or `id`; `label` or `has_finding`; `probability`, or `score` in
[0, 1], or `logit` alone; and as it may be `logit`, `patient`, and columns to look at subgroups by.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pneumoscope.arrays import Scores
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.calibration import sigmoid
from pneumoscope.evaluation.columns import Categories, ScoreColumns
from pneumoscope.evaluation.extra_column import ExtraColumn

IDENTITY = ("path", "id")
REFERENCE = ("label", "has_finding")
PROBABILITY = ("probability", "score")
LABELS = {
    **dict.fromkeys(("pneumonia", "true", "1", "positive"), True),
    **dict.fromkeys(("normal", "false", "0", "negative"), False),
}
DELIMITERS = ",;\t"
FORMAT = (
    "The first line names the columns: path (or id), label (PNEUMONIA or NORMAL), probability (or score in [0, 1], or"
    " logit), and if known patient."
)


@dataclass(slots=True)
class Rows:
    """What has been read so far, in arrays that grow."""

    paths: list[str] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("q"))
    labels: bytearray = field(default_factory=bytearray)
    probabilities: array[float] = field(default_factory=lambda: array("d"))
    logits: array[float] = field(default_factory=lambda: array("d"))
    patient_codes: array[int] = field(default_factory=lambda: array("i"))
    patient_numbers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Header:
    """Where each column stands; None for one that is not there."""

    width: int
    identity: int
    reference: int
    probability: int | None
    logit: int | None
    patient: int | None
    extras: dict[str, int]


def read_score_columns(path: Path) -> ScoreColumns:
    """Every row checked; `UnusableData` names file, line and remedy. Both classes must be there."""
    lines = csv_lines(path)
    number, names = next(lines, (0, []))
    if not number:
        raise UnusableData("scores-empty", f"{path} is empty.", remedy=FORMAT)
    header = header_of(path, number, names)
    rows, extras = Rows(), {name: ExtraColumn() for name in header.extras}
    seen: set[str] = set()
    for number, cells in lines:
        add_row(path, number, cells, header, rows, seen)
        for name, place in header.extras.items():
            extras[name].append(cells[place])
    both_classes_in(path, rows)
    kept = {name: column for name, extra in extras.items() if (column := extra.column()) is not None}
    return ScoreColumns(
        paths=rows.paths,
        labels=np.frombuffer(rows.labels, np.bool_),
        probabilities=np.frombuffer(rows.probabilities),
        logits=numbers(rows.logits) if header.logit is not None else None,
        patients=patients_of(rows) if header.patient is not None else None,
        extras=kept,
    )


def csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not blank, separated as the first line is: comma, semicolon or tab."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(DELIMITERS, key=first.count), strict=True)
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
    except UnicodeDecodeError as error:
        raise UnusableData(
            "table-unreadable",
            f"{path}, line {line_that_is_not_utf8(path)}: the text is not UTF-8.",
            remedy="Save the table as CSV in UTF-8.",
        ) from error
    except csv.Error as error:
        raise UnusableData(
            "table-unreadable", f"{path}, line {reader.line_num}: {error}.", remedy="Save the table as CSV again."
        ) from error
    except OSError as error:
        raise UnusableData(
            "table-unreadable", f"{path} cannot be read ({error.strerror}).", remedy="Name a CSV file that may be read."
        ) from error


def line_that_is_not_utf8(path: Path) -> int:
    """Number of the first line that cannot be decoded."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 0


def header_of(path: Path, number: int, names: Sequence[str]) -> Header:
    """Columns by name, in any order and case."""
    known = [name.strip().lower() for name in names]
    if twice := sorted({name for name in known if known.count(name) > 1}):
        raise UnusableData(
            "scores-columns", f"{path}, line {number}: the column {twice[0]} stands there twice.", remedy=FORMAT
        )
    place = {name: index for index, name in enumerate(known)}
    identity, reference, probability = (
        next((name for name in group if name in place), None) for group in (IDENTITY, REFERENCE, PROBABILITY)
    )
    wanted = {
        "path": identity,
        "label": reference,
        "probability": probability or ("logit" if "logit" in place else None),
    }
    missing = [name for name, found in wanted.items() if found is None]
    if identity is None or reference is None or missing:
        raise UnusableData(
            "scores-columns" if len(missing) < len(wanted) else "scores-header",
            f"{path}, line {number}: there is no column {', no column '.join(missing)}; found {', '.join(names)[:200]}.",
            remedy=FORMAT,
        )
    used = {identity, reference, probability, "logit", "patient", ""}
    return Header(
        width=len(names),
        identity=place[identity],
        reference=place[reference],
        probability=None if probability is None else place[probability],
        logit=place.get("logit"),
        patient=place.get("patient"),
        extras={name: index for name, index in place.items() if name not in used},
    )


def add_row(path: Path, number: int, cells: Sequence[str], header: Header, rows: Rows, seen: set[str]) -> None:
    """Check one row and keep it."""
    if len(cells) != header.width:
        raise UnusableData(
            "scores-row",
            f"{path}, line {number}: {len(cells)} cells under {header.width} column names.",
            remedy="Give each row one cell a column; put quotes around text that holds the separator.",
        )
    identity = cells[header.identity].strip()
    label = LABELS.get(cells[header.reference].strip().lower())
    if label is None or not identity:
        what = f"the label {cells[header.reference]!r} is not known" if identity else "the path is empty"
        raise UnusableData(
            "scores-row",
            f"{path}, line {number}: {what}.",
            remedy=f"Labels are {', '.join(LABELS)}; paths name radiographs.",
        )
    if identity in seen:
        raise UnusableData(
            "row-twice",
            f"{path}, line {number}: {identity} stands in line {rows.lines[rows.paths.index(identity)]} already.",
            remedy="Keep one row a radiograph.",
        )
    logit = None if header.logit is None else score_of(path, number, cells[header.logit], logit=True)
    if header.probability is not None:
        rows.probabilities.append(score_of(path, number, cells[header.probability], logit=False))
    elif logit is not None:
        rows.probabilities.append(sigmoid(logit))
    if logit is not None:
        rows.logits.append(logit)
    if header.patient is not None:
        patient = cells[header.patient].strip() or f"\0{identity}"
        rows.patient_codes.append(rows.patient_numbers.setdefault(patient, len(rows.patient_numbers)))
    seen.add(identity)
    rows.paths.append(identity)
    rows.lines.append(number)
    rows.labels.append(label)


def score_of(path: Path, number: int, cell: str, *, logit: bool) -> float:
    """A finite number, in [0, 1] where it is no logit."""
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and (logit or 0 <= value <= 1):
        return value
    wanted = "a finite logit" if logit else "a probability in [0, 1]"
    raise UnusableData(
        "score-impossible",
        f"{path}, line {number}: {cell!r} is not {wanted}.",
        remedy="Score that radiograph again; name a column of raw outputs logit, and write decimals with a point.",
    )


def both_classes_in(path: Path, rows: Rows) -> None:
    """Refuse no rows, and a reference standard of one class."""
    if not rows.paths:
        raise UnusableData("scores-empty", f"{path} has column names but no rows.", remedy=FORMAT)
    positives = sum(rows.labels)
    if positives in {0, len(rows.labels)}:
        raise UnusableData(
            "one-class-only",
            f"{path}, lines {rows.lines[0]} to {rows.lines[-1]}: each of the {len(rows.labels)} rows is labelled"
            f" {'PNEUMONIA' if positives else 'NORMAL'}.",
            remedy="Give radiographs with and without the finding.",
        )


def numbers(values: array[float]) -> Scores:
    """The same memory as an array."""
    found: Float[np.ndarray, " radiographs"] = np.frombuffer(values)
    return found


def patients_of(rows: Rows) -> Categories:
    """A row without a patient is a patient of its own."""
    return Categories(np.frombuffer(rows.patient_codes, np.int32), tuple(rows.patient_numbers))
