"""One radiograph explained: the answer, the map of a method, the parts that add up, and similar cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from PIL import Image

from pneumoscope import __version__
from pneumoscope.arrays import ModelInput
from pneumoscope.explanation.case_strip import CaseStrip
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.masking import Watch, nobody
from pneumoscope.explanation.methods import DEFAULT_SETTINGS, Explanation, Method, MethodSettings, explained
from pneumoscope.explanation.parts import EvidenceParts, evidence_parts
from pneumoscope.explanation.sheet import SheetCaption, Style, draw_sheet
from pneumoscope.explanation.similar_cases import SimilarCase
from pneumoscope.inference.agreement import agreement_with_occlusion, correlation_on_one_grid
from pneumoscope.inference.explainable import AnyClassifier, ExplainableBundle
from pneumoscope.inference.explained_sentences import ENGLISH, ExplainedSentences, ExplainedWords
from pneumoscope.inference.map_trust import MapTrust
from pneumoscope.inference.prediction import Prediction
from pneumoscope.inference.result import SCHEMA_VERSION, bundle_name, result_of_prediction
from pneumoscope.inference.similar import attribution_of, opened_cases
from pneumoscope.radiograph.radiograph import Radiograph

FEWEST_COMPARED_MASKS: Final = 500
"""Of RISE: a map of fewer is mostly noise, and its agreement with another says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExplainedRadiograph:
    """What one method says of one radiograph.

    `answer` is the logit of a bundle, or the number that any other classifier gives. `prediction` is None for the
    latter, `parts` also where the bundle's map does not add up. `model` says which model answered, and of another
    classifier how it was asked, for JSON. Whose pictures the thumbnails of `similar` cases are stands in `attribution`.
    """

    file: str
    radiograph: Radiograph
    answer: float
    explanation: Explanation
    model: dict[str, Any]
    prediction: Prediction | None = None
    parts: EvidenceParts | None = None
    similar: tuple[SimilarCase, ...] = ()
    attribution: str | None = None

    def said(self, words: ExplainedWords = ENGLISH) -> ExplainedSentences:
        """All that is said of it, in sentences."""
        return ExplainedSentences(
            explanation=self.explanation, prediction=self.prediction, parts=self.parts, words=words
        )

    @property
    def sums(self) -> list[str]:
        """What adds up to the logit, in English."""
        return self.said().sums

    @property
    def trust_line(self) -> str | None:
        """What speaks for or against the map in the bundle's graph, in English."""
        return self.said().trust

    @property
    def method_line(self) -> str:
        """Method, unit, and what to know of it, in English."""
        return self.said().method

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it: what `predict` says, and the explanation."""
        of = self.explanation
        return {
            "schema_version": SCHEMA_VERSION,
            "pneumoscope_version": __version__,
            "file": self.file,
            "sha256": self.radiograph.sha256,
            "model": self.model,
            "answer": self.answer,
            "explanation": {
                "method": str(of.method),
                "unit": of.unit,
                "equals": str(of.equals) if of.equals else None,
                "masks": of.masks,
                "planned_masks": of.planned_masks,
                "complete": of.complete,
                "map": [[float(value) for value in row] for row in of.saliency_map],
            },
            "evidence": self.parts.to_dict() if self.parts else None,
            "similar": [
                {
                    "case_id": case.case_id,
                    "label": case.label,
                    "subtype": case.subtype,
                    "patient": case.patient,
                    "distance": case.distance,
                    "perhaps_same": case.perhaps_same,
                }
                for case in self.similar
            ],
        }


def explain_with_bundle(
    file: str,
    radiograph: Radiograph,
    model: ExplainableBundle,
    method: Method,
    *,
    settings: MethodSettings = DEFAULT_SETTINGS,
    similar: int = 0,
    compare: bool = False,
    watch: Watch = nobody,
) -> ExplainedRadiograph:
    """Score and explain; `RefusedRadiograph` where the gate does not let the radiograph in.

    `similar` training radiographs are added, `UnusableOption` where the bundle has no index of them. `compare` asks
    another method too, so that `prediction.map_trust` tells their agreement, for some fifty passes more.
    """
    predictor = model.predictor
    prediction = predictor.predict(radiograph)
    picture = predictor.preprocessing(radiograph.gray)
    explanation = explained(picture, model, method, settings=settings, watch=watch)
    if compare:
        prediction = replace(prediction, map_trust=compared(prediction, explanation, picture, model))
    saliency = predictor.bundle.card.saliency
    nearest: list[SimilarCase] = []
    if similar:
        cases = opened_cases(predictor.bundle)
        nearest = cases.nearest(prediction.embedding, similar, sha256=radiograph.sha256, file_name=Path(file).name)
    return ExplainedRadiograph(
        file=file,
        radiograph=radiograph,
        answer=prediction.logit,
        explanation=explanation,
        model=bundle_name(predictor.bundle),
        prediction=prediction,
        parts=evidence_parts(prediction.saliency_map, saliency.bias_logit) if saliency.adds_up else None,
        similar=tuple(nearest),
        attribution=attribution_of(predictor.bundle) if any(case.thumbnail for case in nearest) else None,
    )


def compared(
    prediction: Prediction, explanation: Explanation, picture: ModelInput, model: ExplainableBundle
) -> MapTrust:
    """How far the bundle's map agrees with what was found by covering: by the method asked for, or by occlusion.

    An unfinished map, or RISE of few masks, says little of another, so occlusion is asked then.
    """
    trust = prediction.map_trust or MapTrust(None, None)
    covered = explanation.planned_masks > 0 and explanation.complete
    if covered and (explanation.method is not Method.RISE or explanation.masks >= FEWEST_COMPARED_MASKS):
        found = correlation_on_one_grid(prediction.saliency_map, explanation.saliency_map)
        return replace(trust, agreement=found, agreement_with=str(explanation.method))
    found = agreement_with_occlusion(picture, model, prediction.saliency_map)
    return replace(trust, agreement=found, agreement_with=str(Method.OCCLUSION))


def sheet_of(
    found: ExplainedRadiograph,
    coloring: Coloring,
    *,
    style: Style,
    levels: tuple[float, ...],
    panel_px: int | None,
    words: ExplainedWords = ENGLISH,
    warnings: Sequence[str] | None = None,
) -> Image.Image:
    """The picture for people, in the language of `words`; `warnings` are in it too (None: the answer's own, in English)."""
    said = found.said(words)
    if warnings is None:
        warnings = [warning.message for warning in found.prediction.warnings] if found.prediction else []
    caption = SheetCaption(
        title=said.answer or f"Answer {found.answer:.4g} of {found.model['name']}",
        lines=(Path(found.file).name, *said.sums, *([said.trust] if said.trust else [])),
        warnings=tuple(warnings),
        legend=(f"{said.method}.", said.key(coloring, style)),
    )
    return draw_sheet(
        found.radiograph.gray,
        found.explanation.saliency_map,
        coloring,
        caption,
        style=style,
        levels=levels,
        panel_px=panel_px,
        similar=case_strip_of(found, words) if found.similar else None,
        words=words.sheet,
    )


def case_strip_of(found: ExplainedRadiograph, words: ExplainedWords) -> CaseStrip:
    """The similar cases, their labels in the language of `words`."""
    cases = [
        replace(case, label=words.call("labels", case.label), subtype=words.call("labels", case.subtype))
        for case in found.similar
    ]
    return CaseStrip(cases=tuple(cases), attribution=found.attribution)


def full_result(found: ExplainedRadiograph, model: ExplainableBundle | AnyClassifier) -> dict[str, Any]:
    """`to_dict`, with all that `predict` gives in `prediction` (None for a classifier that is no bundle)."""
    prediction = None
    if found.prediction and isinstance(model, ExplainableBundle):
        prediction = result_of_prediction(found.file, found.prediction, model.predictor.bundle)
    return {**found.to_dict(), "prediction": prediction}
