"""What the tests of reports share: a table of scores of the radiographs that ship, and documents made of it."""

from pathlib import Path

import numpy as np
import pytest

from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.evaluation.evaluate import evaluate_scores
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.zones import ConformalZones

EXAMPLES = Path(__file__).parents[3] / "examples/radiographs"

HOSTILE = '<img src=x onerror=alert(1)>"|`$x_1$`](http://evil.example)'


def point(name="balanced", threshold=0.5, sensitivity=0.9, specificity=0.9):
    return OperatingPoint(name, threshold, sensitivity, specificity, "validation", f"the rule of {name}")


@pytest.fixture(scope="session")
def example_paths():
    paths = sorted(path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.jpeg"))
    assert len(paths) >= 24
    return paths


@pytest.fixture(scope="session")
def example_columns(example_paths):
    """Right but for one missed pneumonia (the first) and one false alarm (the first), and some in the middle."""
    labels = np.array(["PNEUMONIA" in path for path in example_paths])
    probabilities = np.where(labels, np.linspace(0.55, 0.95, len(labels)), np.linspace(0.05, 0.45, len(labels)))
    probabilities[np.flatnonzero(labels)[0]] = 0.02
    probabilities[np.flatnonzero(~labels)[0]] = 0.97
    return ScoreColumns(
        paths=example_paths,
        labels=labels,
        probabilities=probabilities,
        logits=np.log(probabilities / (1 - probabilities)) - 1.0,
        patients=categories([f"patient {number // 2}" for number in range(len(labels))]),
        extras={
            "subtype": categories(["viral" if label else "" for label in labels]),
            HOSTILE: categories([HOSTILE] * 3 + ["other"] * (len(labels) - 3)),
            "sharpness": np.linspace(100, 300, len(labels)),
        },
    )


@pytest.fixture(scope="session")
def document(example_columns):
    """As `pneumoscope evaluate` writes it, with hostile names."""
    found = evaluate_scores(
        example_columns,
        [point(), point("screening", 0.2), point(HOSTILE, 0.5)],
        ConformalZones(0.1, 0.3, 0.6, 20, 20, 20, 20, "validation"),
        prevalence=0.05,
        subgroup_columns=["subtype", HOSTILE, "sharpness"],
        resamples=60,
        generator=np.random.default_rng(0),
    )
    bundle = {"name": HOSTILE, "version": "1.0", "model_sha256": "0" * 64}
    return {"split": "test", "made": "2026-01-01T00:00:00+00:00", "bundle": bundle, **found}


@pytest.fixture
def interval():
    return lambda value, low=None, high=None: {"value": value, "low": low, "high": high}
