"""Read the `history.csv` of a training run: one row an epoch, the columns that are there."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pneumoscope.errors import UnusableData

HistoryRow = Mapping[str, float]
"""An epoch by column name: `epoch`, and what else was recorded of it."""


def read_history(path: Path) -> list[HistoryRow]:
    """Every row in order; an empty cell or a column of text is left out. `UnusableData` names what is wrong."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows: list[HistoryRow] = [numbers_of(row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnusableData(
            "history-unreadable",
            f"{path} cannot be read as a training history ({error}).",
            remedy="Give the history.csv of a run folder.",
        ) from error
    if not rows or any("epoch" not in row for row in rows):
        raise UnusableData(
            "history-row",
            f"{path} has {'a row without an epoch' if rows else 'no epoch'}.",
            remedy="Give the history.csv of a run that has finished an epoch.",
        )
    return rows


def numbers_of(row: Mapping[str | Any, str | Any]) -> dict[str, float]:
    """The cells that hold a number; what a row has beyond its header is no cell."""
    numbers = {}
    for name, text in row.items():
        try:
            numbers[name] = float(text or "")
        except (TypeError, ValueError):
            continue
    return numbers
