"""Which items of two reporting guidelines are answered, and where (`checklists.toml`)."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from pneumoscope.report.section import Section, Table
from pneumoscope.report.words import listed

STATUSES: Final = ("yes", "partly", "no", "not applicable")
TO_BE_TOLD: Final = "to be told"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a checklist. `scope` is `data` where the answer is about one data set only; `needs` is what must be known."""

    item: str
    asks: str
    status: str
    where: str
    scope: str = ""
    needs: str = ""

    def __post_init__(self) -> None:
        if self.status not in STATUSES or self.scope not in {"", "data"}:
            raise ValueError(
                f"the item {self.item} of a checklist has the status {self.status}, the scope {self.scope}"
            )

    def answered(self, *, same_data: bool, known: Collection[str]) -> tuple[str, str]:
        """Status and where, for a bundle made from the same data or others, with what is known of it."""
        if self.scope and not same_data:
            return TO_BE_TOLD, "by whoever chose the data of this bundle"
        if self.needs and self.needs not in known:
            return "no", f"{self.needs} was not measured, or not given to this card"
        return self.status, self.where


@dataclass(frozen=True, slots=True)
class Guideline:
    """A checklist, and where it was published."""

    name: str
    source: str
    items: tuple[Item, ...]


@lru_cache(maxsize=1)
def guidelines() -> tuple[str, tuple[Guideline, ...]]:
    """The data set that the answers are about, and the checklists that ship."""
    text = resources.files("pneumoscope.report").joinpath("checklists.toml").read_text("utf-8")
    content: dict[str, Any] = tomllib.loads(text)
    return content["data"], tuple(
        Guideline(each["name"], each["source"], tuple(Item(**item) for item in each["items"]))
        for each in content["guidelines"]
    )


def checklist_sections(training_data: Mapping[str, Any], known: Collection[str]) -> list[Section]:
    """A section a guideline, its answers counted."""
    data, checklists = guidelines()
    same_data = training_data.get("identifier") == data
    sections = []
    for number, guideline in enumerate(checklists, start=1):
        answers = [(item, *item.answered(same_data=same_data, known=known)) for item in guideline.items]
        counts = Counter(status for _, status, _ in answers)
        told = listed([f"{counts[status]} {status}" for status in (*STATUSES, TO_BE_TOLD) if counts[status]])
        rows = tuple((item.item, item.asks, status, where) for item, status, where in answers)
        sections.append(
            Section(
                f"checklist-{number}",
                f"Checklist: {guideline.name}",
                sentences=(f"{guideline.source}. Of {len(rows)} items: {told}. The wording is ours.",),
                tables=(Table(("item", "what it asks for", "answered", "where, or why not"), rows),),
            )
        )
    return sections
