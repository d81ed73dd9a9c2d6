"""What `POST /v1/predictions` can be asked for, as query parameters; a job keeps them as JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.coloring import DEFAULT_COLORMAP, Coloring
from pneumoscope.explanation.methods import Method
from pneumoscope.explanation.similar_cases import CaseIndex
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.explained import refuse_unavailable

MOST_SIMILAR: Final = 10


class MapForm(StrEnum):
    """How the saliency map is answered."""

    PNG = "png"
    """The coloured map on the radiograph."""
    LAYER = "layer"
    """The coloured map alone, transparent where there is no evidence, to be laid over the radiograph."""
    NUMBERS = "numbers"
    """The values of its pixels."""
    NONE = "none"
    """Not at all."""


class V1Options(BaseModel):
    """One set of options for all files of a request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operating_point: str | None = Field(
        default=None,
        max_length=100,
        description="Where the decision is made, by a name of /v1/operating-points; the server's own otherwise.",
        examples=["screening"],
    )
    method: Method = Field(
        default=Method.GRAD_CAM, description="How the map is made; which ones there are is in /v1/model."
    )
    color_map: str = Field(
        default=DEFAULT_COLORMAP,
        max_length=100,
        description="Colours by their name in the package cmap. Diverging ones, as coolwarm, show evidence against too.",
        examples=["viridis"],
    )
    map: MapForm = Field(
        default=MapForm.PNG,
        description="The map on the radiograph (png), alone and transparent (layer), as numbers, or not at all (none).",
    )
    similar: int = Field(
        default=0, ge=0, le=MOST_SIMILAR, description="So many of the most similar training radiographs are named."
    )

    @field_validator("method", mode="before")
    @classmethod
    def _plus(cls, value: object) -> object:
        """In an address a + stands for a space; nobody should have to write grad-cam%2B%2B."""
        return value.replace(" ", "+") if isinstance(value, str) else value

    def refuse_impossible(self, model: ExplainableBundle, cases: CaseIndex | None) -> None:
        """Before anything is uploaded: `UnusableOption` for what this server cannot answer."""
        card = model.predictor.bundle.card
        card.operating_point(self.operating_point)
        self.coloring(card.saliency.scale_logit)
        refuse_unavailable(self.method, model)
        if self.similar and cases is None:
            raise UnusableOption(
                "cases-missing", "The model of this server has no index of similar cases.", remedy="Leave similar out."
            )

    def decided(self, predictor: Predictor) -> V1Options:
        """With the server's operating point where none was named, so that a job keeps it whatever a restart brings."""
        return self.model_copy(update={"operating_point": self.operating_point or predictor.operating_point.name})

    def coloring(self, scale_logit: float) -> Coloring:
        """The colours of the map; `UnusableOption` for an unknown colour map."""
        return Coloring(scale_logit=scale_logit, colormap=self.color_map)
