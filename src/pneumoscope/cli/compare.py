"""`pneumoscope compare`: two systems on the same radiographs, with paired intervals and the field's two tests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np

from pneumoscope.cli import options
from pneumoscope.cli.evaluation_printing import with_interval
from pneumoscope.cli.score_tables import HALF, of_one_split
from pneumoscope.cli.scoring import SCORES_FILE
from pneumoscope.dataset.manifest import Split
from pneumoscope.errors import UnusableData, UnusableOption
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.evaluation.compare import compare
from pneumoscope.evaluation.operating_point import GivenThreshold
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.inference.score_origin import sha256_of
from pneumoscope.report.evaluated import patients_in_words
from pneumoscope.whole_file import write_whole

SOURCE = click.Path(path_type=Path, exists=True)
GIVEN = "given"
RATES = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv")


@dataclass(frozen=True, slots=True)
class System:
    """One of the two: its scores, and the thresholds of its evaluation, if it has one."""

    file: Path
    table: ScoreColumns
    split: str | None
    thresholds: Mapping[str, float]
    bundle: Mapping[str, str] | None


@click.command()
@click.argument("first", metavar="A", type=SOURCE)
@click.argument("second", metavar="B", type=SOURCE)
@click.option("--threshold-a", type=float, help="Threshold on A's probability.")
@click.option("--threshold-b", type=float, help="Threshold on B's probability.")
@click.option("--split", type=click.Choice([split.value for split in Split]), help="Where tables hold several.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default="compare.json", show_default=True)
@options.resamples
def command(
    first: Path,
    second: Path,
    threshold_a: float | None,
    threshold_b: float | None,
    split: str | None,
    output: Path,
    resamples: int,
) -> None:
    """Compare A with B: two tables of scores, or two output folders of `pneumoscope evaluate`."""
    systems = system_of(first, split), system_of(second, split)
    thresholds = paired_thresholds(*systems, threshold_a, threshold_b)
    found = compare(
        systems[0].table,
        systems[1].table,
        thresholds=thresholds,
        resamples=resamples,
        generator=np.random.default_rng(0),
    )
    document = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "split": systems[0].split,
        "systems": {name: identity(system) for name, system in zip(("first", "second"), systems, strict=True)},
        **found,
    }
    write_whole(output, (json.dumps(document, indent=1) + "\n").encode())
    for line in table_of(document):
        click.echo(line)


def system_of(source: Path, split: str | None) -> System:
    """A CSV file, or a folder with `scores.csv` and `evaluation.json`."""
    if source.is_dir():
        evaluation = evaluation_in(source / "evaluation.json")
        points = {name: float(point["threshold"]) for name, point in evaluation["operating_points"].items()}
        file, split, bundle = source / SCORES_FILE, split or evaluation.get("split"), evaluation.get("bundle")
    else:
        file, points, bundle = source, {}, None
    table, split = of_one_split(read_score_columns(file), split, where=file)
    return System(file, table, split, points, bundle)


def evaluation_in(path: Path) -> dict[str, Any]:
    """The document of an earlier evaluation."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if isinstance(content["operating_points"], dict):
            return content
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UnusableData(
        "evaluation-unreadable",
        f"{path} is not the document of an evaluation.",
        remedy="Name a folder that `pneumoscope evaluate` wrote, or the scores.csv itself.",
    )


def paired_thresholds(
    first: System, second: System, threshold_a: float | None, threshold_b: float | None
) -> dict[str, tuple[float, float]]:
    """Given ones, else operating points that both have, else one half."""
    if (threshold_a is None) != (threshold_b is None):
        raise UnusableOption(
            "threshold-missing",
            "Only one of --threshold-a and --threshold-b was given.",
            remedy="Give both; probabilities of two systems need not mean the same.",
        )
    if threshold_a is not None and threshold_b is not None:
        pair = GivenThreshold("--threshold-a", threshold_a), GivenThreshold("--threshold-b", threshold_b)
        return {GIVEN: (pair[0].threshold, pair[1].threshold)}
    shared = {
        name: (value, second.thresholds[name]) for name, value in first.thresholds.items() if name in second.thresholds
    }
    return shared or {HALF.name: (HALF.threshold, HALF.threshold)}


def identity(system: System) -> dict[str, Any]:
    """What was compared."""
    return {"scores": system.file.name, "scores_sha256": sha256_of(system.file), "bundle": system.bundle}


def table_of(document: Mapping[str, Any]) -> Iterator[str]:
    """A line a metric: A, B, and A less B with its interval."""
    interval, delong = document["interval"], document["delong"]
    yield (
        f"{document['radiographs']} radiographs {patients_in_words(document)}; A less B with paired"
        f" {100 * interval['level']:g} % intervals by {interval['unit']}"
    )
    yield f"  {'':<32} {'A':>8} {'B':>8}   A less B"
    yield from lines_of(document, "metrics")
    yield f"  {'AUROC, DeLong':<32} {'':>8} {'':>8}   p = {p_value(delong['p_value'])}"
    for name, pair in document["thresholds"].items():
        yield f"  at {name} (A from {pair['first']:.4f}, B from {pair['second']:.4f} on):"
        yield from lines_of(document, "operating_points", name, "metrics", only=RATES)
        mcnemar = document["mcnemar"][name]
        yield (
            f"  only A right {mcnemar['only_first_right']}, only B right {mcnemar['only_second_right']},"
            f" McNemar p = {p_value(mcnemar['p_value'])}"
        )


def lines_of(document: Mapping[str, Any], *place: str, only: tuple[str, ...] = ()) -> Iterator[str]:
    """Every metric at a place that all three parts have."""
    first, second, difference = (at(document[part], place) for part in ("first", "second", "difference"))
    for name in only or difference:
        values = (part[name]["value"] for part in (first, second))
        told = " ".join(f"{'none':>8}" if value is None else f"{value:8.4f}" for value in values)
        yield f"  {name:<32} {told}   {with_interval(difference[name])}"


def at(part: Mapping[str, Any], place: tuple[str, ...]) -> Mapping[str, Any]:
    """What stands there."""
    for name in place:
        part = part[name]
    return part


def p_value(value: float | None) -> str:
    """As journals print it."""
    return "not defined" if value is None else "< 0.0001" if value < 0.0001 else f"{value:.4f}"
