"""The web application: the page, the API that the field's clients know, and its health."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from pneumoscope import __version__
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.answer import ReferenceAnswer, page_answer, reference_answer
from pneumoscope.web.page import KEY_ALPHA, key_png, rendered_page
from pneumoscope.web.problem import MEDIA_TYPE, Problem, install_problem_answers
from pneumoscope.web.security import WithSecurityHeaders
from pneumoscope.web.upload import FIELD, uploaded_radiograph
from pneumoscope.web.workers import Workers

API_VERSION: Final = "2.0"
"""Of the reference system's API, which clients look for."""
STATIC: Final = Path(__file__).parent / "static"

Answer = TypeVar("Answer")


class Health(BaseModel):
    """The server is up and its model is open."""

    status: str = "healthy"
    model_loaded: bool = True
    gradcam_enabled: bool = True
    api_version: str = API_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the server takes on at a time."""

    upload_bytes: int
    threads: int
    waiting: int


def web_application(predictor: Predictor, limits: Limits) -> ASGIApp:
    """The application around a predictor that is open already."""
    workers = Workers(threads=limits.threads, waiting=limits.waiting)
    scale_logit = predictor.bundle.card.saliency.scale_logit
    key = key_png(Coloring(scale_logit=scale_logit, alpha=KEY_ALPHA))
    page = rendered_page(predictor.bundle, predictor.operating_point, upload_bytes=limits.upload_bytes)
    app = FastAPI(
        title="Pneumoscope",
        version=__version__,
        summary="Estimates the probability of pneumonia on a chest radiograph and shows where that comes from.",
        description="Research and education only. Not a medical device.",
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        lifespan=_closing(workers),
    )
    install_problem_answers(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    async def answered(request: Request, work: Callable[[bytes], Answer]) -> Answer:
        with workers.place():
            data = await uploaded_radiograph(request, most_bytes=limits.upload_bytes)
            return await workers.run(lambda: work(data))

    @app.get("/", include_in_schema=False)
    def show_page() -> HTMLResponse:
        return HTMLResponse(page)

    @app.get("/page/key.png", include_in_schema=False)
    def show_key() -> Response:
        return Response(key, media_type="image/png")

    @app.get("/health", summary="Is the server up?")
    async def health() -> Health:
        return Health()

    @app.post("/predict", summary="Read one radiograph", responses=PROBLEMS, openapi_extra=UPLOAD)
    async def predict(request: Request) -> ReferenceAnswer:
        coloring = Coloring(scale_logit=scale_logit)
        return await answered(request, lambda data: reference_answer(data, predictor, coloring))

    @app.post("/page/prediction", include_in_schema=False)
    async def predict_for_page(request: Request) -> dict[str, Any]:
        coloring = Coloring(scale_logit=scale_logit, alpha=1.0)  # the page's slider sets the opacity
        return await answered(request, lambda data: page_answer(data, predictor, coloring))

    return WithSecurityHeaders(app)


def _closing(workers: Workers) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        workers.close()

    return lifespan


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"description": description, "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
    for status, description in {
        400: "No file in the request",
        403: "Fetching from a URL is off",
        408: "The upload did not arrive in time",
        413: "The upload is too large",
        415: "Neither a form nor JSON",
        422: "The file is no radiograph that can be read",
        503: "All places are taken; see Retry-After",
    }.items()
}

UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "JPEG, PNG, TIFF, WebP, BMP or DICOM.",
                        }
                    },
                }
            }
        },
    }
}
