"""A bounded number of requests at a time: some at work, some waiting, all others told at once to come again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar, final

from pneumoscope.web.refusal import Overloaded

Answer = TypeVar("Answer")


@final
class Workers:
    """Threads that read radiographs, and places for the requests that use them.

    Whoever holds a place may hold one upload in memory, so places bound the memory too. Used from one event loop.
    """

    def __init__(self, *, threads: int, waiting: int) -> None:
        self.places = threads + waiting
        self.taken = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pneumoscope")

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one request; `Overloaded` where all are taken."""
        if self.taken >= self.places:
            raise Overloaded(
                "overloaded",
                "The server is busy: all places in the queue are taken.",
                remedy=f"Send the request again in {Overloaded.retry_after_seconds} seconds.",
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Do the work in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Finish what runs; drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)
