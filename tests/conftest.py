"""What tests of several rooms share: the shipped bundle, real radiographs, and no chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pneumoscope.bundle.bundle import Bundle, open_bundle
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
