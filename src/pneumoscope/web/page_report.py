"""One page to print or to keep: the answer to one radiograph with its pictures, in one HTML file without scripts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import numpy as np
from PIL import Image

from pneumoscope import __version__
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.operating_point import Decision, OperatingPoint
from pneumoscope.explanation.contours import draw_contours, levels_of_scale
from pneumoscope.explanation.heat_map import blended
from pneumoscope.explanation.methods import Explanation
from pneumoscope.explanation.png import png_bytes
from pneumoscope.explanation.sheet import Style
from pneumoscope.inference.explain import ExplainedRadiograph
from pneumoscope.inference.prediction import Prediction
from pneumoscope.web.answer import base64_text
from pneumoscope.web.language import Language
from pneumoscope.web.page import environment, tested_points, zone_ends
from pneumoscope.web.page_answer import Choices, PageModel, base64_png, explained_as_chosen, thumbnail_address
from pneumoscope.web.page_layer import key_png
from pneumoscope.web.warning_words import said_warnings

SIMILAR: Final = 4
PICTURE_PX: Final = 900
"""Longer side of each picture: 250 dots per inch on half a page's width."""


def report_html(data: bytes, model: PageModel, choices: Choices, language: Language, made: datetime) -> str:
    """The report on one radiograph; `RefusedRadiograph` where there is none to make."""
    similar = min(SIMILAR, len(model.cases.ids)) if model.cases is not None else 0
    found = explained_as_chosen(data, model, choices, similar=similar)
    prediction = found.prediction
    assert prediction is not None
    card = model.predictor.bundle.card
    return (
        environment()
        .get_template("report.html")
        .render(
            language=language,
            say=language.say,
            call=language.call,
            percent=language.percent,
            found=found,
            prediction=prediction,
            warnings=said_warnings(prediction, card, language),
            notes=method_notes(found.explanation, language),
            suggested=prediction.decision is Decision.PNEUMONIA,
            scale=scale(prediction, card.operating_points),
            zones=zone_ends(card),
            tested=tested_points(card).get(prediction.operating_point.name),
            lungs=lung_rows(prediction, card.calibration, language),
            similar=similar_rows(found, language),
            method=language.call("method_titles", choices.method),
            coloring=choices.coloring,
            key_png=base64_text(key_png(choices.coloring)),
            scale_logit=language.decimal(f"{choices.coloring.scale_logit:+.2g}"),
            **pictures(found, choices),
            title=model.predictor.bundle.title,
            made=f"{made:%Y-%m-%d %H:%M} UTC",
            version=__version__,
        )
    )


def method_notes(explanation: Explanation, language: Language) -> list[str]:
    """What the method shows, what it equals here, and how much of it was done, as the page says it below the picture."""
    notes = [language.say(f"method_words.{explanation.method}")]
    if explanation.equals:
        notes.append(language.say("viewer.equals", method=language.call("method_titles", explanation.equals)))
    if explanation.planned_masks:
        notes.append(language.say("viewer.masks", masks=explanation.masks, planned=explanation.planned_masks))
    if not explanation.complete:
        notes.append(language.say("viewer.time_ran_out"))
    return notes


def pictures(found: ExplainedRadiograph, choices: Choices) -> dict[str, str]:
    """The radiograph, and the same with the evidence, as base64 PNG."""
    gray = Image.fromarray(found.radiograph.gray)
    gray.thumbnail((PICTURE_PX, PICTURE_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    drawn = gray.convert("RGB")
    evidence = found.explanation.saliency_map
    if choices.style is Style.CONTOURS:
        draw_contours(drawn, evidence, choices.coloring, levels_of_scale(choices.coloring))
    else:
        drawn = blended(np.asarray(gray), evidence, choices.coloring)
    return {
        "radiograph_png": base64_png(gray),
        "overlay_png": base64_text(png_bytes(drawn)),
    }


def scale(prediction: Prediction, points: Iterable[OperatingPoint]) -> dict[str, Any]:
    """Places on the scale from 0 to 100, points of one threshold together."""
    thresholds: dict[float, list[str]] = {}
    for point in points:
        thresholds.setdefault(point.threshold, []).append(point.name)
    return {"probability": 100 * prediction.probability, "thresholds": sorted(thresholds.items())}


def lung_rows(prediction: Prediction, calibration: PlattCalibration, language: Language) -> list[tuple[str, str]]:
    """What each place adds to the logit, their sum, and what calibration makes of it; none where the bundle cannot tell."""
    region = prediction.lungs.evidence_logit if prediction.lungs else None
    if region is None:
        return []
    parts = {
        "right": region.right_lung,
        "left": region.left_lung,
        "outside": region.outside,
        "bias": region.bias,
    }
    rows = [(language.say(f"lungs.{name}"), signed(value, language)) for name, value in parts.items()]
    logit = sum(parts.values())
    calibrated = language.say("lungs.calibrated", probability=language.percent(prediction.probability))
    return [
        *rows,
        (language.say("lungs.sum"), signed(logit, language)),
        (calibrated, signed(calibration.slope * logit + calibration.intercept, language)),
    ]


def signed(value: float, language: Language) -> str:
    """With its sign and two decimals, and no zero with a minus."""
    return language.decimal(f"{round(value, 2) + 0.0:+.2f}")


def similar_rows(found: ExplainedRadiograph, language: Language) -> list[dict[str, str | None]]:
    """The most similar training radiographs, with pictures where the bundle has them."""
    return [
        {
            "id": case.case_id.rpartition("/")[2],
            "label": language.call("labels", case.label),
            "subtype": language.call("labels", case.subtype) if case.subtype else "",
            "distance": language.decimal(f"{case.distance:.3f}"),
            "thumbnail": thumbnail_address(case),
        }
        for case in found.similar
    ]
