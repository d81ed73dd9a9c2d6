"""`pneumoscope evaluate`: score a labelled set with the shipped path, or take any model's scores, and write the evidence."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import numpy as np

from pneumoscope.bundle.bundle import Bundle, open_bundle, write_bundle
from pneumoscope.cli import options
from pneumoscope.cli.evaluated_scores import Scored, keep_scores, scored_elsewhere, scored_here, usual_split
from pneumoscope.cli.evaluation_printing import summary
from pneumoscope.cli.score_tables import measured_points, subgroup_columns, thresholds_of
from pneumoscope.cli.scoring import SCORES_FILE, Asked, make_folder
from pneumoscope.dataset.manifest import Split
from pneumoscope.errors import MissingExtra, UnusableOption
from pneumoscope.evaluation.evaluate import evaluate_scores, short_form
from pneumoscope.inference.radiograph_list import radiograph_list_sha256
from pneumoscope.inference.score_file import ScoreFile
from pneumoscope.inference.score_origin import BundleIdentity, sha256_of
from pneumoscope.report.chosen_here import KEY, chosen_here
from pneumoscope.whole_file import write_whole

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
SPLITS = click.Choice([split.value for split in Split])


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Radiographs to score.")
@click.option("--manifest", type=FILE, help="manifest.csv, with paths relative to DATA; DATA is listed otherwise.")
@click.option("--sizes", type=FILE, help="CSV of original sizes, where the files are resized copies.")
@click.option("--scores", type=FILE, help="Scores of any model, instead of scoring DATA.")
@click.option("--split", type=SPLITS, help="test by default, if there are splits; with --scores the one they record.")
@click.option("--bundle", "bundle_folder", type=click.Path(path_type=Path), help="The shipped one, unless --scores.")
@click.option("--threshold", "settings", multiple=True, metavar="NAME=VALUE", help="A threshold; may be repeated.")
@click.option("--prevalence", type=float, help="PPV and NPV where this share has the finding, such as 0.05.")
@click.option("--subgroup", "columns", multiple=True, metavar="COLUMN", help="Instead of the usual ones; repeat it.")
@click.option("--output", required=True, type=click.Path(path_type=Path, file_okay=False))
@options.resamples
@click.option("--resume", is_flag=True, help="Go on with the scores that are in OUTPUT.")
@click.option("--into-card", is_flag=True, help="Write the metrics, and that the test was opened, into the card.")
@click.pass_context
def command(
    context: click.Context,
    data: Path | None,
    manifest: Path | None,
    sizes: Path | None,
    scores: Path | None,
    split: str | None,
    bundle_folder: Path | None,
    settings: tuple[str, ...],
    prevalence: float | None,
    columns: tuple[str, ...],
    output: Path,
    resamples: int,
    resume: bool,
    into_card: bool,
) -> None:
    """Measure scores against labels and write scores.csv, evaluation.json and a report, with 95 % intervals."""
    refuse_unfitting_options(data, scores, manifest=manifest, sizes=sizes, resume=resume)
    given = thresholds_of(settings)
    make_folder(output)
    if data:
        asked = Asked(data, manifest, sizes, Split(split) if split else usual_split(data, manifest))
        scored = scored_here(asked, bundle_folder, ScoreFile(output / SCORES_FILE), resume=resume)
    else:
        assert scores is not None
        scored = scored_elsewhere(scores, split, open_bundle(bundle_folder) if bundle_folder else None)
        keep_scores(scored, ScoreFile(output / SCORES_FILE))
    if into_card:
        refuse_unknown_origin(scored)
    card = scored.bundle.card if scored.bundle else None
    found = evaluate_scores(
        scored.table,
        measured_points(card, given),
        card.zones if card else None,
        prevalence=prevalence,
        subgroup_columns=[column.strip().lower() for column in columns] or subgroup_columns(scored.table),
        resamples=resamples,
        generator=np.random.default_rng(0),
    )
    document = {**identity(scored, manifest, context.params, counted=into_card), **found}
    document[KEY] = list(chosen_here(document, card))
    write_whole(output / "evaluation.json", (json.dumps(document, indent=1) + "\n").encode())
    if into_card and scored.bundle and scored.split:
        record_in_card(scored.bundle, scored.split, document)
    write_report(output, document, scored)
    for line in summary(document):
        click.echo(line)


def refuse_unfitting_options(
    data: Path | None, scores: Path | None, *, manifest: Path | None, sizes: Path | None, resume: bool
) -> None:
    """One source of scores, and options that belong to it."""
    if (data is None) == (scores is None):
        raise UnusableOption(
            "two-sources" if data else "source-missing",
            "--data and --scores were both given." if data else "Neither --data nor --scores was given.",
            remedy="Give --data to score radiographs, or --scores to evaluate a table of scores.",
        )
    if scores and (manifest or sizes or resume):
        raise UnusableOption(
            "option-without-data",
            "--manifest, --sizes and --resume are for radiographs that are scored.",
            remedy="Leave them away with --scores.",
        )


def refuse_unknown_origin(scored: Scored) -> None:
    """Only what is known to be of the bundle, and of one split, may go into its card."""
    if scored.bundle is None or scored.split is None or scored.origin is None:
        raise UnusableOption(
            "card-unknown",
            "--into-card needs scores that are known to be of a bundle and of one split.",
            remedy="Evaluate with --data, or with --scores of `pneumoscope score` and its --bundle.",
        )


def identity(scored: Scored, manifest: Path | None, options: dict[str, Any], *, counted: bool) -> dict[str, Any]:
    """What was evaluated, when, and how often this test split was opened, as the card records it."""
    bundle, origin = scored.bundle, scored.origin
    known = BundleIdentity.of(bundle) if bundle else origin.bundle if origin else None
    document: dict[str, Any] = {
        "split": scored.split,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "bundle": {**asdict(known), "sha256": bundle.sha256 if bundle else None} if known else None,
        "data": {
            "folder": scored.data.resolve().name if scored.data else origin.data if origin else None,
            "manifest_sha256": sha256_of(manifest) or (origin.manifest_sha256 if origin else None),
            "scores": scored.file.name,
            "scores_sha256": sha256_of(scored.file),
            "radiographs_sha256": radiograph_list_sha256(scored.file, scored.table.paths),
        },
        "options": {name: told(value) for name, value in options.items() if value not in {None, ()}},
    }
    if scored.split == Split.TEST and bundle:
        recorded = len(bundle.card.provenance.get("test_openings", []))
        document["test_openings"] = {"recorded": recorded + counted, "this_one": counted}
    return document


def told(value: Any) -> Any:
    """An option as it may be read elsewhere: a path by its name only."""
    return value.name or str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value


def record_in_card(bundle: Bundle, split: str, document: dict[str, Any]) -> None:
    """Metrics of the split into `metrics`, and one more opening into `provenance.test_openings`."""
    provenance = dict(bundle.card.provenance)
    if split == Split.TEST:
        opening = {"opened": document["made"], "radiographs": document["radiographs"]}
        provenance["test_openings"] = [*provenance.get("test_openings", []), opening]
    metrics = {**bundle.card.metrics, split: {"split": split, "made": document["made"], **short_form(document)}}
    card = replace(bundle.card, metrics=metrics, provenance=provenance)
    write_bundle(bundle.folder, card, bundle.model, bundle.lungs)


def write_report(output: Path, document: dict[str, Any], scored: Scored) -> None:
    """Figures and pages for people; without the library that draws them the numbers stand all the same."""
    from pneumoscope.report.evaluation_report import write_evaluation_report

    try:
        write_evaluation_report(output, document, scored.table, bundle=scored.bundle, data=scored.data)
    except MissingExtra as missing:
        click.echo(f"no report was written: {missing.message} {missing.remedy}", err=True)
