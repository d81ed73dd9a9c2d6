"""Jobs as the routes use them: submit, look, page through answers, cancel, forget."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from pneumoscope.web.jobs.job import Answered, Job, JobLimits
from pneumoscope.web.jobs.refusal import UnusableJobs
from pneumoscope.web.jobs.runner import JobRunner, Read
from pneumoscope.web.jobs.store import JobStore


@final
class Jobs:
    """A store and the thread that reads what waits in it. Its methods wait for the disk: call them from a thread."""

    def __init__(self, store: JobStore, runner: JobRunner, *, model: Mapping[str, str]) -> None:
        self._store = store
        self._runner = runner
        self._model = model

    @classmethod
    def open(
        cls,
        folder: Path,
        read: Read,
        *,
        model: Mapping[str, str],
        limits: JobLimits | None = None,
        now: Callable[[], float] = time.time,
    ) -> Jobs:
        """Open the database in the folder and go on with what waits in it; `UnusableJobs` says why it cannot be.

        `read` answers one upload with the options of its job; `model` is what reads: `bundle_name(bundle)`.
        """
        store = JobStore.open(folder, limits or JobLimits(), now=now)
        runner = JobRunner(store, read, model=model)
        runner.start()
        return cls(store, runner, model=model)

    @property
    def limits(self) -> JobLimits:
        return self._store.limits

    @property
    def trouble(self) -> UnusableJobs | None:
        """Why jobs do not go on at present; None where they do."""
        return self._runner.trouble

    def submitted(self, files: Sequence[bytes], options: Mapping[str, Any]) -> Job:
        """Keep the files as one job: when this returns they survive a restart. See `JobStore.submitted`."""
        job = self._store.submitted(files, options, model=self._model)
        self._runner.wake()
        return job

    def job(self, job_id: str) -> Job:
        """The job as it stands; `JobUnknown` where there is none."""
        return self._store.job(job_id)

    def answers(self, job_id: str, *, after: int, most: int) -> list[Answered]:
        """See `JobStore.answers`."""
        return self._store.answers(job_id, after=after, most=most)

    def cancelled(self, job_id: str) -> Job:
        """Stop it after the radiograph that is being read; answers that are there are kept."""
        return self._store.cancelled(job_id)

    def forget(self, job_id: str) -> None:
        """Stop it and drop everything of it."""
        self._store.forget(job_id)

    def counts(self) -> dict[str, int]:
        """How many jobs are kept in each state."""
        return self._store.counts()

    def close(self) -> None:
        """Finish the radiograph that is being read and close the database; the rest waits for the next start."""
        self._runner.close()
        self._store.close()
