"""What the page shows of one radiograph: the answer with all that explains it, and further maps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final, final

import numpy as np
from PIL import Image

from pneumoscope.evaluation.operating_point import OperatingPoint, decide
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.methods import Explanation, Method, MethodSettings, explained
from pneumoscope.explanation.parts import evidence_parts
from pneumoscope.explanation.png import png_bytes
from pneumoscope.explanation.sheet import Style
from pneumoscope.explanation.similar_cases import CaseIndex, SimilarCase
from pneumoscope.explanation.thumbnails import MEDIA_TYPE
from pneumoscope.inference.explain import ExplainedRadiograph, explain_with_bundle
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.inference.prediction import Prediction
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.result import result_of_prediction
from pneumoscope.radiograph.reading_values import may_hold_values
from pneumoscope.web.answer import base64_text, predicted, shown
from pneumoscope.web.explained import available_methods, refuse_unavailable
from pneumoscope.web.language import Language
from pneumoscope.web.upload import UPLOAD_NAME
from pneumoscope.web.warning_words import said_warnings

SIMILAR: Final = 5
LARGEST_PX: Final = 4096
"""Longer side of the picture that is sent to look at closely."""
MASKS: Final = 600
"""RISE with so many masks takes a few seconds in one thread, and gives the same map each time."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class PageModel:
    """An open bundle as the page asks it; `cases` is None where it has no index of similar cases.

    Slow methods stop after `budget_seconds` (None: never) with what they have.
    """

    explainable: ExplainableBundle
    cases: CaseIndex | None
    budget_seconds: float | None = None

    @property
    def predictor(self) -> Predictor:
        return self.explainable.predictor

    @property
    def methods(self) -> tuple[Method, ...]:
        """Those that this server can be asked for."""
        return available_methods(self.explainable)

    @property
    def method_settings(self) -> MethodSettings:
        return MethodSettings(masks=MASKS, budget_seconds=self.budget_seconds)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person chose on the page, for pictures to take along."""

    operating_point: OperatingPoint
    method: Method
    coloring: Coloring
    style: Style


def page_answer(data: bytes, model: PageModel, language: Language) -> dict[str, Any]:
    """The result, its warnings in words, the decision at every operating point, the map, its parts, similar cases, picture."""
    predictor = model.predictor
    prediction = predicted(data, predictor)
    card = predictor.bundle.card
    parts = evidence_parts(prediction.saliency_map, card.saliency.bias_logit) if card.saliency.adds_up else None
    of_graph = Explanation(method=Method.GRAD_CAM, saliency_map=prediction.saliency_map, unit="")
    return {
        "result": result_of_prediction(UPLOAD_NAME, prediction, predictor.bundle),
        "warnings": [asdict(warning) for warning in said_warnings(prediction, card, language)],
        "decisions": {point.name: decide(prediction.probability, point) for point in card.operating_points},
        "explanation": explanation_of(of_graph),
        "evidence": parts.to_dict() if parts else None,
        "similar": similar_cases(prediction, model.cases),
        "radiograph": picture_of(shown(prediction.radiograph.gray)),
        "may_hold_values": may_hold_values(data, prediction.radiograph.media_type),
    }


def page_explanation(data: bytes, model: PageModel, method: Method) -> dict[str, Any]:
    """The map of another method; the gate is asked again, since the server has kept nothing."""
    refuse_unavailable(method, model.explainable)
    prediction = predicted(data, model.predictor)
    picture = model.predictor.preprocessing(prediction.radiograph.gray)
    return explanation_of(explained(picture, model.explainable, method, settings=model.method_settings))


def full_picture(data: bytes, model: PageModel) -> bytes:
    """The radiograph as read, in its own resolution, as a PNG."""
    picture = Image.fromarray(predicted(data, model.predictor).radiograph.gray)
    picture.thumbnail((LARGEST_PX, LARGEST_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return png_bytes(picture, drawn=False)


def explained_as_chosen(data: bytes, model: PageModel, choices: Choices, *, similar: int = 0) -> ExplainedRadiograph:
    """Answer and map for a picture or report: at the chosen operating point, by the chosen method.

    The client's name of the file is not known here, so the file is named by its content.
    """
    refuse_unavailable(choices.method, model.explainable)
    radiograph = predicted(data, model.predictor).radiograph
    found = explain_with_bundle(
        UPLOAD_NAME, radiograph, model.explainable, choices.method, settings=model.method_settings, similar=similar
    )
    prediction = found.prediction
    assert prediction is not None
    point = choices.operating_point
    chosen = replace(prediction, operating_point=point, decision=decide(prediction.probability, point))
    return replace(found, file=f"SHA-256 {radiograph.sha256[:16]}", prediction=chosen)


def explanation_of(found: Explanation) -> dict[str, Any]:
    """A map as numbers, and what to know of it."""
    return {
        "method": str(found.method),
        "equals": str(found.equals) if found.equals else None,
        "masks": found.masks,
        "planned_masks": found.planned_masks,
        "map": [[round(float(value), 6) for value in row] for row in found.saliency_map],
    }


def similar_cases(prediction: Prediction, index: CaseIndex | None) -> list[dict[str, Any]]:
    """The nearest training radiographs, with their pictures where the index holds any."""
    if index is None:
        return []
    count = min(SIMILAR, len(index.ids))
    cases = index.nearest(prediction.embedding, count, sha256=prediction.radiograph.sha256)
    return [
        {
            "case_id": case.case_id,
            "label": case.label,
            "subtype": case.subtype,
            "patient": case.patient,
            "distance": case.distance,
            "thumbnail": thumbnail_address(case),
        }
        for case in cases
    ]


def thumbnail_address(case: SimilarCase) -> str | None:
    """The small picture of a case as a `data:` address, or None: indices need not hold any."""
    if case.thumbnail is None:
        return None
    return f"data:{MEDIA_TYPE};base64,{base64_text(case.thumbnail)}"


def picture_of(gray: np.ndarray) -> dict[str, Any]:
    """A gray picture (rows, columns) with its size."""
    rows, columns = gray.shape
    return {"png": base64_png(Image.fromarray(gray)), "columns_px": columns, "rows_px": rows}


def base64_png(picture: Image.Image) -> str:
    """A gray picture as text."""
    return base64_text(png_bytes(picture, drawn=False))
