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
WHO_TELLS: Final = {"": "", "data": "by whoever chose the data of this bundle", "model": "by whoever made this bundle"}
"""Scopes, and who knows the answer elsewhere."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a checklist. `scope` is `data` or `model` where the answer is about one data set, or one model, only; `needs`
    is what must be known.
    """

    item: str
    asks: str
    status: str
    where: str
    scope: str = ""
    needs: str = ""

    def __post_init__(self) -> None:
        if self.status not in STATUSES or self.scope not in WHO_TELLS:
            raise ValueError(
                f"the item {self.item} of a checklist has the status {self.status}, the scope {self.scope}"
            )

    def answered(self, *, same: Collection[str], known: Collection[str]) -> tuple[str, str]:
        """Status and where, for a bundle of which the scopes in `same` are those that the answers are about."""
        if self.scope not in same:
            return TO_BE_TOLD, WHO_TELLS[self.scope]
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
def guidelines() -> tuple[dict[str, str], tuple[Guideline, ...]]:
    """The data set and the model that the answers are about (by scope), and the checklists that ship."""
    text = resources.files("pneumoscope.report").joinpath("checklists.toml").read_text("utf-8")
    content: dict[str, Any] = tomllib.loads(text)
    return {"data": content["data"], "model": content["model_sha256"]}, tuple(
        Guideline(each["name"], each["source"], tuple(Item(**item) for item in each["items"]))
        for each in content["guidelines"]
    )


def checklist_sections(
    training_data: Mapping[str, Any], known: Collection[str], *, model_sha256: str | None = None
) -> list[Section]:
    """A section a guideline, its answers counted."""
    about, checklists = guidelines()
    own = {"data": training_data.get("identifier"), "model": model_sha256}
    same = {"", *(scope for scope, name in about.items() if own[scope] == name)}
    sections = []
    for number, guideline in enumerate(checklists, start=1):
        answers = [(item, *item.answered(same=same, known=known)) for item in guideline.items]
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
