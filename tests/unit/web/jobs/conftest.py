"""A store in a folder of its own, with a clock that tests turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pneumoscope.web.jobs.job import Job, JobLimits
from pneumoscope.web.jobs.store import JobStore

MODEL = {"name": "tiny", "version": "1", "sha256": "0" * 64}
HOUR = 3600.0
MOST_BYTES = 3 * 2**20
"""An empty database takes about half a megabyte of them."""
Submit = Callable[..., Job]


class Clock:
    """Seconds since 1970, as the test says."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "jobs"


@pytest.fixture
def store(folder: Path, clock: Clock) -> Iterator[JobStore]:
    store = JobStore.open(folder, JobLimits(most_files=5, most_bytes=MOST_BYTES, keep_hours=24), now=clock)
    yield store
    store.close()


@pytest.fixture
def submit(store: JobStore) -> Submit:
    def submit(*files: bytes, **options) -> Job:
        return store.submitted(files, options, model=MODEL)

    return submit


def found_in(folder: Path, mark: bytes) -> dict[str, int]:
    """How often the bytes stand in each file of the folder that has them."""
    counted = {file.name: file.read_bytes().count(mark) for file in folder.iterdir()}
    return {name: count for name, count in counted.items() if count}
