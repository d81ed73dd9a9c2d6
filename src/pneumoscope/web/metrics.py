"""What the server counts of itself, in the text form that Prometheus reads; nothing of a patient or a client is in it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pneumoscope import __version__
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.web.problem import MEDIA_TYPE as PROBLEM_TYPE
from pneumoscope.web.workers import Workers

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
NO_ROUTE: Final = "other"
"""All addresses that are none of ours, in one: clients could name any number."""
UNANSWERED: Final = "none"
BUCKETS_SECONDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


@final
class Metrics:
    """Counts of one server, in a registry of its own."""

    def __init__(self, *, model: str) -> None:
        """`model` is the bundle's title."""
        registry = CollectorRegistry()
        self.registry = registry
        Info("pneumoscope", "Versions of program and model", registry=registry).info(
            {"version": __version__, "model": model}
        )
        self._requests = Counter("pneumoscope_requests", "Requests answered", ("route", "status"), registry=registry)
        self._seconds = Histogram(
            "pneumoscope_request_seconds",
            "From the request's head to the end of its answer",
            ("route",),
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self._refused = Counter(
            "pneumoscope_refused", "Problems answered, by reason code", ("code",), registry=registry
        )
        self._predictions = Counter(
            "pneumoscope_predictions", "Radiographs answered, by decision", ("decision",), registry=registry
        )
        for decision in Decision:
            self._predictions.labels(decision.value)
        ProcessCollector(registry=registry)

    def count_request(self, route: str, status: str, seconds: float) -> None:
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def count_refused(self, code: str) -> None:
        self._refused.labels(code).inc()

    def count_prediction(self, decision: Decision) -> None:
        """Called for each radiograph that is answered; from any thread."""
        self._predictions.labels(decision.value).inc()

    def watch_workers(self, workers: Workers) -> None:
        """Tell of the places from now on."""
        taken = Gauge("pneumoscope_places_taken", "Requests at work or waiting", registry=self.registry)
        taken.set_function(lambda: workers.taken)
        free = Gauge("pneumoscope_places_free", "Requests that would be let in now", registry=self.registry)
        free.set_function(lambda: workers.places - workers.taken)

    def watch_jobs(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Tell of the jobs from now on; `counts` gives how many are in each state, when asked."""
        self.registry.register(_Jobs(counts))

    def text(self) -> bytes:
        """Everything that is counted, in `MEDIA_TYPE`."""
        return generate_latest(_WithoutCreated(self.registry))


@final
class _WithoutCreated(CollectorRegistry):
    """What another registry holds, but for when each series began, which doubles the series and nobody asks for.

    The library can only be told so for the whole process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if sample.name != f"{metric.name}_created"]
            yield metric


@final
class _Jobs(Collector):
    def __init__(self, counts: Callable[[], Mapping[str, int]]) -> None:
        self._counts = counts

    def collect(self) -> Iterable[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("pneumoscope_jobs", "Jobs in the store, by state", labels=("state",))
        for state, count in self._counts().items():
            jobs.add_metric((state,), count)
        yield jobs


@final
class MeasuredApp:
    """Wraps the whole application and counts each answer.

    A refusal's code is read from the problem document itself, so that none can be forgotten.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        started = time.perf_counter()
        try:
            await self.app(scope, receive, answer.send)
        finally:
            # the router writes the route that it found into the scope
            route = getattr(scope.get("route"), "path", NO_ROUTE) or NO_ROUTE
            self.metrics.count_request(route, answer.status, time.perf_counter() - started)
            if answer.code:
                self.metrics.count_refused(answer.code)


@final
class _Answer:
    """Passes an answer on and keeps what is counted of it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = UNANSWERED
        self.code: str | None = None
        self._problem = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = str(message["status"])
            self._problem = (b"content-type", PROBLEM_TYPE.encode()) in [tuple(pair) for pair in message["headers"]]
        elif self._problem and message.get("body"):
            self.code = str(json.loads(message["body"])["code"])
        await self._send(message)
