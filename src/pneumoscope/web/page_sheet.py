"""The picture to take along: the sheet that `pneumoscope explain` draws, in the page's language."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

from pneumoscope.explanation.contours import levels_of_scale
from pneumoscope.explanation.png import png_bytes
from pneumoscope.explanation.sheet_parts import DEFAULT_PANEL_PX
from pneumoscope.explanation.sheet_words import SheetWords
from pneumoscope.inference.explain import sheet_of
from pneumoscope.inference.explained_sentences import ExplainedWords
from pneumoscope.web.language import Language
from pneumoscope.web.page_answer import Choices, PageModel, explained_as_chosen
from pneumoscope.web.warning_words import SaidWarning, said_warnings


def sheet_png(data: bytes, model: PageModel, choices: Choices, language: Language) -> bytes:
    """The sheet on one radiograph; `RefusedRadiograph` where there is none to make."""
    found = explained_as_chosen(data, model, choices)
    assert found.prediction is not None
    warnings = said_warnings(found.prediction, model.predictor.bundle.card, language)
    sheet = sheet_of(
        found,
        choices.coloring,
        style=choices.style,
        levels=levels_of_scale(choices.coloring),
        panel_px=DEFAULT_PANEL_PX,
        words=explained_words(language),
        warnings=[text for warning in warnings for text in told(warning)],
    )
    return png_bytes(sheet)


def told(warning: SaidWarning) -> list[str]:
    """Its text, and the English sentence where that has numbers which the text lacks."""
    return [warning.text, warning.original] if warning.original else [warning.text]


@lru_cache(maxsize=16)
def explained_words(language: Language) -> ExplainedWords:
    """The sentences on a sheet in one language: its sections `explained` and `sheet`, and what the page calls things."""
    sentences = {
        each.name: language.say(f"explained.{each.name}")
        for each in fields(ExplainedWords)
        if each.name not in {"sheet", "names"}
    }
    return ExplainedWords(**sentences, sheet=sheet_words(language), names=language.words)


def sheet_words(language: Language) -> SheetWords:
    """What stands on every sheet; its footer is the page's own."""
    own = {"footer": language.say("page.disclaimer"), "decimal": language.say("language.decimal")}
    others = {each.name: language.say(f"sheet.{each.name}") for each in fields(SheetWords) if each.name not in own}
    return SheetWords(**others, **own)
