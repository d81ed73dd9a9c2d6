"""`pneumoscope calibrate`: fit a bundle's calibration, operating points and zones to scores of a validation part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import click
import numpy as np

from pneumoscope.bundle.bundle import open_bundle, write_bundle
from pneumoscope.bundle.card import Card
from pneumoscope.cli.score_tables import SPLIT, by_card, of_one_split, refuse_another_model
from pneumoscope.dataset.manifest import Split
from pneumoscope.errors import UnusableBundle, UnusableData, UnusableOption
from pneumoscope.evaluation.calibration import PlattCalibration, fit_platt
from pneumoscope.evaluation.columns import Categories, ScoreColumns
from pneumoscope.evaluation.operating_point import choose_operating_points
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.evaluation.zones import ALPHA, fit_zones, possible_classes
from pneumoscope.inference.radiograph_list import radiograph_list_sha256
from pneumoscope.inference.score_origin import origin_beside, sha256_of

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
EVERYTHING = ("calibration", "operating points", "zones")
ZONES = "zones"
TEST = "test"
FEW_PATIENTS = 30
"""Of a class: with 30 and no error among them the exact 95 % interval of a rate still begins at 88 %."""


@click.command()
@click.option("--bundle", "bundle_folder", required=True, type=FOLDER)
@click.option("--scores", required=True, type=FILE, help="scores.csv of the bundle's model, with logits and labels.")
@click.option(
    "--split", type=click.Choice([split.value for split in Split]), help="Of the scores, where they do not record it."
)
@click.option("--alpha", default=ALPHA, show_default=True, type=float, help="Error rate that the zones promise.")
@click.option("--only", type=click.Choice([ZONES]), help="Leave calibration and operating points as they are.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="A copy; else into the bundle itself.")
def command(
    bundle_folder: Path, scores: Path, split: str | None, alpha: float, only: str | None, output: Path | None
) -> None:
    """Fit what turns a logit into an answer to films that the model was not trained on; model.onnx stays as it is."""
    bundle = open_bundle(bundle_folder)
    refuse_another_model(origin_beside(scores), bundle, where=scores)
    table, split = of_one_split(read_score_columns(scores), split, where=scores)
    part = fitting_part(split, scores)
    refuse_test_radiographs(table, scores)
    refuse_without_logits(table, scores)
    card = with_zones(bundle.card, table, part, alpha) if only else fitted(bundle.card, table, part, alpha)
    record = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "fitted": [ZONES] if only else list(EVERYTHING),
        "scores": scores.name,
        "scores_sha256": sha256_of(scores),
        "split": part,
        "radiographs": len(table),
        "patients": len(np.unique(table.patient_numbers)),
        "with_finding": int(table.labels.sum()),
        "unit": table.unit,
        "alpha": alpha,
        "radiographs_sha256": radiograph_list_sha256(scores, table.paths),
    }
    doubts = [*few_patients(table), *useless_zones(table, card)]
    if doubts:
        record["doubts"] = doubts
    written = write_bundle(output or bundle.folder, with_record(card, record), bundle.model, bundle.lungs, bundle.cases)
    of_patients = f"of {record['patients']} patients" if table.unit == "patient" else "(patients unknown)"
    click.echo(f"{written.title} in {written.folder}, fitted on {len(table)} radiographs {of_patients}")
    for line in told(written.card, only=only is not None):
        click.echo(line)
    for doubt in doubts:
        click.echo(f"warning: {doubt}", err=True)


def fitting_part(split: str | None, scores: Path) -> str:
    """The split that the scores are of; `UnusableData` for test, which only measures."""
    if split == Split.TEST:
        raise UnusableData(
            "test-rows-refused",
            f"{scores} holds rows of the test split, on which nothing may be fitted.",
            remedy="Score a validation part that the model was not trained on.",
        )
    if split is None:
        raise UnusableOption(
            "split-unknown",
            f"{scores} does not record which split it is of.",
            remedy="Say it by --split, such as --split validation.",
        )
    return split


def refuse_test_radiographs(table: ScoreColumns, scores: Path) -> None:
    """By their folder, or by the column split, whatever the command was told that they are."""
    by_folder = (path for path in table.paths if TEST in PurePosixPath(path.replace("\\", "/").lower()).parts[:-1])
    column = table.extras.get(SPLIT)
    names = column.names if isinstance(column, Categories) else ()
    of_test = [code for code, name in enumerate(names) if name.strip().lower() == TEST]
    by_column = np.flatnonzero(np.isin(column.codes, of_test)).tolist() if isinstance(column, Categories) else []
    first = next(by_folder, None) or (table.paths[by_column[0]] if by_column else None)
    if first is not None:
        raise UnusableData(
            "test-rows-refused",
            f"{scores} holds rows of a test split, such as {first}, on which nothing may be fitted.",
            remedy="Score a validation part that the model was not trained on, and that lies in no folder named test.",
        )


def few_patients(table: ScoreColumns) -> Iterator[str]:
    """Where a class has too few to fit anything that would hold for others."""
    for name, rows in (("with", table.labels), ("without", ~table.labels)):
        count = len(np.unique(table.patient_numbers[rows]))
        if count < FEW_PATIENTS:
            yield (
                f"only {count} {table.unit}s {name} pneumonia: what was fitted may be far off for others; {FEW_PATIENTS} of each"
                " class is the least to go by."
            )


def useless_zones(table: ScoreColumns, card: Card) -> Iterator[str]:
    """Where no radiograph gets a certain answer."""
    if card.zones is None:
        return
    possible = possible_classes(by_card(table, card).probabilities, card.zones)
    if not (possible.likely | possible.unlikely).any():
        yield (
            f"the zones leave every radiograph uncertain: {card.zones.patients_with_finding} with and"
            f" {card.zones.patients_without_finding} without pneumonia are too few, or too alike, for an error rate of"
            f" {card.zones.alpha:g}."
        )


def refuse_without_logits(table: ScoreColumns, scores: Path) -> None:
    """Calibration is fitted on logits."""
    if table.logits is None:
        raise UnusableData(
            "scores-columns",
            f"{scores} has no column logit.",
            remedy="Score the radiographs by `pneumoscope score`.",
        )


def fitted(card: Card, table: ScoreColumns, part: str, alpha: float) -> Card:
    """Everything anew. What was measured before with other thresholds leaves the card; it no longer describes it."""
    card = replace(card, calibration=calibration_of(table))
    probabilities = by_card(table, card).probabilities
    points = tuple(choose_operating_points(probabilities, table.labels, chosen_on=part))
    names = {point.name for point in points}
    default = card.default_operating_point if card.default_operating_point in names else points[0].name
    metrics = {name: content for name, content in card.metrics.items() if "operating_points" not in content}
    card = replace(card, operating_points=points, default_operating_point=default, metrics=metrics)
    return with_zones(card, table, part, alpha)


def calibration_of(table: ScoreColumns) -> PlattCalibration:
    """`fit_platt`; `UnusableData` where higher logits do not go with the finding."""
    assert table.logits is not None
    try:
        return fit_platt(table.logits, table.labels)
    except UnusableBundle as error:
        raise UnusableData(
            "scores-uninformative",
            "Among these radiographs higher logits do not go with pneumonia: no calibration can be fitted.",
            remedy="Check the labels, and give more radiographs; else this model does not work on such films.",
        ) from error


def with_zones(card: Card, table: ScoreColumns, part: str, alpha: float) -> Card:
    """Zones on the probability as this card makes it; what the ones before left uncertain on purpose stays so."""
    probabilities = by_card(table, card).probabilities
    zones = fit_zones(probabilities, table.labels, table.patient_numbers, alpha=alpha, chosen_on=part)
    within = card.zones.uncertain_within_logit if card.zones else 0.0
    return replace(card, zones=zones.widened(card.calibration, within))


def with_record(card: Card, record: dict[str, Any]) -> Card:
    """One more entry of `provenance.fitted_on`, without those of which nothing is left."""
    new = set(record["fitted"])
    left = [earlier for earlier in card.provenance.get("fitted_on", []) if not set(earlier["fitted"]) <= new]
    return replace(card, provenance={**card.provenance, "fitted_on": [*left, record]})


def told(card: Card, *, only: bool) -> Iterator[str]:
    """What was fitted, as lines."""
    if not only:
        yield f"  probability = sigmoid({card.calibration.slope:.4f} logit {card.calibration.intercept:+.4f})"
        for point in card.operating_points:
            yield (
                f"  {point.name:<10} from {point.threshold:.4f} on: sensitivity {point.sensitivity:.4f},"
                f" specificity {point.specificity:.4f}"
            )
    if zones := card.zones:
        yield (
            f"  zones at {zones.alpha:g}: pneumonia possible from {zones.pneumonia_possible_from:.4f} on,"
            f" normal up to {zones.normal_possible_up_to:.4f}"
        )
