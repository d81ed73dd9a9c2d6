"""What tests of several rooms share: the shipped bundle, real radiographs, and no chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pneumoscope.bundle.bundle import Bundle, open_bundle
from pneumoscope.cli.main import main
from pneumoscope.inference.predictor import Predictor

PROJECT = Path(__file__).parents[1]
EXAMPLES = PROJECT / "examples" / "radiographs"


@pytest.fixture(scope="session")
def shipped_bundle() -> Bundle:
    return open_bundle()


@pytest.fixture(scope="session")
def predictor(shipped_bundle: Bundle) -> Predictor:
    return Predictor(shipped_bundle, threads=1)


@pytest.fixture(scope="session")
def example_radiographs() -> list[Path]:
    """Every real radiograph that ships, both classes."""
    files = sorted(EXAMPLES.rglob("*.jpeg"))
    assert len(files) >= 24
    return files


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(20261122)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the program; returns exit status, standard output and standard error."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["pneumoscope", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as stopped:
            status = stopped.code or 0
        return status, *capsys.readouterr()

    return run
