"""The map of a chosen method for a radiograph that has been answered already, without asking the model twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pneumoscope.arrays import ModelInput, ModelInputBatch, SaliencyMap, Scores
from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.gradient_maps import MapGradient
from pneumoscope.explanation.methods import Explanation, Method, MethodSettings, explained
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.inference.prediction import Prediction


def available_methods(model: ExplainableBundle) -> tuple[Method, ...]:
    """Those that this bundle, in this installation, can give."""
    return tuple(method for method in Method if _is_available(method, model))


def refuse_unavailable(method: Method, model: ExplainableBundle) -> None:
    """`UnusableOption` for a method that needs the feature map, where the server has none."""
    if not _is_available(method, model):
        raise UnusableOption(
            "feature-map-missing",
            f"This server cannot give the map of {method}, which is made of a feature map that it does not have.",
            remedy=f"Take one of {', '.join(available_methods(model))}; or have the package onnx installed on the server.",
        )


def explanation_of(
    prediction: Prediction, model: ExplainableBundle, method: Method, *, budget_seconds: float | None = None
) -> Explanation:
    """Occlusion and RISE stop after `budget_seconds` with what they have; `UnusableOption` as `refuse_unavailable`."""
    refuse_unavailable(method, model)
    picture = model.predictor.preprocessing(prediction.radiograph.gray)
    settings = MethodSettings(budget_seconds=budget_seconds)
    return explained(picture, _Answered(model, prediction), method, settings=settings)


def _is_available(method: Method, model: ExplainableBundle) -> bool:
    in_the_graph = method is Method.HIRES_CAM and model.gradient_is_constant
    return not method.needs_feature_map or in_the_graph or model.feature_session is not None


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Answered:
    """The model, with the map of one radiograph at hand (`ExplainableModel`)."""

    model: ExplainableBundle
    prediction: Prediction
    output: str = "logit"

    @property
    def gradient_is_constant(self) -> bool:
        return self.model.gradient_is_constant

    def answers(self, batch: ModelInputBatch) -> Scores:
        return self.model.answers(batch)

    def saliency_map(self, picture: ModelInput) -> SaliencyMap:
        return self.prediction.saliency_map

    def map_gradient(self, picture: ModelInput) -> MapGradient:
        return self.model.map_gradient(picture)
