"""Jobs over HTTP: how far one is, its answers page by page, cancel, delete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from pneumoscope.web.described import problems
from pneumoscope.web.jobs.job import Job, JobState
from pneumoscope.web.jobs.jobs import Jobs
from pneumoscope.web.problem import Problem
from pneumoscope.web.refusal import ForbiddenRequest
from pneumoscope.web.service import Service
from pneumoscope.web.v1_answer import V1Prediction, V1Refusal
from pneumoscope.web.v1_model import ModelName

POLL_SECONDS: Final = 2
"""After so many seconds it is worth asking again how far a job is."""
PAGE: Final = 20
MOST_PAGE: Final = 100

JobId = Annotated[str, Path(max_length=64, description="The id from the answer that accepted the job.")]


class JobLinks(BaseModel):
    """Addresses of the job on this server."""

    job: str = Field(description="GET: how far it is. DELETE: stop it and drop everything of it.")
    results: str = Field(description="GET: the answers, page by page.")
    cancel: str = Field(description="POST: stop it; answers that are there are kept.")


class JobAnswer(BaseModel):
    """How far a job is."""

    id: str = Field(description="Cannot be guessed; whoever knows it can read the results.")
    state: JobState = Field(description="`done`, `cancelled` and `failed` are final.")
    total: int = Field(description="Radiographs in the job.")
    done: int = Field(description="Radiographs that are answered, with a prediction or a problem.")
    created: datetime = Field(description="When it was accepted, in UTC.")
    results_until: datetime | None = Field(description="When the results are removed; null until the state is final.")
    model: ModelName
    problem: Problem | None = Field(description="Why the job failed; null in all other states.")
    links: JobLinks


class JobResults(BaseModel):
    """A page of answers, in the order in which the files were sent."""

    state: JobState
    model: ModelName
    predictions: list[V1Prediction | V1Refusal] = Field(
        description="As `POST /v1/predictions` answers; `index` is the place of the file in the job, from 0 on."
    )
    next: str | None = Field(
        description="Address of the page that follows, which may still be empty; null after the last answer."
    )


def jobs_router(service: Service) -> APIRouter:
    """The addresses of jobs. Their work waits for the disk, so they run in threads."""
    router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=problems(401, 403, 404, 421, 422, 429, 503, 507))

    @router.get("/{job_id}", summary="How far is a job?", response_model=JobAnswer)
    def show_job(job_id: JobId) -> JSONResponse:
        return _shown(_jobs(service).job(job_id))

    @router.get("/{job_id}/results", summary="The answers of a job, page by page", response_model=JobResults)
    def show_results(
        job_id: JobId,
        after: Annotated[int, Query(ge=-1, le=2**31, description="The index of the last answer you have.")] = -1,
        limit: Annotated[int, Query(ge=1, le=MOST_PAGE, description="Most answers on the page.")] = PAGE,
    ) -> JSONResponse:
        return _results(_jobs(service), job_id, after=after, limit=limit)

    @router.post("/{job_id}/cancel", summary="Stop a job; answers that are there are kept", response_model=JobAnswer)
    def cancel_job(job_id: JobId) -> JSONResponse:
        return _shown(_jobs(service).cancelled(job_id))

    @router.delete("/{job_id}", summary="Stop a job and drop everything of it", status_code=204)
    def delete_job(job_id: JobId) -> None:
        _jobs(service).forget(job_id)

    return router


def accepted(job: Job) -> JSONResponse:
    """The answer 202 to a request whose radiographs are read later: the job, and in `Location` where to ask for it."""
    return _shown(job, status=202, headers={"Location": _links(job.id).job})


def _shown(job: Job, *, status: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    coming_again = {} if job.state.final else {"Retry-After": str(POLL_SECONDS)}
    content = JobAnswer(
        id=job.id,
        state=job.state,
        total=job.total,
        done=job.done,
        model=ModelName.model_validate(job.model),
        created=_moment(job.created),
        results_until=None if job.results_until is None else _moment(job.results_until),
        problem=None if job.problem is None else Problem.model_validate(job.problem),
        links=_links(job.id),
    )
    return JSONResponse(
        content.model_dump(mode="json"), status_code=status, headers={**coming_again, **(headers or {})}
    )


def _results(jobs: Jobs, job_id: str, *, after: int, limit: int) -> JSONResponse:
    job = jobs.job(job_id)  # first: answers may come meanwhile, but none after a final state
    page = jobs.answers(job_id, after=after, most=limit)
    last = page[-1].index if page else after
    more = not job.state.final or bool(jobs.answers(job_id, after=last, most=1))
    return JSONResponse(
        {
            "state": job.state,
            "model": job.model,
            "predictions": [{**answered.answer, "index": answered.index} for answered in page],
            "next": f"{_links(job_id).results}?after={last}&limit={limit}" if more else None,
        }
    )


def _jobs(service: Service) -> Jobs:
    if service.jobs is None:
        raise ForbiddenRequest(
            "jobs-off",
            "This server keeps no jobs.",
            remedy=f"Send at most {service.settings.most_files} files at a time, or start the server with --jobs FOLDER.",
        )
    return service.jobs


def _links(job_id: str) -> JobLinks:
    job = f"/v1/jobs/{job_id}"
    return JobLinks(job=job, results=f"{job}/results", cancel=f"{job}/cancel")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
