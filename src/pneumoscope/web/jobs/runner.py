"""One thread that reads the radiographs of jobs, one after another, and goes on where a stopped server was."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, final

from pneumoscope.errors import PneumoscopeError
from pneumoscope.web.faults import without_faults
from pneumoscope.web.jobs.job import Item
from pneumoscope.web.jobs.refusal import UnusableJobs
from pneumoscope.web.jobs.store import JobStore
from pneumoscope.web.problem import problem_of

Read = Callable[[bytes, dict[str, Any]], dict[str, Any]]
"""From an upload and the job's options to the answer, a JSON object; `PneumoscopeError` says why there is none."""

MOST_BEGUN: Final = 3
"""A radiograph on which the server was stopped so many times is not tried again."""
SWEEP_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 5.0
log = logging.getLogger(__name__)


@final
class JobRunner:
    """Reads what waits in the store until it is closed. Where the store fails, it tries again every few seconds.

    `model` names what reads now: a job that was submitted to another one fails, so that no results are of two models.
    `trouble` is the store's present error, for those who ask whether the server is ready.
    """

    def __init__(
        self, store: JobStore, read: Read, *, model: Mapping[str, str], retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self.trouble: UnusableJobs | None = None
        self._store = store
        self._read = read
        self._model = dict(model)
        self._retry_seconds = retry_seconds
        self._unsaved: tuple[Item, str] | None = None
        self._closing = False
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pneumoscope-jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was submitted."""
        self._woken.set()

    def close(self) -> None:
        """Finish the radiograph that is being read; the rest waits for the next start."""
        self._closing = True
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        swept = float("-inf")
        while not self._closing:
            try:
                if time.monotonic() - swept > SWEEP_SECONDS:
                    self._store.sweep()
                    swept = time.monotonic()
                worked = self._do_next()
                self.trouble = None
            except UnusableJobs as error:
                if self.trouble is None:
                    log.warning("jobs wait: %s", error)
                self.trouble = error
                self._pause(self._retry_seconds)
            except Exception:  # the thread must live: jobs would wait for ever, and nobody would know
                log.exception("the jobs' thread")
                self._pause(self._retry_seconds)
            else:
                if not worked:
                    self._pause(SWEEP_SECONDS)

    def _do_next(self) -> bool:
        if self._unsaved is None:
            item = self._store.next_item()
            if item is None:
                return False
            if item.model != self._model:
                self._store.fail(item, problem_of(_of_another_model()).model_dump())
                return True
            self._unsaved = item, self._answer(item)
        self._store.answer(*self._unsaved)  # where this fails, the next try saves the same answer
        self._unsaved = None
        return True

    def _answer(self, item: Item) -> str:
        if item.begun > MOST_BEGUN:
            return _refusal(_stopped_the_server())
        if not item.intact:
            return _refusal(_damaged())
        try:
            # a fault of ours on one radiograph must not stop the others
            return without_faults(lambda: json.dumps(self._read(item.content, item.options), allow_nan=False))
        except PneumoscopeError as error:
            return _refusal(error)

    def _pause(self, seconds: float) -> None:
        self._woken.wait(seconds)
        self._woken.clear()


def _refusal(error: PneumoscopeError) -> str:
    return json.dumps({"problem": problem_of(error).model_dump()})


def _damaged() -> PneumoscopeError:
    return PneumoscopeError(
        "upload-damaged",
        "The file is no longer what was uploaded: the server's disk has changed it.",
        remedy="Send it again, and let whoever runs the server check its disk.",
    )


def _of_another_model() -> PneumoscopeError:
    return PneumoscopeError(
        "job-of-another-model",
        "The server now has another model than when the job was submitted; the rest of it was not read.",
        remedy="Fetch the results that are there, and submit the rest as a new job.",
    )


def _stopped_the_server() -> PneumoscopeError:
    return PneumoscopeError(
        "reading-stopped-the-server",
        f"The server stopped {MOST_BEGUN} times while it read this radiograph; it is not tried again.",
        remedy="Send it alone; if the server stops again, report it with the last lines of the server's log.",
    )
