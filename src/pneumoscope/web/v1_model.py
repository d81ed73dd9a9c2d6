"""What `GET /v1/model` and `GET /v1/operating-points` say: the card as it ships, and what can be asked for here."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, Field

from pneumoscope.bundle.bundle import content_of
from pneumoscope.bundle.card import CARD_FILE
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.zones import ConformalZones
from pneumoscope.explanation.methods import UNITS, Method
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.inference.explained_sentences import METHOD_TITLES
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.result import bundle_name
from pneumoscope.web.explained import available_methods


class ModelName(BaseModel):
    """Which bundle answers."""

    name: str
    version: str
    sha256: str = Field(description="Of the card, which names the checksums of all other files.")


class V1Method(BaseModel):
    """A way to make the map."""

    method: Method
    title: str
    unit: str


class V1Model(ModelName):
    """The model of this server."""

    intended_use: str
    methods: list[V1Method] = Field(description="What `method` may be here.")
    similar_cases: bool = Field(description="Whether `similar` may be asked for.")
    card: dict[str, Any] = Field(description="The bundle's card.json, as it ships.")


class V1OperatingPoints(BaseModel):
    """Where the decision can be made, and what that was worth on the part it was chosen on."""

    default: str = Field(description="Where this server decides unless `operating_point` says otherwise.")
    operating_points: list[OperatingPoint]
    zones: ConformalZones | None = Field(description="Of the probability: likely, uncertain, unlikely.")


def name_of(predictor: Predictor) -> ModelName:
    """Of the bundle that is open."""
    return ModelName.model_validate(bundle_name(predictor.bundle))


def model_answer(model: ExplainableBundle) -> V1Model:
    """Read once, when the server starts."""
    bundle = model.predictor.bundle
    return V1Model(
        **name_of(model.predictor).model_dump(),
        intended_use=bundle.card.intended_use,
        methods=[
            V1Method(method=method, title=METHOD_TITLES[method], unit=UNITS[method].format(output=model.output))
            for method in available_methods(model)
        ],
        similar_cases=bundle.cases is not None,
        card=json.loads(content_of(bundle.folder, CARD_FILE)),
    )


def operating_points_answer(predictor: Predictor) -> V1OperatingPoints:
    """From the card, and the server's own choice."""
    card = predictor.bundle.card
    return V1OperatingPoints(
        default=predictor.operating_point.name, operating_points=list(card.operating_points), zones=card.zones
    )
