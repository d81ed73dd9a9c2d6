"""What `POST /v1/predictions` says of one radiograph: the words of the result on disk, the map, parts and similar cases."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from pydantic import BaseModel, Field

from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.evaluation.zones import Zone
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.heat_map import blended, heat_map_png
from pneumoscope.explanation.methods import Explanation, Method
from pneumoscope.explanation.parts import EvidenceParts, evidence_parts
from pneumoscope.explanation.png import png_bytes
from pneumoscope.explanation.similar_cases import CaseIndex
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.inference.lung_evidence import LungFindings
from pneumoscope.inference.map_trust import MapTrust
from pneumoscope.inference.prediction import Prediction
from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.answer import Warned, base64_text, predicted, shown
from pneumoscope.web.explained import explanation_of
from pneumoscope.web.faults import without_faults
from pneumoscope.web.metrics import Metrics
from pneumoscope.web.problem import Problem
from pneumoscope.web.v1_model import ModelName
from pneumoscope.web.v1_options import MapForm, V1Options


class V1Map(BaseModel):
    """The saliency map of one method, as a picture or as numbers."""

    method: Method
    unit: str = Field(description="Of the values; where it is logit units, one colour means the same in every picture.")
    equals: Method | None = Field(description="The other method that gives the same map for this model.")
    masks: int = Field(description="Occlusion and RISE: how many covered copies were asked about; 0 otherwise.")
    planned_masks: int
    complete: bool = Field(description="False where the time of the request ran out before all masks were asked about.")
    color_map: str | None = Field(description="Of the picture.")
    scale: float | None = Field(description="The value at which the colours end; the card's, never stretched.")
    png: str | None = Field(description="Base64: the overlay (map=png) or the transparent layer (map=layer).")
    numbers: list[list[float]] | None = Field(description="Row by row, over the whole picture; above 0 speaks for.")


class V1SimilarCase(BaseModel):
    """A training radiograph that the model takes for alike, by its names in the public data set."""

    case_id: str
    label: str
    subtype: str
    patient: str
    distance: float = Field(description="0: the same direction of the embedding; 1: a right angle.")
    perhaps_same: bool = Field(description="So near (below 0.005) that it may be a copy of the radiograph itself.")
    thumbnail_webp: str | None = Field(description="Base64, where the model's index has pictures.")


class V1Prediction(BaseModel):
    """One radiograph. Keys that `pneumoscope predict --json` has too mean the same there."""

    index: int = Field(description="Its place in the request, from 0.")
    sha256: str = Field(description="Of the bytes that were read.")
    media_type: str
    rows_px: int
    columns_px: int
    age_years: float | None = Field(description="DICOM only, as sex and view_position.")
    sex: str | None
    view_position: str | None
    logit: float
    score: float
    probability: float = Field(description="The calibrated probability of pneumonia, 0 to 1.")
    decision: Decision
    operating_point: str
    threshold: float = Field(description="PNEUMONIA from this probability on.")
    zone: Zone | None = Field(description="`uncertain` where neither answer keeps its promised error rate.")
    lungs: LungFindings | None
    map_trust: MapTrust | None
    warnings: list[Warned]
    evidence: EvidenceParts | None = Field(description="What adds up to the logit.")
    map: V1Map | None
    similar: list[V1SimilarCase]


class V1Refusal(BaseModel):
    """One radiograph of several that was refused; the others are answered."""

    index: int
    problem: Problem


class V1Answer(BaseModel):
    """Predictions and refusals in the order of the files."""

    model: ModelName
    predictions: list[V1Prediction | V1Refusal]


def v1_prediction(
    data: bytes,
    index: int,
    options: V1Options,
    model: ExplainableBundle,
    cases: CaseIndex | None,
    *,
    budget_seconds: float | None = None,
) -> V1Prediction:
    """Read, score and explain; `RefusedRadiograph` says why it cannot be. Slow methods stop after `budget_seconds`."""
    predictor = predictor_at(options.operating_point, model.predictor)
    prediction = predicted(data, predictor)
    radiograph, saliency = prediction.radiograph, predictor.bundle.card.saliency
    return V1Prediction(
        index=index,
        sha256=radiograph.sha256,
        media_type=radiograph.media_type,
        rows_px=radiograph.rows_px,
        columns_px=radiograph.columns_px,
        age_years=radiograph.age_years,
        sex=radiograph.sex,
        view_position=radiograph.view_position,
        logit=prediction.logit,
        score=prediction.score,
        probability=prediction.probability,
        decision=prediction.decision,
        operating_point=prediction.operating_point.name,
        threshold=prediction.operating_point.threshold,
        zone=prediction.zone,
        lungs=prediction.lungs,
        map_trust=prediction.map_trust,
        warnings=[Warned.model_validate(warning.to_dict()) for warning in prediction.warnings],
        evidence=evidence_parts(prediction.saliency_map, saliency.bias_logit) if saliency.adds_up else None,
        map=_map(prediction, options, model, budget_seconds),
        similar=_similar(prediction, options.similar, cases),
    )


def predictor_at(operating_point: str | None, predictor: Predictor) -> Predictor:
    """The same open model, deciding at another operating point; `UnusableOption` for an unknown one."""
    if operating_point is None:
        return predictor
    other = copy(predictor)
    other.operating_point = predictor.bundle.card.operating_point(operating_point)
    return other


def _map(
    prediction: Prediction, options: V1Options, model: ExplainableBundle, budget_seconds: float | None
) -> V1Map | None:
    if options.map is MapForm.NONE:
        return None
    explanation = explanation_of(prediction, model, options.method, budget_seconds=budget_seconds)
    coloring = options.coloring(model.predictor.bundle.card.saliency.scale_logit)
    as_numbers = options.map is MapForm.NUMBERS
    return V1Map(
        method=explanation.method,
        unit=explanation.unit,
        equals=explanation.equals,
        masks=explanation.masks,
        planned_masks=explanation.planned_masks,
        complete=explanation.complete,
        color_map=None if as_numbers else coloring.colormap,
        scale=None if as_numbers else coloring.scale_logit,
        png=None if as_numbers else base64_text(_picture(prediction, explanation, coloring, options.map)),
        numbers=explanation.saliency_map.astype(float).tolist() if as_numbers else None,
    )


def _picture(prediction: Prediction, explanation: Explanation, coloring: Coloring, form: MapForm) -> bytes:
    gray = shown(prediction.radiograph.gray)
    if form is MapForm.LAYER:
        rows, columns = gray.shape
        return heat_map_png(explanation.saliency_map, coloring, (columns, rows))
    return png_bytes(blended(gray, explanation.saliency_map, coloring))


def _similar(prediction: Prediction, count: int, cases: CaseIndex | None) -> list[V1SimilarCase]:
    if not count or cases is None:
        return []
    return [
        V1SimilarCase(
            case_id=case.case_id,
            label=case.label,
            subtype=case.subtype,
            patient=case.patient,
            distance=case.distance,
            perhaps_same=case.perhaps_same,
            thumbnail_webp=base64_text(case.thumbnail) if case.thumbnail else None,
        )
        for case in cases.nearest(prediction.embedding, count, sha256=prediction.radiograph.sha256)
    ]


def read_for_job(
    model: ExplainableBundle, cases: CaseIndex | None, metrics: Metrics, *, budget_seconds: float
) -> Callable[[bytes, dict[str, Any]], dict[str, Any]]:
    """How a job reads one upload with its options: to what `v1_prediction` says, without the index."""

    def read(data: bytes, options: dict[str, Any]) -> dict[str, Any]:
        chosen = V1Options.model_validate(options)

        def prediction() -> V1Prediction:
            return v1_prediction(data, 0, chosen, model, cases, budget_seconds=budget_seconds)

        found = without_faults(prediction)
        metrics.count_prediction(found.decision)
        return found.model_dump(mode="json", exclude={"index"})

    return read
