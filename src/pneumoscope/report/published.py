"""What others published of the official test, beside what was measured here (`published_systems.toml`)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from pneumoscope.report.evaluated import Document, Evaluated
from pneumoscope.report.section import Section, Table
from pneumoscope.report.words import Entry, in_percent, number, percent, rounded

HEADER = ("system", "accuracy", "AUROC", "source", "how its numbers came here")


@dataclass(frozen=True, slots=True)
class PublishedSystem:
    """Rates as its source has them, fractions."""

    name: str
    source: str
    accuracy: float
    auroc: float


@dataclass(frozen=True, slots=True)
class PublishedResults:
    """Systems that were measured on one test, and what that test is known by."""

    name: str
    split: str
    radiographs: int
    with_finding: int
    attribution: str
    systems: tuple[PublishedSystem, ...]

    def are_of(self, document: Document) -> bool:
        """Whether the document is of the same test: by split and counts."""
        wanted = {"split": self.split, "radiographs": self.radiographs, "with_finding": self.with_finding}
        return all(document.get(key) == value for key, value in wanted.items())


@lru_cache(maxsize=1)
def published_results() -> PublishedResults:
    """The file that ships."""
    text = resources.files("pneumoscope.report").joinpath("published_systems.toml").read_text("utf-8")
    content: dict[str, Any] = tomllib.loads(text)
    return PublishedResults(**content["test"], systems=tuple(PublishedSystem(**each) for each in content["systems"]))


def published_section(subject: Evaluated) -> Section | None:
    """The comparison; None where another set of radiographs was evaluated, or nothing was decided."""
    results = published_results()
    if subject.point is None or not results.are_of(subject.document):
        return None
    accuracy, auroc = subject.point["metrics"]["accuracy"], subject.document["metrics"]["auroc"]
    own = (
        f"{subject.model or 'this system'}, at {subject.default_point}",
        in_percent(accuracy),
        number(auroc),
        "evaluation.json",
        "measured here",
    )
    others = tuple(
        (
            system.name,
            f"{percent(system.accuracy)}{against(system.accuracy, accuracy)}",
            f"{rounded(system.auroc)}{against(system.auroc, auroc)}",
            system.source,
            "published, not re-run",
        )
        for system in results.systems
    )
    return Section(
        "published",
        "Beside what others published",
        sentences=(
            (
                f"The {results.name}, {results.radiographs} radiographs. Only the first row was measured here; the sources give no"
                " intervals, and how thresholds were chosen differs."
            ),
        ),
        tables=(Table(HEADER, (own, *others)),),
        notes=("Below, inside, above: where the published number lies by the 95 % interval measured here.",),
    )


def against(value: float, interval: Entry) -> str:
    """Where a published number lies by our interval, to the digits that it was published with."""
    low, high = interval.get("low"), interval.get("high")
    if low is None or high is None:
        return ""
    return " (below)" if value < low else " (above)" if value > high else " (inside)"
