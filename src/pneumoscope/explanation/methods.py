"""Ask one question in several ways: where in the picture does the answer come from?

Every method gives a signed map (positive speaks for the finding) and says in which unit, what it leaves out, and with
which other method it coincides. Nothing here needs PyTorch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from pneumoscope.arrays import ModelInput, ModelInputBatch, SaliencyMap, Scores
from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.gradient_maps import (
    MapGradient,
    grad_cam_plus_plus,
    hires_cam,
    layer_cam,
)
from pneumoscope.explanation.masking import Asking, Clock, Watch, nobody
from pneumoscope.explanation.occlusion import occlusion_map
from pneumoscope.explanation.rise import MASKS, rise_map


class Method(StrEnum):
    """By the name that `--method` takes."""

    GRAD_CAM = "grad-cam"
    GRAD_CAM_PLUS_PLUS = "grad-cam++"
    HIRES_CAM = "hirescam"
    LAYER_CAM = "layercam"
    OCCLUSION = "occlusion"
    RISE = "rise"

    @property
    def needs_feature_map(self) -> bool:
        """Whether the map that is in every bundle's graph does not do."""
        return self in GRADIENT_MAPS


GRADIENT_MAPS: Final[dict[Method, Callable[[MapGradient], SaliencyMap]]] = {
    Method.GRAD_CAM_PLUS_PLUS: grad_cam_plus_plus,
    Method.HIRES_CAM: hires_cam,
    Method.LAYER_CAM: layer_cam,
}

UNITS: Final = {
    Method.GRAD_CAM: "logit units per map cell",
    Method.GRAD_CAM_PLUS_PLUS: "logit units per map cell, channels for the finding only",
    Method.HIRES_CAM: "logit units per map cell",
    Method.LAYER_CAM: "logit units per map cell, channels for the finding only",
    Method.OCCLUSION: "fall of the {output} when the place is covered",
    Method.RISE: "rise of the {output} when the place is left visible",
}


@runtime_checkable
class ExplainableModel(Protocol):
    """What a method may ask of a model; `inference/explainable.py` makes one of a bundle or of any ONNX classifier."""

    @property
    def output(self) -> str:
        """What the model answers with, in words: `logit` for a bundle."""

    def answers(self, batch: ModelInputBatch) -> Scores:
        """One number for each picture."""

    def saliency_map(self, picture: ModelInput) -> SaliencyMap:
        """The map in the graph; `UnusableOption` where there is none."""

    def map_gradient(self, picture: ModelInput) -> MapGradient:
        """Feature map and gradient; `UnusableOption` or `MissingExtra` where they cannot be had."""

    @property
    def gradient_is_constant(self) -> bool:
        """Whether the answer is a linear function of the pooled feature map, so that some methods coincide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodSettings:
    """How methods that cover the picture do it; the others read nothing here.

    Places are covered in an order, and masks drawn, by `seed`. `masks` is what RISE draws at most. After
    `budget_seconds` (None: no limit) no further batch is begun. `UnusableOption` where the seed is below 0.
    """

    seed: int = 0
    masks: int = MASKS
    batch_size: int = 16
    budget_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UnusableOption("seed-impossible", f"The seed is {self.seed}.", remedy="Give 0 or a greater number.")


DEFAULT_SETTINGS: Final = MethodSettings()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """A signed map and how to read it.

    `equals` names the method that gives the same map here, so that nobody takes their agreement for evidence. `masks` of
    `planned_masks` were asked of the model; both are 0 where one pass was enough.
    """

    method: Method
    saliency_map: SaliencyMap
    unit: str
    equals: Method | None = None
    masks: int = 0
    planned_masks: int = 0

    @property
    def complete(self) -> bool:
        """False where the time ran out."""
        return self.masks == self.planned_masks


def explained(
    picture: ModelInput,
    model: ExplainableModel,
    method: Method,
    *,
    settings: MethodSettings = DEFAULT_SETTINGS,
    watch: Watch = nobody,
    clock: Clock = time.monotonic,
) -> Explanation:
    """The map of one method for one preprocessed picture.

    `watch` hears after each batch how many masks are done, and how many are planned. `clock` gives seconds.
    `UnusableOption` where the model does not have what the method needs.
    """
    unit = UNITS[method].format(output=model.output)
    if method in (Method.OCCLUSION, Method.RISE):
        asking = Asking(
            answers=model.answers,
            batch_size=settings.batch_size,
            budget_seconds=settings.budget_seconds,
            watch=watch,
            clock=clock,
        )
        if method is Method.RISE:
            masked = rise_map(picture, asking, seed=settings.seed, masks=settings.masks)
        else:
            masked = occlusion_map(picture, asking, seed=settings.seed)
        return Explanation(
            method=method,
            saliency_map=masked.saliency_map,
            unit=unit,
            masks=masked.masks,
            planned_masks=masked.planned_masks,
        )
    if method is Method.GRAD_CAM:
        return Explanation(method=method, saliency_map=model.saliency_map(picture), unit=unit)
    if method is Method.HIRES_CAM and model.gradient_is_constant:
        return Explanation(method=method, saliency_map=model.saliency_map(picture), unit=unit, equals=Method.GRAD_CAM)
    return Explanation(method=method, saliency_map=GRADIENT_MAPS[method](model.map_gradient(picture)), unit=unit)
