"""What a job is: many radiographs submitted in one request, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class JobState(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """What jobs may take: files of one job, bytes of all that wait and all results that are kept, hours of keeping."""

    most_files: int = 1000
    most_bytes: int = 4 * 2**30
    keep_hours: float = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job as it stands. Times are seconds since 1970 (UTC); `results_until` is known once the state is final.

    `model` is what it was submitted to: name, version and SHA-256 of the bundle.
    """

    id: str
    state: JobState
    model: dict[str, str]
    created: float
    total: int
    done: int
    results_until: float | None
    problem: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One radiograph of a job, taken to be read. `begun` counts how often, this time included.

    `intact` is False where the content is not what was uploaded: the disk has changed it.
    """

    key: int
    job: int
    content: bytes
    intact: bool
    options: dict[str, Any]
    model: dict[str, str]
    begun: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the radiograph at `index` of a job, a JSON object."""

    index: int
    answer: dict[str, Any]
