"""`pneumoscope train-lungs`: from radiographs with lung masks to the lung segmentation of a bundle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pneumoscope.cli.training_start import ready_to_train

if TYPE_CHECKING:
    from pneumoscope.training.lung_run import LungRun

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
NEW_FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--data", required=True, type=FOLDER, help="The radiographs, in the Kermany layout unless --manifest.")
@click.option("--manifest", type=FILE, help="manifest.csv of `data import`, with paths relative to --data.")
@click.option("--lung-masks", required=True, type=FOLDER, help="Lung masks: the radiographs' names, as .png.")
@click.option(
    "--about", default="kermany", show_default=True, metavar="FILE.toml", help="What the data is, for the card."
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Also divides the patients, as `train` does."
)
@click.option("--epochs", type=click.IntRange(1), help="7 by default.")
@click.option("--output", type=NEW_FOLDER, help="For lungs.onnx; runs/lungs-seedN.")
@click.option("--report", type=NEW_FILE, help="The measurement; lung-segmentation.json in the output folder.")
@click.option("--cache", default=Path("runs/cache"), show_default=True, type=NEW_FOLDER, help="Decoded radiographs.")
@click.option("--graph", type=FILE, help="Measure this lungs.onnx instead of training one.")
@click.option("--into", type=FOLDER, help="A bundle that gets the segmentation; its model stays as it is.")
def command(
    data: Path,
    manifest: Path | None,
    lung_masks: Path,
    about: str,
    seed: int,
    epochs: int | None,
    output: Path | None,
    report: Path | None,
    cache: Path,
    graph: Path | None,
    into: Path | None,
) -> None:
    """Train a lung segmentation on DATA, choose the limits of the gate, and measure both on validation patients.

    The official test split is not read. About eight minutes on two cores; a run that was stopped starts anew.
    """
    ready_to_train()
    from pneumoscope.bundle.bundle import open_bundle, with_lungs
    from pneumoscope.training.compute import compute_here
    from pneumoscope.training.data import DataSource
    from pneumoscope.training.description import load_description
    from pneumoscope.training.lung_run import REPORT_FILE, lung_run
    from pneumoscope.training.lungs import LungRecipe

    bundle = open_bundle(into)
    output = output or Path("runs") / f"lungs-seed{seed}"
    run = lung_run(
        replace(LungRecipe(), epochs=epochs) if epochs else LungRecipe(),
        DataSource(data, manifest, lung_masks, cache),
        bundle,
        compute_here(),
        description=load_description(about),
        output=output,
        report=report or output / REPORT_FILE,
        seed=seed,
        graph=graph.read_bytes() if graph else None,
        tell=lambda line: click.echo(line, err=True),
    )
    tell_measured(run)
    if into:
        click.echo(f"now in {with_lungs(bundle, run.spec, run.graph).title}")


def tell_measured(run: LungRun) -> None:
    """How well the masks are found, and what the gate does."""
    overlap = run.measured["validation"]["intersection_over_union"]["all"]
    gate = run.measured["gate"]["radiographs"]
    click.echo(
        f"intersection over union {overlap['value']:.4f} [{overlap['low']:.4f}, {overlap['high']:.4f}] "
        f"on {run.measured['validation']['radiographs']} validation radiographs, 95 % interval by patient"
    )
    click.echo(f"the gate refuses {gate['refused']} and warns of {gate['warned']} of {gate['pictures']} of them")
    for kind, counts in run.measured["gate"]["negatives"].items():
        click.echo(f"  {kind}: refuses {counts['refused']}, warns of {counts['warned']} of {counts['pictures']}")
