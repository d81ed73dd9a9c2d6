"""`pneumoscope serve` hands every option to the server, says who can reach it, and refuses what cannot be in one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from pneumoscope.cli import serve
from pneumoscope.inference.pool import usable_cores
from pneumoscope.web.settings import Settings

PROGRAM = [sys.executable, "-c", "from pneumoscope.cli.main import main; main()", "serve", "--port", "0"]


@pytest.fixture
def started(monkeypatch):
    """The settings that the command makes; the server itself is not started."""
    taken: list[Settings] = []

    def web_application(predictor, settings, *, feature_graph):
        taken.append(settings)

    monkeypatch.setattr("pneumoscope.web.application.web_application", web_application)
    monkeypatch.setattr("pneumoscope.web.server.serve", lambda app, listening: None)

    def start(*arguments: str, environment: dict[str, str] | None = None) -> tuple[Settings, str]:
        found = CliRunner().invoke(serve.command, ["--port", "0", *arguments], env=environment, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return taken.pop(), found.output

    return start


def test_every_option_reaches_the_server(started, tmp_path):
    settings, _ = started(
        *("--max-upload-mb", "7", "--max-files", "3", "--threads", "2", "--waiting", "0", "--deadline-seconds", "9"),
        *("--allow-url", "--jobs", str(tmp_path), "--api-key", "k", "--requests-per-minute", "5"),
        *("--cors-origin", "https://a.example", "--cors-origin", "https://b.example"),
        *("--host-name", "pneumoscope.example", "--host-name", "xray"),
    )

    assert settings == Settings(
        upload_bytes=7 * 2**20,
        threads=2,
        waiting=0,
        deadline_seconds=9.0,
        allow_url=True,
        jobs=tmp_path,
        api_key="k",
        requests_per_minute=5,
        cors_origins=("https://a.example", "https://b.example"),
        host_names=("pneumoscope.example", "xray"),
        most_files=3,
    )


def test_what_opens_the_server_is_off_by_default(started):
    settings, _ = started(environment={"PNEUMOSCOPE_API_KEY": None})

    assert settings.threads == usable_cores() + 1
    assert settings.waiting == 8 * settings.threads
    assert (settings.allow_url, settings.jobs, settings.api_key) == (False, None, None)
    assert (settings.requests_per_minute, settings.cors_origins, settings.host_names) == (None, (), ())


def test_a_host_that_is_a_name_is_one_that_the_server_answers_to(started):
    found = [started("--host", host, "--host-name", "xray")[0].host_names for host in ("localhost", "127.0.0.1", "::1")]

    assert found == [("xray", "localhost"), ("xray",), ("xray",)]


def test_the_key_may_come_from_the_environment_where_no_other_user_sees_it(started):
    settings, output = started(environment={"PNEUMOSCOPE_API_KEY": "from the environment"})

    assert settings.api_key == "from the environment"
    assert "from the environment" not in output


@pytest.mark.parametrize(
    ("arguments", "warned"),
    [((), False), (("--host", "0.0.0.0"), True), (("--host", "0.0.0.0", "--api-key", "k"), False)],
)
def test_a_server_that_others_can_reach_without_a_key_says_so(started, arguments, warned):
    _, output = started(*arguments, environment={"PNEUMOSCOPE_API_KEY": None})

    assert ("Others can reach this server" in output) is warned


@pytest.mark.parametrize(
    ("arguments", "told"),
    [((), False), (("--host", "0.0.0.0"), True), (("--host", "0.0.0.0", "--host-name", "xray"), False)],
)
def test_a_server_that_others_can_reach_says_that_it_has_no_name_yet(started, arguments, told):
    _, output = started(*arguments)

    assert ("for a name, give --host-name NAME" in output) is told


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (["--api-key", "with space"], 2, "key-unusable"),
        (["--cors-origin", "nonsense"], 2, "origin-unusable"),
        (["--host-name", "https://pneumoscope.example"], 2, "host-name-unusable"),
        (["--jobs", "/proc/nothing"], 7, "jobs-unwritable"),
        (["--operating-point", "nobody"], 2, "operating-point-unknown"),
    ],
)
def test_what_cannot_be_is_told_in_one_line_before_anything_is_served(run, arguments, status, code):
    found, output, error = run("serve", "--port", "0", *arguments)

    assert found == status
    assert code in error
    assert "open at" not in output
    assert "Traceback" not in error


def test_an_empty_key_in_the_environment_does_not_open_the_server(run, monkeypatch):
    monkeypatch.setenv("PNEUMOSCOPE_API_KEY", "")

    found, output, error = run("serve", "--port", "0")

    assert found == 2
    assert "key-unusable" in error
    assert "open at" not in output


def test_stopping_finishes_what_runs(example_radiographs: list[Path]):
    """Occlusion takes seconds; the server is told to stop while it runs, and the answer still comes."""
    environment = {name: value for name, value in os.environ.items() if name != "PNEUMOSCOPE_API_KEY"}
    answers: list[httpx.Response] = []
    with subprocess.Popen(PROGRAM, stdout=subprocess.PIPE, text=True, env=environment) as process:
        address = process.stdout.readline().split()[4]

        def ask() -> None:
            files = {"file": ("x", example_radiographs[0].read_bytes())}
            answers.append(httpx.post(f"{address}v1/predictions?method=occlusion&map=numbers", files=files, timeout=60))

        asking = threading.Thread(target=ask)
        asking.start()
        deadline = time.monotonic() + 30
        while "pneumoscope_places_taken 1.0" not in httpx.get(f"{address}metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        asking.join()
        assert process.wait(30) == 0

    assert answers[0].status_code == 200
    assert answers[0].json()["predictions"][0]["map"]["method"] == "occlusion"
