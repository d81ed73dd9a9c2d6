"""A job in a real server with the shipped model, killed in the middle of it, and started again."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

SECONDS = 120


@contextmanager
def server(*options: str | Path) -> Iterator[tuple[httpx.Client, subprocess.Popen]]:
    """`pneumoscope serve` and a client; killed at the end if it still runs."""
    command = [sys.executable, "-m", "pneumoscope.cli", "serve", "--port", "0", *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().split()[4]
            with httpx.Client(base_url=address, timeout=SECONDS) as client:
                yield client, process
        finally:
            process.kill()


def until(wanted) -> None:
    deadline = time.monotonic() + SECONDS
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def done_of(client, job) -> int:
    return client.get(job).json()["done"]


def files_with(folder: Path, contents: list[bytes]) -> list[str]:
    """The files of the folder in which a piece of an upload stands."""
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    pieces = [content[start : start + 64] for content in contents for start in (0, 5000, len(content) // 2)]
    return [name for name, held in files.items() if any(piece in held for piece in pieces)]


def test_after_two_kills_every_radiograph_is_answered_exactly_once_and_no_upload_is_left(example_radiographs, tmp_path):
    contents = [path.read_bytes() for path in example_radiographs]
    folder = tmp_path / "jobs"
    uploads = [("file", ("upload", content)) for content in contents]
    with server("--jobs", folder) as (client, process):
        answer = client.post(
            "/v1/predictions", params={"map": "none"}, files=uploads, headers={"Prefer": "respond-async"}
        )
        assert answer.status_code == 202
        job = answer.headers["Location"]
        until(lambda: done_of(client, job) >= 3)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert files_with(folder, contents)  # what waits is there
    with server("--jobs", folder) as (client, process):
        begun_with = done_of(client, job)
        assert 3 <= begun_with < len(contents)
        until(lambda: done_of(client, job) > begun_with)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with server("--jobs", folder) as (client, process):
        assert done_of(client, job) < len(contents)
        until(lambda: client.get(job).json()["state"] == "done")
        results = client.get(f"{job}/results", params={"limit": 100}).json()
        last = client.post("/v1/predictions", params={"map": "none"}, files=uploads[-1:]).json()["predictions"][0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    found = results["predictions"]
    assert results["next"] is None
    assert [entry["index"] for entry in found] == list(range(len(contents)))
    assert [entry["sha256"] for entry in found] == [hashlib.sha256(content).hexdigest() for content in contents]
    assert found[-1] == {**last, "index": len(contents) - 1}
    assert files_with(folder, contents) == []


@pytest.mark.parametrize("code", ["jobs-damaged", "jobs-unwritable", "jobs-in-use"])
def test_a_jobs_folder_that_cannot_be_used_is_told_in_one_line(code, tmp_path):
    folder = tmp_path / "jobs"
    if code == "jobs-in-use":
        with server("--jobs", folder):
            assert_refused(folder, code)
        return
    tmp_path.joinpath("jobs.sqlite3").write_bytes(b"no database, but bytes" * 1000)
    assert_refused(tmp_path if code == "jobs-damaged" else tmp_path / "jobs.sqlite3" / "below", code)


def assert_refused(folder: Path, code: str) -> None:
    command = [sys.executable, "-m", "pneumoscope.cli", "serve", "--port", "0", "--jobs", folder]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert told.returncode == 7, told.stderr
    assert code in told.stderr
    assert "Traceback" not in told.stderr
