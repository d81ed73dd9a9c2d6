"""Scoring, evaluating and comparing as processes of their own, on the real radiographs that ship."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples" / "radiographs"
COPIES = 6


def program(*arguments):
    return [sys.executable, "-m", "pneumoscope.cli", *map(str, arguments)]


def run(*arguments):
    return subprocess.run(program(*arguments), capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """The examples several times over, as films of other patients."""
    folder = tmp_path_factory.mktemp("films")
    for number in range(COPIES):
        for path in sorted(EXAMPLES.rglob("*.jpeg")):
            place = folder / path.parent.name / f"copy{number}-{path.name}"
            place.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, place)
    return folder


def test_a_killed_run_goes_on_and_no_line_is_lost_or_doubled(many, tmp_path):
    total = COPIES * len(list(EXAMPLES.rglob("*.jpeg")))
    partial = tmp_path / "scores.partial.csv"
    with subprocess.Popen(program("score", "--data", many, "--output", tmp_path), stderr=subprocess.DEVNULL) as scoring:
        deadline = time.monotonic() + 120
        while not partial.exists() or partial.read_bytes().count(b"\n") < 5:
            assert scoring.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.002)
        scoring.kill()
        assert scoring.wait() == -signal.SIGKILL
    done = partial.read_bytes().count(b"\n") - 1
    found = run("score", "--data", many, "--output", tmp_path, "--resume")
    assert found.returncode == 0, found.stderr
    assert f"{done} of {total} radiographs are scored already" in found.stderr
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert len({row["path"] for row in rows}) == len(rows) == total
    answers = {(row["path"].split("-", 1)[1], row["logit"]) for row in rows}
    assert len(answers) == total / COPIES


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    output = tmp_path_factory.mktemp("evaluation")
    found = run(
        "evaluate", "--data", EXAMPLES, "--split", "train", "--output", output, "--resamples", 100, "--prevalence", 0.05
    )
    assert found.returncode == 0, found.stderr
    return output, found.stdout


def test_the_evidence_is_written_with_a_report(evaluated, shipped_bundle):
    output, printed = evaluated
    document = json.loads((output / "evaluation.json").read_text())
    assert document["radiographs"] == len(list(EXAMPLES.rglob("*.jpeg")))
    assert list(document["operating_points"]) == [point.name for point in shipped_bundle.card.operating_points]
    assert {"subtype", "width_px", "height_px", "aspect_ratio", "sharpness"} == set(document["subgroups"])
    assert f"auroc {document['metrics']['auroc']['value']:26.4f}".split()[1] in printed
    assert {"scores.csv", "scores.origin.json", "report.html", "report.md"} <= {path.name for path in output.iterdir()}


def test_the_same_scores_give_the_same_numbers_without_radiographs(evaluated, tmp_path, shipped_bundle):
    output, _ = evaluated
    found = run(
        "evaluate",
        "--scores",
        output / "scores.csv",
        "--bundle",
        shipped_bundle.folder,
        "--output",
        tmp_path,
        "--resamples",
        100,
        "--prevalence",
        0.05,
    )
    assert found.returncode == 0, found.stderr
    here, there = (json.loads((folder / "evaluation.json").read_text()) for folder in (tmp_path, output))
    for key in ("split", "metrics", "operating_points", "zones", "subgroups", "auroc_delong"):
        assert here[key] == there[key]


def test_a_bundle_is_no_better_than_itself(evaluated, tmp_path):
    output, _ = evaluated
    found = run("compare", output, output, "--output", tmp_path / "compare.json", "--resamples", 100)
    assert found.returncode == 0, found.stderr
    document = json.loads((tmp_path / "compare.json").read_text())
    assert list(document["thresholds"]) == ["balanced", "screening", "rule-in"]
    for part in document["difference"]["operating_points"].values():
        assert {value["value"] for value in part["metrics"].values()} <= {0, None}
