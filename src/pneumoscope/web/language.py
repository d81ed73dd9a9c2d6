"""The page's words, one file a language, and which language a request is answered in (RFC 9110, section 12.5.4)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

DEFAULT_LANGUAGE: Final = "en"


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language by its code (`en`), with words by `section.key`."""

    code: str
    words: Mapping[str, str]

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return self.words["language.name"]

    def say(self, key: str, **values: object) -> str:
        """The words of `key` with `values` in its places; `KeyError` where there are none."""
        return self.words[key].format(**values) if values else self.words[key]

    def call(self, section: str, key: object) -> str:
        """The word for a name that comes from a card or a file, or the name itself where the language has none."""
        return self.words.get(f"{section}.{key}", str(key))

    def decimal(self, text: str) -> str:
        """A number that Python wrote, with the language's decimal sign."""
        return text.replace(".", self.words["language.decimal"])

    def percent(self, share: float) -> str:
        """A share in [0, 1] with one decimal; never 0.0 or 100.0 %, since the model is not certain."""
        if share < 0.001:
            return self.decimal("< 0.1\N{NO-BREAK SPACE}%")
        return (
            self.decimal("> 99.9\N{NO-BREAK SPACE}%")
            if share > 0.999
            else self.decimal(f"{100 * share:.1f}\N{NO-BREAK SPACE}%")
        )


@lru_cache(maxsize=1)
def languages() -> Mapping[str, Language]:
    """Every language that has a file in `languages/`, by its code, the default first."""
    folder = resources.files("pneumoscope.web") / "languages"
    found = {
        file.name.removesuffix(".toml"): flat(tomllib.loads(file.read_text("utf-8")))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }
    ordered = sorted(found, key=lambda code: (code != DEFAULT_LANGUAGE, code))
    return {code: Language(code, found[code]) for code in ordered}


def flat(sections: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """`{"page": {"about": …}}` → `{"page.about": …}`."""
    return {f"{section}.{key}": text for section, keys in sections.items() for key, text in keys.items()}


def chosen_language(wanted: str | None, accept_language: str | None) -> Language:
    """What the address names, else what the browser likes best of what there is, else English."""
    known = languages()
    if wanted is not None and wanted in known:
        return known[wanted]
    for code in preferred(accept_language or ""):
        if code in known:
            return known[code]
    return known[DEFAULT_LANGUAGE]


def preferred(accept_language: str) -> list[str]:
    """Codes without their region, most wanted first: `de-AT, en;q=0.8` → `["de", "en"]`; what is garbled is left out."""
    weighted = []
    for part in accept_language.split(","):
        tag, _, parameter = part.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if tag and weight > 0:
            weighted.append((weight, tag.strip().partition("-")[0].lower()))
    return [code for _, code in sorted(weighted, key=lambda each: -each[0])]
