"""The page, rendered once a language: all on it that does not depend on a radiograph comes from the bundle's card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from pneumoscope import __version__
from pneumoscope.bundle.card import Card
from pneumoscope.explanation.coloring import DEFAULT_ALPHA, DEFAULT_COLORMAP, Coloring
from pneumoscope.inference.similar import attribution_of
from pneumoscope.web.language import Language, languages
from pneumoscope.web.page_answer import PageModel
from pneumoscope.web.page_layer import MOST_PX
from pneumoscope.web.settings import Settings
from pneumoscope.web.upload import in_words

COLOR_MAPS: Final = (DEFAULT_COLORMAP, "hot", "viridis", "inferno", "coolwarm")
"""Those that the page offers; the last one shows evidence against pneumonia too."""
SCRIPT_SECTIONS: Final = (
    "language",
    "labels",
    "list",
    "answer",
    "points",
    "parts",
    "lungs",
    "similar",
    "viewer",
    "methods",
    "method_words",
    "units",
    "download",
    "problem",
    "refusals",
    "refusal_words",
    "refusal_remedies",
    "page",
)
"""Sections of words that the scripts use; the templates have the others already written out."""


@dataclass(frozen=True, slots=True)
class Example:
    """A radiograph that ships in `static/examples/`, with its label in the data set."""

    file: str
    label: str


EXAMPLES: Final = (
    Example("NORMAL2-IM-1442-0001.jpeg", "NORMAL"),
    Example("person1952_bacteria_4883.jpeg", "PNEUMONIA"),
    Example("person1950_bacteria_4881.jpeg", "PNEUMONIA"),
    Example("person1951_bacteria_4882.jpeg", "PNEUMONIA"),
    Example("NORMAL2-IM-1430-0001.jpeg", "NORMAL"),
    Example("person1949_bacteria_4880.jpeg", "PNEUMONIA"),
)
"""Of the data set's `val` part, which no training reads: clear ones, an uncertain one, a warned one, a wrong one."""


def rendered_page(model: PageModel, settings: Settings, language: Language) -> str:
    """The page's HTML in one language, without inline script or style."""
    predictor = model.predictor
    card = predictor.bundle.card
    return (
        environment()
        .get_template("page.html")
        .render(
            language=language,
            languages=languages().values(),
            say=language.say,
            call=language.call,
            card=card,
            title=predictor.bundle.title,
            operating_point=predictor.operating_point,
            tested=tested(card, predictor.operating_point.name),
            settings=settings,
            upload_limit=in_words(settings.upload_bytes),
            examples=EXAMPLES,
            similar_credit=similar_credit(model),
            methods=model.methods,
            color_maps=COLOR_MAPS,
            words=json.dumps(words_for_scripts(language), ensure_ascii=False),
            facts=json.dumps(facts_for_scripts(model, settings)),
            version=__version__,
        )
    )


def words_for_scripts(language: Language) -> dict[str, str]:
    """The words that the scripts write."""
    return {key: text for key, text in language.words.items() if key.partition(".")[0] in SCRIPT_SECTIONS}


def facts_for_scripts(model: PageModel, settings: Settings) -> dict[str, Any]:
    """What the scripts must know of the server, the bundle and its scale."""
    predictor = model.predictor
    card = predictor.bundle.card
    return {
        "most_bytes": settings.upload_bytes,
        "limit": in_words(settings.upload_bytes),
        "at_a_time": max(1, min(2, settings.threads)),
        "operating_points": [point.to_dict() for point in card.operating_points],
        "operating_point": predictor.operating_point.name,
        "tested": tested_points(card),
        "zones": zone_ends(card),
        "calibration": {"slope": card.calibration.slope, "intercept": card.calibration.intercept},
        "scale_logit": card.saliency.scale_logit,
        "strength_percent": round(100 * DEFAULT_ALPHA),
        "layer_px": MOST_PX,
        "both_signs": [name for name in COLOR_MAPS if shows_both_signs(name)],
    }


def shows_both_signs(color_map: str) -> bool:
    """Whether a colour map shows evidence against pneumonia too."""
    return Coloring(scale_logit=1.0, colormap=color_map).shows_both_signs


def similar_credit(model: PageModel) -> str | None:
    """Whose pictures the thumbnails of similar cases are, or None where there are none."""
    if model.cases is None or model.cases.thumbnail(0) is None:
        return None
    return attribution_of(model.predictor.bundle)


def zone_ends(card: Card) -> dict[str, Any] | None:
    """Below `low` pneumonia is unlikely, above `high` likely, between them uncertain; `alpha` is the error on `part`."""
    if card.zones is None:
        return None
    low, high = sorted((card.zones.pneumonia_possible_from, card.zones.normal_possible_up_to))
    return {"low": low, "high": high, "alpha": card.zones.alpha, "part": card.zones.chosen_on}


def tested_points(card: Card) -> dict[str, dict[str, float]]:
    """Measured on the test split: radiographs, sensitivity and specificity of each operating point that the card tells."""
    return {
        point.name: {
            "radiographs": found["radiographs"],
            **{name: found[name]["value"] for name in ("sensitivity", "specificity")},
        }
        for point in card.operating_points
        if (found := tested(card, point.name))
    }


def tested(card: Card, point: str) -> Mapping[str, Any] | None:
    """What was measured on the test split at an operating point, or None where the card does not tell."""
    test = card.metrics.get("test")
    if not test or point not in test.get("operating_points", {}):
        return None
    return {
        "radiographs": test["radiographs"],
        "patients": test["patients"],
        "auroc": test["metrics"]["auroc"],
        **{name: test["operating_points"][point]["metrics"][name] for name in ("sensitivity", "specificity")},
    }


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates; everything that is put into them is escaped."""
    return Environment(
        loader=PackageLoader("pneumoscope.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
