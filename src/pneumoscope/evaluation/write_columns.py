"""A score table by columns, written as `read_columns` reads it."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from pneumoscope.arrays import Scores
from pneumoscope.evaluation.columns import Categories, ScoreColumns
from pneumoscope.whole_file import unusable


def write_score_columns(table: ScoreColumns, path: Path) -> None:
    """Row by row, aside and renamed; `UnusableOutput` where it cannot be written. Numbers read back as the same."""
    columns: dict[str, Iterator[str]] = {
        "path": iter(table.paths),
        "label": ("PNEUMONIA" if label else "NORMAL" for label in table.labels.tolist()),
        "probability": cells(table.probabilities),
    }
    if table.logits is not None:
        columns["logit"] = cells(table.logits)
    if table.patients is not None:
        columns["patient"] = ("" if name.startswith("\0") else name for name in names(table.patients))
    for name, column in table.extras.items():
        columns[name] = names(column) if isinstance(column, Categories) else cells(column)
    aside = path.with_name(f".{path.name}.{os.getpid():x}.partial")
    try:
        with aside.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(chain([columns], zip(*columns.values(), strict=True)))
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise unusable(path, error) from error


def cells(values: Scores) -> Iterator[str]:
    """The shortest text that reads back as the same number; empty where it is not known."""
    return ("" if np.isnan(value) else repr(value) for value in values.tolist())


def names(column: Categories) -> Iterator[str]:
    """The text of each row."""
    return (column.names[code] for code in column.codes.tolist())
