"""Warnings in the page's language: the sentences of its file, with the numbers of the answer put in.

What warns writes English, with all numbers. A sentence of another language is built of what the answer tells; where it
cannot have a number, the English one follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pneumoscope.bundle.card import Card
from pneumoscope.inference.prediction import Prediction
from pneumoscope.radiograph.gate import MODEL_SIDE_PX
from pneumoscope.radiograph.radiograph import RadiographWarning
from pneumoscope.web.language import DEFAULT_LANGUAGE, Language

_NUMBER = re.compile(r"\d+")
_UNUSUAL: Final = {
    "area": re.compile(r"they take (?P<value>\d+)% of the picture \((?P<low>\d+)% to (?P<high>\d+)%"),
    "height": re.compile(r"centre lies at (?P<value>\d+)% of the picture's height \((?P<low>\d+)% to (?P<high>\d+)%"),
    "width": re.compile(r"centre lies at (?P<value>\d+)% of the picture's width \((?P<low>\d+)% to (?P<high>\d+)%"),
    "smaller": re.compile(r"smaller one has (?P<value>\d+)% of their area \(at least (?P<low>\d+)%"),
}
"""What may be unusual about lungs, as `inference/lung_gate.py` writes it: an answer does not tell their place otherwise."""


@dataclass(frozen=True, slots=True)
class SaidWarning:
    """A warning as a person reads it.

    `language` is that of `text`. `original` is the English sentence where it has numbers that `text` lacks, else None.
    """

    code: str
    title: str
    text: str
    language: str
    original: str | None


def said_warnings(prediction: Prediction, card: Card, language: Language) -> list[SaidWarning]:
    """All warnings of an answer, in their order."""
    return [said(warning, prediction, card, language) for warning in prediction.warnings]


def said(warning: RadiographWarning, prediction: Prediction, card: Card, language: Language) -> SaidWarning:
    """One warning; in English where the language has no sentence for it."""
    title = language.words.get(f"warnings.{warning.code}", "")
    template = language.words.get(f"warning_words.{warning.code}")
    if language.code == DEFAULT_LANGUAGE or template is None:
        return SaidWarning(warning.code, title, warning.message, DEFAULT_LANGUAGE, None)
    unusual = unusual_lungs(warning.message, language)
    text = template.format_map({**numbers(prediction, card, language), "unusual": unusual})
    told = set(_NUMBER.findall(text))
    original = None if told.issuperset(_NUMBER.findall(warning.message)) else warning.message
    return SaidWarning(warning.code, title, text, language.code, original)


def numbers(prediction: Prediction, card: Card, language: Language) -> dict[str, str]:
    """All that a sentence may name; "?" where the answer does not tell it, which a warning that needs it never meets."""
    radiograph, trust = prediction.radiograph, prediction.map_trust
    youngest, oldest = card.population.age_years
    return {
        "columns": str(radiograph.columns_px),
        "rows": str(radiograph.rows_px),
        "seen": str(MODEL_SIDE_PX),
        "age": language.decimal(f"{radiograph.age_years:.3g}") if radiograph.age_years is not None else "?",
        "youngest": language.decimal(f"{youngest:g}"),
        "oldest": language.decimal(f"{oldest:g}"),
        "view": radiograph.view_position or "?",
        "views": ", ".join(card.population.view_positions),
        "heat": share(trust.heat_inside_lungs if trust else None),
        "usual": share(trust.least_heat_inside if trust else None),
    }


def unusual_lungs(message: str, language: Language) -> str:
    """Everything that is unusual about the lungs; "?" where the message is of something else."""
    found = [
        language.say(f"unusual_lungs.{name}", **{key: f"{value}\N{NO-BREAK SPACE}%" for key, value in told.items()})
        for name, pattern in _UNUSUAL.items()
        if (match := pattern.search(message)) and (told := match.groupdict())
    ]
    return "; ".join(found) or "?"


def share(value: float | None) -> str:
    """A share in [0, 1] as whole percents."""
    return "?" if value is None else f"{100 * value:.0f}\N{NO-BREAK SPACE}%"
