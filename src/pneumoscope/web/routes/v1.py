"""The versioned API: predictions for one or many radiographs, the model's card, its operating points."""

from __future__ import annotations

import asyncio
from math import ceil
from typing import Annotated, Final, TypeAlias

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from pneumoscope.errors import PneumoscopeError
from pneumoscope.web.described import ACCEPTED, PROBLEMS, UPLOADS
from pneumoscope.web.examples import V1_ANSWER, answered
from pneumoscope.web.problem import problem_of
from pneumoscope.web.routes.jobs import accepted
from pneumoscope.web.service import Service
from pneumoscope.web.v1_answer import V1Answer, V1Prediction, V1Refusal, v1_prediction
from pneumoscope.web.v1_model import V1Model, V1OperatingPoints, model_answer, name_of, operating_points_answer
from pneumoscope.web.v1_options import MapForm, V1Options

ASKS_FOR_A_JOB: Final = "respond-async"
"""A preference of the client (RFC 7240 section 4.1)."""

Entry: TypeAlias = V1Prediction | V1Refusal


def v1_router(service: Service) -> APIRouter:
    """All of `/v1` but the jobs."""
    router = APIRouter(prefix="/v1", tags=["version 1"])
    model, operating_points = model_answer(service.model), operating_points_answer(service.predictor)
    name = name_of(service.predictor)

    @router.post(
        "/predictions",
        summary="Read one or many radiographs",
        response_model=V1Answer,
        responses={**answered(V1_ANSWER), **ACCEPTED, **PROBLEMS},
        openapi_extra=UPLOADS,
    )
    async def predictions(
        request: Request,
        options: Annotated[V1Options, Query()],
        prefer: Annotated[str, Header(description="`respond-async` asks for a job, where the server keeps jobs.")] = "",
    ) -> Response:
        options.refuse_impossible(service.model, service.cases)
        jobs, most_files = service.jobs, service.settings.most_files
        async with service.uploaded(request, most_files=jobs.limits.most_files if jobs else most_files) as files:
            if jobs and (len(files) > most_files or ASKS_FOR_A_JOB in prefer.lower()):
                kept = options.decided(service.predictor).model_dump(mode="json")
                return accepted(await run_in_threadpool(jobs.submitted, files, kept))
            answer = V1Answer(model=name, predictions=await _entries(request, files, options, service))
            small = options.map is MapForm.NONE  # then another thread would cost more than it spares
            content = answer.model_dump_json() if small else await run_in_threadpool(answer.model_dump_json)
            return Response(content, media_type="application/json")

    @router.get("/model", summary="What the model is and is not: its card")
    async def show_model() -> V1Model:
        return model

    @router.get("/operating-points", summary="Where the decision can be made")
    async def show_operating_points() -> V1OperatingPoints:
        return operating_points

    return router


async def _entries(request: Request, files: list[bytes], options: V1Options, service: Service) -> list[Entry]:
    """What is said of each file. The only one of a request is answered or refused as a whole (`PneumoscopeError`).

    As many files of one request are at work as there are threads, so that other requests have their turn.
    """
    budget_seconds = service.settings.explaining_seconds / ceil(len(files) / service.settings.threads)

    def prediction(index: int) -> V1Prediction:
        found = v1_prediction(files[index], index, options, service.model, service.cases, budget_seconds=budget_seconds)
        service.metrics.count_prediction(found.decision)
        return found

    if len(files) == 1:
        return [await service.run(lambda: prediction(0))]
    turn = asyncio.Semaphore(service.settings.threads)

    async def entry(index: int) -> Entry | None:
        async with turn:
            if await request.is_disconnected():
                return None
            try:
                return await service.run(lambda: prediction(index))
            except PneumoscopeError as error:
                return V1Refusal(index=index, problem=problem_of(error))

    found = [each for each in await asyncio.gather(*map(entry, range(len(files)))) if each is not None]
    if len(found) < len(files):
        raise ClientDisconnect
    return found
