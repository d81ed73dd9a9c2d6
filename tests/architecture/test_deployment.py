"""What is shipped to run the server elsewhere names things that exist, and gives the server no more than it needs."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from pneumoscope.cli.main import command as program
from pneumoscope.web.access import OPEN_PATHS
from pneumoscope.web.server import FINISH_SECONDS

PROJECT = Path(__file__).parents[2]
DOCKERFILE = (PROJECT / "Dockerfile").read_text("utf-8")
UNIT = PROJECT / "examples/pneumoscope.service"
SERVE = program.get_command(click.Context(program), "serve")


def instructions(name: str) -> list[str]:
    whole = DOCKERFILE.replace("\\\n", " ")
    return [line.removeprefix(name).strip() for line in whole.splitlines() if line.startswith(f"{name} ")]


def setting(name: str) -> list[str]:
    return [line.partition("=")[2] for line in UNIT.read_text("utf-8").splitlines() if line.startswith(f"{name}=")]


def test_the_commands_of_image_and_unit_are_ones_that_the_program_takes():
    started = [json.loads(instructions("ENTRYPOINT")[0]), shlex.split(setting("ExecStart")[0])]
    for name, subcommand, *options in started:
        assert (Path(name).name, subcommand) == ("pneumoscope", "serve")
        assert SERVE.make_context("serve", options).params["port"] == 5000


def test_the_image_runs_as_nobody_in_particular_and_is_asked_where_no_key_is_needed():
    assert instructions("USER") == ["10001:10001"]
    assert re.findall(r"127\.0\.0\.1:5000(/\w+)", instructions("HEALTHCHECK")[0]) == ["/livez"]
    assert "/livez" in OPEN_PATHS


def test_the_image_is_built_from_what_it_needs_and_nothing_else():
    taken = {line[1:] for line in (PROJECT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] == "!"}
    copied = {source for line in instructions("COPY") if "--from" not in line for source in line.split()[:-1]}

    assert (PROJECT / ".dockerignore").read_text("utf-8").splitlines()[1] == "*"
    assert copied == taken
    assert all((PROJECT / path).exists() for path in copied)
    assert "ADD" not in DOCKERFILE
    assert not re.search("key|token|secret|password", "".join(instructions("ENV") + instructions("ARG")), re.IGNORECASE)


def test_the_unit_waits_longer_than_the_server_finishes():
    assert int(setting("TimeoutStopSec")[0]) > FINISH_SECONDS
    assert setting("KillSignal") == ["SIGTERM"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_unit_and_finds_it_hardened(tmp_path):
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/pneumoscope/bin/pneumoscope", shutil.which("true")), "utf-8")
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")
    assert judged.returncode == 0, judged.stdout[-500:]
