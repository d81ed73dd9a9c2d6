"""The Python of the how-to runs as it stands, but for the address."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pneumoscope.client.client import Client
from pneumoscope.web.application import web_application
from pneumoscope.web.settings import Settings
from support.serving import serving

PROJECT = Path(__file__).parents[3]
DOCUMENT = PROJECT / "docs/how-to/use-the-client.md"


@pytest.fixture
def open_server(predictor, tmp_path, monkeypatch):
    """Without a key, and with an operating point named as in the shipped card."""
    monkeypatch.chdir(PROJECT)
    settings = Settings(upload_bytes=50 * 2**20, threads=1, waiting=8, jobs=tmp_path / "jobs")
    with serving(web_application(predictor, settings)) as url:
        yield url


def test_the_python_of_the_document_runs(open_server, capsys):
    text = DOCUMENT.read_text("utf-8").replace("http://localhost:5000", open_server).replace("screening", "rule-in")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 5
    names: dict = {}
    for block in blocks:
        exec(block, names)
    printed = capsys.readouterr().out
    assert "3 of 3" in printed
    assert "not-a-picture 422" in printed


def test_every_method_and_every_error_of_the_client_is_in_the_document():
    text = DOCUMENT.read_text("utf-8")
    methods = {name for name in vars(Client) if not name.startswith("_")} - {"job", "cancel", "close"}
    assert not [name for name in sorted(methods) if f"{name}(" not in text]
    for code in ("server-unreachable", "answer-not-understood"):
        assert code in text
