"""Text as Markdown that shows it and nothing else: no name in a table can become a link, a tag or a cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from pneumoscope.report.section import Section, Table

SPECIAL: Final = re.compile(r"([\\`*_\[\]{}!|~$])")
ENTITIES: Final = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ("://", ":&#47;/"),
    ("www.", "www&#46;"),
    ("@", "&#64;"),
)
"""Tags, and what GitHub makes links of by itself (GFM 6.9)."""
LIST_MARK: Final = re.compile(r"^([-+=#]|\d+(?=[.)]))")


def escaped(text: str) -> str:
    """The same text for a reader of rendered Markdown (CommonMark 0.31, section 2.4), on one line."""
    return LIST_MARK.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", cell_text(text))


def table_lines(table: Table) -> Iterator[str]:
    """A GitHub table."""
    yield row_line(table.header)
    yield "|---" * len(table.header) + "|"
    for row in table.rows:
        yield row_line(row)


def row_line(cells: Iterable[str]) -> str:
    """One row."""
    return f"| {' | '.join(cell_text(cell) for cell in cells)} |"


def cell_text(text: str) -> str:
    """As `escaped`, in a cell, which never begins a list: a number with a sign stays as it is."""
    one_line = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    for sign, entity in ENTITIES:
        one_line = one_line.replace(sign, entity)
    return SPECIAL.sub(r"\\\1", one_line)


def section_lines(section: Section, pictures: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A section with its tables, then its pictures as (address, alternative text), then its notes."""
    yield f"## {escaped(section.title)}"
    yield ""
    for sentence in section.sentences:
        yield from (escaped(sentence), "")
    for table in section.tables:
        yield from (*table_lines(table), "")
    for address, alt in pictures:
        yield from (f"![{escaped(alt)}]({address})", "")
    for note in section.notes:
        yield from (escaped(note), "")
