"""One radiograph explained: the answer, the map of a method, the parts that add up, and similar cases."""

from __future__ import annotations

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
from pneumoscope.inference.map_trust import MapTrust
from pneumoscope.inference.prediction import Prediction
from pneumoscope.inference.result import SCHEMA_VERSION, bundle_name, result_of_prediction
from pneumoscope.inference.similar import attribution_of, opened_cases
from pneumoscope.radiograph.radiograph import Radiograph

METHOD_TITLES: Final = {
    Method.GRAD_CAM: "Grad-CAM",
    Method.GRAD_CAM_PLUS_PLUS: "Grad-CAM++",
    Method.HIRES_CAM: "HiResCAM",
    Method.LAYER_CAM: "LayerCAM",
    Method.OCCLUSION: "Occlusion sensitivity",
    Method.RISE: "RISE",
}
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

    @property
    def sums(self) -> list[str]:
        """What adds up to the logit, in sentences: for and against, then by place; both of the map in the graph."""
        found = []
        of = "" if self.draws_the_graphs_map else "In the graph's map: "
        if self.parts:
            parts = self.parts
            found.append(
                f"{of}Evidence for {parts.speaks_for:+.2f}, against {parts.speaks_against:+.2f}, bias {parts.bias:+.2f}: "
                f"logit {parts.logit:+.2f}"
            )
        lungs = self.prediction.lungs if self.prediction else None
        if lungs and lungs.evidence_logit:
            region = lungs.evidence_logit
            logit = region.right_lung + region.left_lung + region.outside + region.bias
            found.append(
                f"{of}Right lung {region.right_lung:+.2f}, left lung {region.left_lung:+.2f}, outside {region.outside:+.2f}, "
                f"bias {region.bias:+.2f}: logit {logit:+.2f}"
            )
        return found

    @property
    def draws_the_graphs_map(self) -> bool:
        """Whether the map of the method is the one in the bundle's graph, which sums and trust are of."""
        return Method.GRAD_CAM in (self.explanation.method, self.explanation.equals)

    @property
    def trust_line(self) -> str | None:
        """What speaks for or against the map in the bundle's graph, in a sentence."""
        trust = self.prediction.map_trust if self.prediction else None
        which = "The map" if self.draws_the_graphs_map else "The map in the graph"
        return f"{which}: {trust.sentence}" if trust and trust.sentence else None

    @property
    def method_line(self) -> str:
        """Method, unit, and what to know of it."""
        of = self.explanation
        line = f"{METHOD_TITLES[of.method]}: {of.unit}"
        if of.equals:
            line += f"; the same map as {METHOD_TITLES[of.equals]} here"
        if of.planned_masks:
            line += f"; {of.masks} of {of.planned_masks} masks" + ("" if of.complete else ", the time ran out")
        return line

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
) -> Image.Image:
    """The picture for people."""
    prediction = found.prediction
    title = f"Answer {found.answer:.4g} of {found.model['name']}"
    if prediction:
        point = prediction.operating_point
        title = (
            f"Probability of pneumonia {prediction.probability:.3f} - {prediction.decision} at the operating point "
            f"{point.name} (threshold {point.threshold:.3f})"
        )
    signs = "above 0 speaks for, below 0 against" if coloring.shows_both_signs else "only what speaks for is drawn"
    drawn = "Lines at the levels beside" if style is Style.CONTOURS else f"Colours end at {coloring.scale_logit:.3g}"
    caption = SheetCaption(
        title=title,
        lines=(Path(found.file).name, *found.sums, *([found.trust_line] if found.trust_line else [])),
        warnings=tuple(warning.message for warning in prediction.warnings) if prediction else (),
        legend=(
            f"{found.method_line}.",
            f"{drawn}, the same for every picture; {signs}.",
        ),
    )
    return draw_sheet(
        found.radiograph.gray,
        found.explanation.saliency_map,
        coloring,
        caption,
        style=style,
        levels=levels,
        panel_px=panel_px,
        similar=CaseStrip(cases=found.similar, attribution=found.attribution) if found.similar else None,
    )


def full_result(found: ExplainedRadiograph, model: ExplainableBundle | AnyClassifier) -> dict[str, Any]:
    """`to_dict`, with all that `predict` gives in `prediction` (None for a classifier that is no bundle)."""
    prediction = None
    if found.prediction and isinstance(model, ExplainableBundle):
        prediction = result_of_prediction(found.file, found.prediction, model.predictor.bundle)
    return {**found.to_dict(), "prediction": prediction}
