"""The page to look through a batch: one self-contained HTML file beside the overlays it shows.

Results are written as they come. The rows go to a file aside first, because the counts at the top of the page are known
only at the end; memory does not grow with the number of results.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from markupsafe import Markup

from pneumoscope.errors import UnusableOutput
from pneumoscope.report.page_templates import templates
from pneumoscope.report.row import Row, row_of

DEFAULT_TITLE = "Chest radiographs, read by Pneumoscope"


@dataclass(slots=True)
class Counts:
    """How many radiographs the page shows, and of which kind."""

    all: int = 0
    pneumonia: int = 0
    normal: int = 0
    warned: int = 0
    refused: int = 0

    def add(self, row: Row) -> None:
        self.all += 1
        self.pneumonia += row.decision == "PNEUMONIA"
        self.normal += row.decision == "NORMAL"
        self.warned += bool(row.warnings)
        self.refused += row.refused is not None


def write_page(
    results: Iterable[Mapping[str, object]], path: Path, *, model_name: str, title: str = DEFAULT_TITLE
) -> Counts:
    """Write the page for results (objects of schema version 1, any number of them) and say how many there were.

    Overlays are shown from the relative paths that the results name, so the page belongs beside them. The page appears
    whole or not at all. Raises `UnusableOutput` where it cannot be written.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with ExitStack() as opened:
            with _writing(path):
                page = opened.enter_context(aside.open("x", encoding="utf-8", newline="\n"))
                rows = opened.enter_context(TemporaryFile("w+", dir=path.parent, encoding="utf-8", newline="\n"))
            counts = Counts()
            for row in map(row_of, results):
                counts.add(row)
                with _writing(path):
                    rows.write(templates().get_template("row.html.jinja").render(row=row, number=counts.all))
            with _writing(path):
                rows.seek(0)
                page.writelines(_page(rows, counts, model_name=model_name, title=title))
        with _writing(path):
            aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return counts


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnusableOutput(
            "page-not-written",
            f"The page {path} cannot be written: {error.strerror or error}.",
            remedy="Choose a folder that exists, may be written to and has room.",
        ) from error


def _page(rows: IO[str], counts: Counts, *, model_name: str, title: str) -> Iterator[str]:
    script = templates().get_template("page.js").render()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        templates()
        .get_template("page.html.jinja")
        .generate(
            title=title,
            model_name=model_name,
            counts=counts,
            rows=map(Markup, rows),  # written by the row template, which escapes
            script=Markup(script),  # noqa: S704 - ours, not user text
            script_digest=digest,
        )
    )
