"""What all routes share: the open model, the settings, and places for the requests that use them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Final, TypeVar, final

from fastapi import Request

from pneumoscope.explanation.similar_cases import CaseIndex
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.faults import without_faults
from pneumoscope.web.jobs.jobs import Jobs
from pneumoscope.web.metrics import Metrics
from pneumoscope.web.settings import Settings
from pneumoscope.web.upload import MOST_ENVELOPE_BYTES, Fetch, too_large, uploaded_files, uploaded_radiograph
from pneumoscope.web.workers import Workers

MOST_PLACES: Final = 4
"""What one request may hold, so that the files of one client leave room for others."""
FETCH_SECONDS: Final = 20.0

Answer = TypeVar("Answer")


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """An open predictor and what is needed to answer requests with it.

    `model` is the same bundle, to be asked for explanations; `cases` its index of similar cases, if it has one;
    `jobs` is None where the server keeps none.
    """

    predictor: Predictor
    settings: Settings
    workers: Workers
    metrics: Metrics
    model: ExplainableBundle
    cases: CaseIndex | None
    jobs: Jobs | None

    @property
    def scale_logit(self) -> float:
        """The evidence of a map pixel at which colours end, from the bundle's card."""
        return self.predictor.bundle.card.saliency.scale_logit

    @property
    def fetch(self) -> Fetch | None:
        """How radiographs are fetched from URLs, where that is allowed."""
        if not self.settings.allow_url:
            return None
        from pneumoscope.web.fetching.fetch import fetched  # noqa: PLC0415 - its HTTP client takes 0.2 s to load

        return partial(fetched, most_bytes=self.settings.upload_bytes, seconds=FETCH_SECONDS)

    async def answered(self, request: Request, work: Callable[[bytes], Answer]) -> Answer:
        """Take a place, read the one radiograph of the request, and do the work on its bytes in a worker."""
        with self.workers.place():
            data = await uploaded_radiograph(request, most_bytes=self.settings.upload_bytes, fetch=self.fetch)
            return await self.run(lambda: work(data))

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Do the work in a worker: `DeadlinePassed` where none was free in time, `Fault` for what nobody foresaw."""
        return await self.workers.run(partial(without_faults, work))

    @asynccontextmanager
    async def uploaded(self, request: Request, *, most_files: int) -> AsyncIterator[list[bytes]]:
        """The files of a request, which holds one place for each `upload_bytes` that it brings, until it is answered.

        So places bound the memory, however many files a request has; `Overloaded` where not enough of them are free.
        """
        upload_bytes = self.settings.upload_bytes
        most_places = min(MOST_PLACES, self.workers.places)
        with ExitStack() as held:
            places = 0

            def room(total_bytes: int) -> None:
                nonlocal places
                needed = max(1, ceil((total_bytes - MOST_ENVELOPE_BYTES) / upload_bytes))
                if needed > most_places:
                    raise too_large(most_places * upload_bytes)
                while places < needed:
                    held.enter_context(self.workers.place())
                    places += 1

            room(0)
            yield await uploaded_files(
                request, most_bytes=upload_bytes, most_files=most_files, room=room, fetch=self.fetch
            )
