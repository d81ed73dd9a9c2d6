"""A bounded number of requests at a time: some at work, some waiting, all others told at once to come again.

One radiograph a thread: several in one pass of the graph would be slower on a processor (`micro_batches` in
results/serving.json), and would make the first wait for the last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar, final

from pneumoscope.web.refusal import DeadlinePassed, Overloaded
from pneumoscope.web.settings import DEADLINE_SECONDS

Answer = TypeVar("Answer")


@final
class Workers:
    """Threads that read radiographs, and places for the requests that use them.

    Whoever holds a place may hold one upload in memory, so places bound the memory too. Used from one event loop.
    """

    def __init__(self, *, threads: int, waiting: int, deadline_seconds: float = DEADLINE_SECONDS) -> None:
        self.places = threads + waiting
        self.taken = 0
        self.deadline_seconds = deadline_seconds
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
        """Do the work in a thread; `DeadlinePassed` where none was free in time, and then it is never begun.

        Work that has begun is finished, however long it takes: a thread cannot be stopped.
        """
        queued = self._pool.submit(work)
        deadline = asyncio.get_running_loop().call_later(self.deadline_seconds, queued.cancel)
        try:
            return await asyncio.wrap_future(queued)
        except asyncio.CancelledError:
            if _is_cancelled_itself():
                raise
            raise _deadline_passed(self.deadline_seconds) from None
        finally:
            deadline.cancel()
            queued.cancel()  # where nobody waits any more; work that has begun or ended is not changed by it

    def close(self) -> None:
        """Finish what runs; drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def _is_cancelled_itself() -> bool:
    """Whether the task that runs was cancelled, and not only what it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _deadline_passed(seconds: float) -> DeadlinePassed:
    return DeadlinePassed(
        "deadline-passed",
        f"The server is busy: the request waited {seconds:g} seconds and was dropped before it was read.",
        remedy=f"Send the request again in {DeadlinePassed.retry_after_seconds} seconds.",
    )
