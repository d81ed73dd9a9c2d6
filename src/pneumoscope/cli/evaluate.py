"""`pneumoscope evaluate`: score a labelled set with the shipped path and write the evidence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np

from pneumoscope.bundle.bundle import Bundle, write_bundle
from pneumoscope.dataset.manifest import Split, in_split, read_kermany, read_manifest
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.evaluate import evaluate
from pneumoscope.evaluation.metrics import both_classes
from pneumoscope.evaluation.scores import write_scores
from pneumoscope.inference.pool import worker_count
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.scoring import score_manifest
from pneumoscope.inference.store import ResultStore
from pneumoscope.whole_file import write_whole

Row = TypeVar("Row")


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--manifest",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="manifest.csv; read from DATA otherwise.",
)
@click.option("--split", type=click.Choice([split.value for split in Split]), default="test", show_default=True)
@click.option("--bundle", "bundle_folder", type=click.Path(path_type=Path), help="The shipped one by default.")
@click.option("--output", required=True, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--resamples", default=2000, show_default=True, type=click.IntRange(1), help="Bootstrap resamples, by patient."
)
@click.option("--into-card", is_flag=True, help="Write the metrics, and that the test was opened, into the card.")
def command(
    data: Path,
    manifest: Path | None,
    split: str,
    bundle_folder: Path | None,
    output: Path,
    resamples: int,
    into_card: bool,
) -> None:
    """Score one split of DATA and write scores.csv and evaluation.json, each number with a 95 % interval by patient."""
    store = ResultStore.create(output)
    rows = in_split(read_manifest(manifest) if manifest else read_kermany(data, splits={Split(split)}), Split(split))
    if not rows:
        raise UnusableData(
            "split-empty",
            f"There are no rows of the split {split}.",
            remedy="Choose another --split; validation rows are in the manifest.csv of a run folder.",
        )
    both_classes(np.array([row.has_finding for row in rows]))
    predictor = Predictor.open(bundle_folder, threads=1)
    table = score_manifest(rows, data, predictor, workers=worker_count(), watched=with_progress(len(rows)))
    write_scores(table, store.folder / "scores.csv")
    card = predictor.bundle.card
    result = evaluate(table, card.operating_points, resamples=resamples, generator=np.random.default_rng(0))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    result = {"split": split, "made": made, "bundle": bundle_identity(predictor.bundle), **result}
    write_whole(output / "evaluation.json", (json.dumps(result, indent=1) + "\n").encode())
    if into_card:
        record_in_card(predictor.bundle, split, made, result)
    print_summary(result)


def with_progress(total: int) -> Any:
    """A wrapper that shows a bar on standard error where a person watches."""

    def watched(results: Iterable[Row]) -> Iterable[Row]:
        from tqdm import tqdm

        bar: Iterable[Row] = tqdm(results, total=total, disable=not sys.stderr.isatty(), unit="radiograph")
        return bar

    return watched


def bundle_identity(bundle: Bundle) -> dict[str, str]:
    """By the model's checksum, since the card changes when metrics are written into it."""
    import hashlib

    return {
        "name": bundle.card.name,
        "version": bundle.card.version,
        "model_sha256": hashlib.sha256(bundle.model).hexdigest(),
    }


def record_in_card(bundle: Bundle, split: str, made: str, result: dict[str, Any]) -> None:
    """Metrics of the split into `metrics`, and one more opening into `provenance.test_openings`."""
    provenance = dict(bundle.card.provenance)
    if split == Split.TEST:
        opening = {"opened": made, "radiographs": result["radiographs"]}
        provenance["test_openings"] = [*provenance.get("test_openings", []), opening]
    metrics = {**bundle.card.metrics, split: {key: value for key, value in result.items() if key != "bundle"}}
    write_bundle(bundle.folder, replace(bundle.card, metrics=metrics, provenance=provenance), bundle.model)


def print_summary(result: dict[str, Any]) -> None:
    """The main numbers on standard output."""
    click.echo(f"{result['radiographs']} radiographs of {result['patients']} patients, 95 % intervals by patient")
    for name, value in result["metrics"].items():
        click.echo(f"  {name:<20} {with_interval(value)}")
    for name, point in result["operating_points"].items():
        click.echo(f"  at {name} (threshold {point['threshold']:.4f}):")
        for metric in ("accuracy", "sensitivity", "specificity"):
            value = point["metrics"][metric]
            promised = point["promised"].get(metric)
            note = f"   promised {promised:.4f} on {point['promised']['on']}" if promised is not None else ""
            click.echo(f"    {metric:<18} {with_interval(value)}{note}")


def with_interval(value: dict[str, float | None]) -> str:
    """A value and its 95 % interval."""
    if value["value"] is None:
        return "not defined"
    return f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
