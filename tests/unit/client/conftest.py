"""The real application with a tiny model behind a real socket, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from web.conftest import MOST_BYTES, bright, dark, dicom, gray_png, predictor, tiny_bundle  # noqa: F401 - fixtures

from pneumoscope.client.client import Client
from pneumoscope.web.application import web_application
from pneumoscope.web.settings import Settings
from support.serving import serving

KEY = "a-key-for-tests"


@pytest.fixture(scope="session")
def server(predictor, tmp_path_factory) -> Iterator[str]:  # noqa: F811
    """With jobs, and a key; two files at once."""
    settings = Settings(
        upload_bytes=MOST_BYTES,
        threads=1,
        waiting=8,
        most_files=2,
        jobs=tmp_path_factory.mktemp("jobs") / "jobs",
        api_key=KEY,
    )
    with serving(web_application(predictor, settings)) as url:
        yield url


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server, KEY, poll_seconds=0.01, timeout_seconds=20) as client:
        yield client


@pytest.fixture
def radiograph(tmp_path: Path, bright: bytes) -> Path:  # noqa: F811
    path = tmp_path / "Doe^Jane.png"
    path.write_bytes(bright)
    return path
