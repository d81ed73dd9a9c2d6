"""For those who run the server: is it alive, can it take requests, what has it done; and the API's documentation."""

from __future__ import annotations

from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from pneumoscope.web.described import problems
from pneumoscope.web.metrics import MEDIA_TYPE
from pneumoscope.web.refusal import Overloaded
from pneumoscope.web.service import Service

DOCUMENTATION: Final = Path(__file__).parents[1] / "documentation"
SWAGGER_UI: Final = Path(str(resources.files("fastapi_offline"))) / "static"
"""Swagger UI (Apache-2.0) as the package fastapi-offline brings it; FastAPI's own page loads it from elsewhere."""
PARTS: Final = {
    "docs.js": DOCUMENTATION / "docs.js",
    "docs.css": DOCUMENTATION / "docs.css",
    "swagger-ui-bundle.js": SWAGGER_UI / "swagger-ui-bundle.js",
    "swagger-ui.css": SWAGGER_UI / "swagger-ui.css",
}
METRICS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The text form that Prometheus reads", "content": {"text/plain": {"example": "# HELP ..."}}}
}


class Alive(BaseModel):
    """The server answers."""

    status: str = "alive"


class Ready(BaseModel):
    """The server takes requests."""

    status: str = "ready"
    places_free: int = Field(description="Requests that would be let in now.")
    jobs: bool = Field(description="Whether it keeps jobs.")


def operations_router(service: Service) -> APIRouter:
    """All that is not about one radiograph."""
    router = APIRouter(tags=["operations"])

    @router.head("/livez", include_in_schema=False)  # as some monitors ask
    @router.get("/livez", summary="Is the process alive?")
    async def alive() -> Alive:
        return Alive()

    @router.head("/readyz", include_in_schema=False)
    @router.get("/readyz", summary="Can it take a request now?", responses=problems(503, 507))
    async def ready() -> Ready:
        return _readiness(service)

    @router.get("/metrics", summary="Counts for Prometheus", response_class=Response, responses=METRICS)
    async def show_metrics() -> Response:
        return Response(await run_in_threadpool(service.metrics.text), media_type=MEDIA_TYPE)

    @router.get("/docs", include_in_schema=False)
    async def show_documentation() -> FileResponse:
        return FileResponse(DOCUMENTATION / "docs.html")

    @router.get("/static/docs/{name}", include_in_schema=False)
    async def show_part_of_documentation(name: str) -> Response:
        if name not in PARTS:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return FileResponse(PARTS[name])

    return router


def _readiness(service: Service) -> Ready:
    """`Overloaded` where a request would be refused; the jobs' trouble where jobs do not go on."""
    if service.jobs and service.jobs.trouble:
        raise service.jobs.trouble
    free = service.workers.places - service.workers.taken
    if free <= 0:
        raise Overloaded(
            "overloaded",
            "The server is busy: all places in the queue are taken.",
            remedy=f"Ask again in {Overloaded.retry_after_seconds} seconds.",
        )
    return Ready(places_free=free, jobs=service.jobs is not None)
