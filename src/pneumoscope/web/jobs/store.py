"""Jobs and their radiographs, as they are kept: whole submissions in, one answer for each radiograph out."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, final

from pneumoscope.web.jobs.database import Database, bytes_held
from pneumoscope.web.jobs.job import Answered, Item, Job, JobLimits, JobState
from pneumoscope.web.jobs.refusal import JobsFull, JobTooLarge, JobUnknown
from pneumoscope.web.refusal import RefusedRequest
from pneumoscope.web.upload import in_words

ID_BYTES: Final = 24
"""192 bits of chance: whoever knows the id may read the results, so nobody can guess one."""
MOST_PAGE_BYTES: Final = 16 * 2**20
SELECT_JOB: Final = """
    SELECT number, id, state, created, finished, model, total, problem,
        (SELECT count(answer) FROM item WHERE item.job = job.number) AS done
    FROM job WHERE id = ? AND (finished IS NULL OR finished > ?)
"""
NEXT_ITEM: Final = """
    SELECT item.key, job.number, job.options, job.model, item.begun
    FROM job JOIN item ON item.job = job.number AND item.answer IS NULL
    WHERE job.state IN ('queued', 'running') ORDER BY job.number, item.position LIMIT 1
"""


@final
class JobStore:
    """Every method is one transaction: it has happened wholly, and lasts, or not at all. Threads may share a store.

    `UnusableJobs` where the database cannot be read or written, with the reason; also where something was deleted, but
    could not be wiped from the write-ahead log yet, which the next method that deletes does. `now` gives seconds since 1970.
    """

    def __init__(self, database: Database, limits: JobLimits, *, now: Callable[[], float] = time.time) -> None:
        self.limits = limits
        self._database = database
        self._now = now

    @classmethod
    def open(cls, folder: Path, limits: JobLimits, *, now: Callable[[], float] = time.time) -> JobStore:
        """The store in the folder, with the jobs that it kept."""
        return cls(Database.open(folder), limits, now=now)

    def submitted(self, files: Sequence[bytes], options: Mapping[str, Any], *, model: Mapping[str, str]) -> Job:
        """Keep a job until it is answered; `JobTooLarge` and `JobsFull` beyond the limits."""
        size_bytes = sum(map(len, files))
        self._refuse_too_large(len(files), size_bytes)
        job_id = secrets.token_urlsafe(ID_BYTES)
        with self._database.transaction() as sql:
            if bytes_held(sql) + size_bytes > self.limits.most_bytes:
                raise JobsFull(
                    "jobs-full",
                    "Jobs that wait and results that are kept leave no room for this job.",
                    remedy="Fetch and delete the results of earlier jobs, or come again later.",
                )
            number = sql.execute(
                "INSERT INTO job (id, state, created, model, options, total) VALUES (?, ?, ?, ?, ?, ?)",
                (job_id, JobState.QUEUED, self._now(), _text(model), _text(options), len(files)),
            ).lastrowid
            for position, content in enumerate(files):
                item = sql.execute("INSERT INTO item (job, position) VALUES (?, ?)", (number, position)).lastrowid
                sql.execute("INSERT INTO upload VALUES (?, ?, ?)", (item, sha256(content).digest(), content))
        return self.job(job_id)

    def job(self, job_id: str) -> Job:
        """The job as it stands; `JobUnknown` where there is none of that id, or no longer."""
        with self._database.reading() as sql:
            return self._found(sql, job_id)[1]

    def answers(self, job_id: str, *, after: int, most: int) -> list[Answered]:
        """Up to `most` answers that follow the radiograph at index `after` (-1: from the first), in order.

        There are no gaps: radiographs are answered in order. A page ends early at about 16 MB.
        """
        page: list[Answered] = []
        size = 0
        with self._database.reading() as sql:
            number, _ = self._found(sql, job_id)
            rows = sql.execute(
                "SELECT position, answer FROM item WHERE job = ? AND position > ? AND answer IS NOT NULL"
                " ORDER BY position LIMIT ?",
                (number, after, most),
            )
            for position, answer in rows:
                page.append(Answered(position, json.loads(answer)))
                size += len(answer)
                if size > MOST_PAGE_BYTES:
                    break
        return page

    def cancelled(self, job_id: str) -> Job:
        """Read no more of it and drop its uploads; answers that are there are kept. A job that has ended stays so."""
        with self._database.transaction() as sql:
            number, job = self._found(sql, job_id)
            if not job.state.final:
                self._end(sql, number, JobState.CANCELLED)
        self._database.wipe()
        return self.job(job_id)

    def forget(self, job_id: str) -> None:
        """Drop the job with its uploads and answers, whether or not it has ended."""
        with self._database.transaction() as sql:
            number, _ = self._found(sql, job_id)
            sql.execute("DELETE FROM job WHERE number = ?", (number,))
        self._database.wipe()

    def next_item(self) -> Item | None:
        """The radiograph to read next, of the job that came first; None where nothing waits."""
        with self._database.transaction() as sql:
            row = sql.execute(NEXT_ITEM).fetchone()
            if row is None:
                return None
            key, job, options, model, begun = row
            sql.execute("UPDATE job SET state = ? WHERE number = ?", (JobState.RUNNING, job))
            sql.execute("UPDATE item SET begun = begun + 1 WHERE key = ?", (key,))
            digest, content = sql.execute("SELECT sha256, content FROM upload WHERE item = ?", (key,)).fetchone()
        return Item(
            key=key,
            job=job,
            content=content,
            intact=sha256(content).digest() == digest,
            options=json.loads(options),
            model=json.loads(model),
            begun=begun + 1,
        )

    def answer(self, item: Item, answer: str) -> None:
        """Keep the answer, a JSON object as text, and drop the upload, unless the job was cancelled or forgotten meanwhile."""
        with self._database.transaction() as sql:
            # of a cancelled job the upload is gone already, of a forgotten one the item too
            if sql.execute("DELETE FROM upload WHERE item = ?", (item.key,)).rowcount:
                sql.execute("UPDATE item SET answer = ? WHERE key = ?", (answer, item.key))
                if not sql.execute("SELECT 1 FROM item WHERE job = ? AND answer IS NULL", (item.job,)).fetchone():
                    self._end(sql, item.job, JobState.DONE)
        self._database.wipe()

    def fail(self, item: Item, problem: Mapping[str, Any]) -> None:
        """End the item's job without reading the rest of it."""
        with self._database.transaction() as sql:
            self._end(sql, item.job, JobState.FAILED, problem)
        self._database.wipe()

    def sweep(self) -> None:
        """Drop jobs that ended more than `keep_hours` ago, and give free pages back to the disk."""
        with self._database.transaction() as sql:
            sql.execute("DELETE FROM job WHERE finished <= ?", (self._oldest(),))
        self._database.shrink()

    def counts(self) -> dict[str, int]:
        """How many jobs are kept in each state."""
        with self._database.reading() as sql:
            counted = dict(sql.execute("SELECT state, count(*) FROM job GROUP BY state").fetchall())
        return {state.value: counted.get(state.value, 0) for state in JobState}

    def close(self) -> None:
        self._database.close()

    def _refuse_too_large(self, files: int, size_bytes: int) -> None:
        if not files:
            raise RefusedRequest("job-empty", "The job has no files.", remedy="Send at least one file.")
        if files > self.limits.most_files:
            raise JobTooLarge(
                "job-too-many-files",
                f"The job has {files} files; {self.limits.most_files} is the most.",
                remedy="Send it in several jobs.",
            )
        if size_bytes > self.limits.most_bytes:
            raise JobTooLarge(
                "job-too-large",
                f"The files of the job have more than {in_words(self.limits.most_bytes)} together.",
                remedy="Send it in several jobs.",
            )

    def _found(self, sql: sqlite3.Connection, job_id: str) -> tuple[int, Job]:
        row = sql.execute(SELECT_JOB, (job_id, self._oldest())).fetchone()
        if row is None:
            raise JobUnknown(
                "job-unknown",
                "There is no such job.",
                remedy=f"Submit it again if it was deleted, or ended more than {self.limits.keep_hours:g} hours ago.",
            )
        number, found_id, state, created, finished, model, total, problem, done = row
        return number, Job(
            id=found_id,
            state=JobState(state),
            model=json.loads(model),
            created=created,
            total=total,
            done=done,
            results_until=None if finished is None else finished + 3600 * self.limits.keep_hours,
            problem=None if problem is None else json.loads(problem),
        )

    def _end(
        self, sql: sqlite3.Connection, number: int, state: JobState, problem: Mapping[str, Any] | None = None
    ) -> None:
        told = None if problem is None else _text(problem)
        sql.execute("DELETE FROM upload WHERE item IN (SELECT key FROM item WHERE job = ?)", (number,))
        sql.execute(
            "UPDATE job SET state = ?, finished = ?, problem = ? WHERE number = ?",
            (state, self._now(), told, number),
        )

    def _oldest(self) -> float:
        """Jobs that ended then or before are forgotten."""
        return self._now() - 3600 * self.limits.keep_hours


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(dict(content), allow_nan=False)
