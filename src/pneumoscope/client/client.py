"""Ask a Pneumoscope server: predictions, its model, its operating points, and jobs for long batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, TypeVar, final
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from pneumoscope.client.answers import Entry, Job, JobResults, Model, OperatingPoints, Prediction, Predictions
from pneumoscope.client.problem import ProblemReported, not_understood, reported, unreachable
from pneumoscope.client.uploads import Options, Source, form_of
from pneumoscope.errors import UnusableOption

TIMEOUT_SECONDS: Final = 120.0
"""For one request; the server drops one that has waited 60 seconds, and then reads."""
POLL_SECONDS: Final = 2.0
PAGE: Final = 50
ACCEPTED: Final = 202
FIRST_ERROR: Final = 400
RESPOND_ASYNC: Final = {"Prefer": "respond-async"}
ADAPTERS: Final[dict[type, TypeAdapter[Any]]] = {
    kind: TypeAdapter(kind) for kind in (Predictions, Model, OperatingPoints, Job, JobResults)
}

Answer = TypeVar("Answer")


@final
class Client:
    """A connection to one server, to be closed: use it in a `with`. Not to be shared between threads.

    All methods raise `ProblemReported` for what the server reports, and where it does not answer.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """`base_url` is such as `http://localhost:5000`; `api_key` what the server was started with, if anything."""
        self._http = httpx.Client(base_url=_address(base_url), headers=_authorization(api_key), timeout=timeout_seconds)
        self._poll_seconds = poll_seconds

    def predict(self, source: Source, options: Options | None = None) -> Prediction:
        """Read one radiograph: a path, bytes, or an open file."""
        entry = self.predict_many([source], options).predictions[0]
        if isinstance(entry, Prediction):
            return entry
        problem = entry.problem
        raise ProblemReported(problem.code, problem.detail, remedy=problem.remedy, status=problem.status)

    def predict_many(self, sources: Iterable[Source], options: Options | None = None) -> Predictions:
        """Read several radiographs in one request. One that is refused gives a `Refusal` in its place.

        Only where a single one was sent, its refusal is raised. More than the server answers at once become a job, which
        is waited for and deleted.
        """
        answer = self._sent(sources, options)
        if answer.status_code != ACCEPTED:
            return _read(Predictions, answer)
        job = _read(Job, answer)
        try:
            return Predictions(model=job.model, predictions=tuple(self.results(job.id)))
        finally:
            with suppress(ProblemReported):  # its results are not kept longer than its server keeps results
                self.delete(job.id)

    def model(self) -> Model:
        """The model of the server, with its card."""
        return _read(Model, self._asked("GET", "v1/model"))

    def operating_points(self) -> OperatingPoints:
        """Where the decision can be made."""
        return _read(OperatingPoints, self._asked("GET", "v1/operating-points"))

    def submit(self, sources: Iterable[Source], options: Options | None = None) -> Job:
        """Send radiographs to be read later. When this returns they survive a restart of the server."""
        answer = self._sent(sources, options, headers=RESPOND_ASYNC)
        if answer.status_code != ACCEPTED:
            raise ProblemReported(
                "jobs-off",
                "This server keeps no jobs: it answered at once.",
                remedy="Use predict_many, or start the server with --jobs FOLDER.",
                status=answer.status_code,
            )
        return _read(Job, answer)

    def job(self, job_id: str) -> Job:
        """How far a job is."""
        return _read(Job, self._asked("GET", _job_path(job_id)))

    def wait(
        self,
        job_id: str,
        *,
        progress: Callable[[Job], None] | None = None,
        timeout_seconds: float | None = None,
    ) -> Job:
        """Ask again and again until the job has ended; `progress` is called after each time, with the job as it stands.

        `TimeoutError` after `timeout_seconds`; the job goes on.
        """
        give_up = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while True:
            job = self.job(job_id)
            if progress is not None:
                progress(job)
            if job.ended:
                return job
            if give_up is not None and time.monotonic() + self._poll_seconds > give_up:
                raise TimeoutError(f"{job.done} of {job.total} radiographs were answered in time")
            time.sleep(self._poll_seconds)

    def results(self, job_id: str, *, after: int = -1) -> Iterator[Entry]:
        """The answers of a job in order, as they come, until it has ended; `after` skips up to that index.

        A job that was cancelled, or failed, ends before all are answered: compare `job(job_id).state`.
        """
        while True:
            path = f"{_job_path(job_id)}/results"
            page = _read(JobResults, self._asked("GET", path, params={"after": str(after), "limit": str(PAGE)}))
            yield from page.predictions
            if page.next is None:
                return
            if page.predictions:
                after = page.predictions[-1].index
            else:
                time.sleep(self._poll_seconds)

    def cancel(self, job_id: str) -> Job:
        """Stop a job; answers that are there are kept."""
        return _read(Job, self._asked("POST", f"{_job_path(job_id)}/cancel"))

    def delete(self, job_id: str) -> None:
        """Stop a job and drop everything of it on the server."""
        self._asked("DELETE", _job_path(job_id))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _sent(
        self, sources: Iterable[Source], options: Options | None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        with form_of(sources) as files:
            query = (options or Options()).query()
            return self._asked("POST", "v1/predictions", params=query, files=files, headers=headers)

    def _asked(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **content)
        except httpx.RequestError as error:
            raise unreachable(str(self._http.base_url), str(error) or type(error).__name__) from error
        if answer.status_code < FIRST_ERROR:
            return answer
        problem = None
        with suppress(ValueError):
            problem = answer.json()
        raise reported(answer.status_code, problem, answer.headers.get("Retry-After"))


def _address(base_url: str) -> httpx.URL:
    try:
        address = httpx.URL(base_url)
    except httpx.InvalidURL:
        address = httpx.URL("")
    if address.scheme not in {"http", "https"} or not address.host:
        raise UnusableOption(
            "address-unusable", f"{base_url!r} is no address of a server.", remedy="Give one as http://localhost:5000."
        )
    return address


def _authorization(api_key: str | None) -> dict[str, str]:
    if api_key is None:
        return {}
    if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
        raise UnusableOption(
            "key-unusable", "The key has characters that no key has.", remedy="Copy it from who runs the server."
        )
    return {"Authorization": f"Bearer {api_key}"}


def _job_path(job_id: str) -> str:
    return f"v1/jobs/{quote(job_id, safe='')}"


def _read(kind: type[Answer], answer: httpx.Response) -> Answer:
    """The body as what the API says it is."""
    try:
        read: Answer = ADAPTERS[kind].validate_json(answer.content, strict=True)
    except ValidationError:
        raise not_understood(answer.status_code) from None
    return read
