"""The web application: the page, the API that the field's clients know, the versioned API, and the server's health."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from pneumoscope import __version__
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.result import bundle_name
from pneumoscope.inference.similar import opened_cases
from pneumoscope.web.access import with_access_rules
from pneumoscope.web.jobs.jobs import Jobs
from pneumoscope.web.metrics import MeasuredApp, Metrics
from pneumoscope.web.problem import install_problem_answers
from pneumoscope.web.routes.jobs import jobs_router
from pneumoscope.web.routes.operations import operations_router
from pneumoscope.web.routes.page import page_router
from pneumoscope.web.routes.reference import reference_router
from pneumoscope.web.routes.v1 import v1_router
from pneumoscope.web.security import WithSecurityHeaders
from pneumoscope.web.service import Service
from pneumoscope.web.settings import Settings
from pneumoscope.web.v1_answer import read_for_job
from pneumoscope.web.workers import Workers

STATIC: Final = Path(__file__).parent / "static"
ABOUT: Final = """Research and education only. Not a medical device.

Every error is a problem document (RFC 9457) with a stable reason `code`, what is wrong and what to do about it.
Uploads stay in memory and are forgotten after the answer, unless they were accepted as a job."""
CALLED_BY_PROGRAMS: Final = (reference_router, v1_router, jobs_router)


class FeatureGraph(NamedTuple):
    """The bundle's model with its feature map as outputs, and the side of the windows before the mean (1: none)."""

    content: bytes
    pool: int


def web_application(predictor: Predictor, settings: Settings, *, feature_graph: FeatureGraph | None = None) -> ASGIApp:
    """The application around a predictor that is open already.

    Without `feature_graph` the methods that need it are refused. `UnusableJobs` where the jobs' folder cannot be used,
    `UnusableOption` for a key, an origin or a host name that cannot be.
    """
    service = service_of(predictor, settings, feature_graph)
    app = FastAPI(
        title="Pneumoscope",
        version=__version__,
        summary="Estimates the probability of pneumonia on a chest radiograph and shows where that comes from.",
        description=ABOUT,
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # a redirect would name the host that the client claims
        generate_unique_id_function=_operation_id,
        lifespan=_closing(service),
    )
    install_problem_answers(app)
    shows_key = [Security(HTTPBearer(auto_error=False))] if settings.api_key else []  # only described; see access.py
    for router in CALLED_BY_PROGRAMS:
        app.include_router(router(service), dependencies=shows_key)
    for router in (operations_router, page_router):
        app.include_router(router(service))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return WithSecurityHeaders(MeasuredApp(with_access_rules(app, settings), service.metrics))


def _operation_id(route: Any) -> str:
    """What generated clients call it. The framework hands over a stand-in for the route."""
    return str(route.name)


def service_of(predictor: Predictor, settings: Settings, feature_graph: FeatureGraph | None) -> Service:
    """Everything that the routes share, open and counting."""
    bundle = predictor.bundle
    workers = Workers(threads=settings.threads, waiting=settings.waiting, deadline_seconds=settings.deadline_seconds)
    metrics = Metrics(model=bundle.title)
    metrics.watch_workers(workers)
    model = explainable(predictor, feature_graph)
    cases = opened_cases(bundle) if bundle.cases is not None else None
    jobs = None
    if settings.jobs is not None:
        read = read_for_job(model, cases, metrics, budget_seconds=settings.explaining_seconds)
        jobs = Jobs.open(settings.jobs, read, model=bundle_name(bundle))
        metrics.watch_jobs(jobs.counts)
    return Service(
        predictor=predictor,
        settings=settings,
        workers=workers,
        metrics=metrics,
        model=model,
        cases=cases,
        jobs=jobs,
    )


def explainable(predictor: Predictor, feature_graph: FeatureGraph | None) -> ExplainableBundle:
    """The same bundle, to be asked for explanations."""
    if feature_graph is None:
        return ExplainableBundle(predictor)
    return ExplainableBundle(predictor, feature_graph=feature_graph.content, pool=feature_graph.pool, threads=1)


def _closing(service: Service) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.workers.close()
        if service.jobs:
            service.jobs.close()

    return lifespan
