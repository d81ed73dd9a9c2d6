"""The API that the field's clients know: `POST /predict` and `GET /health`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from pneumoscope.explanation.coloring import Coloring
from pneumoscope.web.answer import ReferenceAnswer, reference_answer
from pneumoscope.web.described import PROBLEMS, UPLOAD
from pneumoscope.web.examples import REFERENCE_ANSWER, answered
from pneumoscope.web.service import Service

API_VERSION: Final = "2.0"
"""Of the reference system's API, which clients look for."""


class Health(BaseModel):
    """The server is up and its model is open."""

    status: str = "healthy"
    model_loaded: bool = True
    gradcam_enabled: bool = True
    api_version: str = API_VERSION


def reference_router(service: Service) -> APIRouter:
    """Both addresses, as the reference system has them."""
    router = APIRouter(tags=["for clients of earlier systems"])

    @router.head("/health", include_in_schema=False)  # as some monitors ask
    @router.get("/health", summary="Is the server up?")
    async def health() -> Health:
        return Health()

    def answer(data: bytes) -> str:
        """As JSON, which is made in the worker too: it carries a picture."""
        found = reference_answer(data, service.predictor, Coloring(scale_logit=service.scale_logit))
        service.metrics.count_prediction(found.diagnosis)
        return found.model_dump_json()

    @router.post(
        "/predict",
        summary="Read one radiograph",
        response_model=ReferenceAnswer,
        responses={**answered(REFERENCE_ANSWER), **PROBLEMS},
        openapi_extra=UPLOAD,
    )
    async def predict(request: Request) -> Response:
        return Response(await service.answered(request, answer), media_type="application/json")

    return router
