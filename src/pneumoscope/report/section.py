"""The parts of a report, before they become HTML or Markdown: sections with sentences, tables and figures."""

from __future__ import annotations

from dataclasses import dataclass, field

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under column names; the first column names the row. Each row has as many cells as there are names."""

    header: Cells
    rows: tuple[Cells, ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError("a row of the table has another number of cells than there are column names")


@dataclass(frozen=True, slots=True)
class FigureFile:
    """A figure that was written: `name` without suffix, `alt` what it shows, `svg` its content."""

    name: str
    alt: str
    svg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the report; `figures` are names of figure files, of which those that were drawn are shown."""

    anchor: str
    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
