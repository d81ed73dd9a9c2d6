"""`pneumoscope calibrate-map`: choose, on the validation rows, when the map of one radiograph is to be doubted."""

from __future__ import annotations

from pathlib import Path

import click

from pneumoscope.bundle.bundle import open_bundle, with_map_trust
from pneumoscope.cli.bar import Bar
from pneumoscope.dataset.manifest import Split, in_split, read_manifest
from pneumoscope.errors import UnusableData
from pneumoscope.inference.map_limit import FLAGGED_SHARE, fitted_map_trust, refuse_impossible_share
from pneumoscope.inference.pool import worker_count
from pneumoscope.inference.predictor import Predictor


@click.command()
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle folder; the shipped one by default.")
@click.option("--data", required=True, type=click.Path(path_type=Path, file_okay=False), help="The radiographs.")
@click.option("--manifest", required=True, type=click.Path(path_type=Path), help="manifest.csv of the training run.")
@click.option(
    "--flagged-share",
    default=FLAGGED_SHARE,
    show_default=True,
    type=click.FloatRange(0, 0.5),
    help="Of the positive decisions: how many may be doubted at most.",
)
def command(bundle: Path | None, data: Path, manifest: Path, flagged_share: float) -> None:
    """Choose the least share of evidence inside the lungs, below which the map of a positive decision is doubted.

    Only the validation rows of the manifest are read; the limit goes into the card, model.onnx stays as it is.
    """
    refuse_impossible_share(flagged_share)
    predictor = Predictor.open(bundle, threads=1)
    rows = in_split(read_manifest(manifest), Split.VALIDATION)
    if not rows:
        raise UnusableData("no-rows", f"{manifest} has no row of the validation split.", remedy="Check --manifest.")
    with Bar(" radiographs") as watch:
        spec = fitted_map_trust(rows, data, predictor, flagged_share=flagged_share, workers=worker_count(), watch=watch)
    written = with_map_trust(open_bundle(predictor.bundle.folder), spec)  # its card may be newer now
    counted = spec.metrics
    click.echo(
        f"maps with less than {spec.least_heat_inside:.0%} of the evidence inside the lungs are doubted: {written.title}"
    )
    click.echo(
        f"  {counted['flagged']} of {counted['positive_decisions']} positive decisions on validation, "
        f"{counted['flagged_wrong']} of {counted['wrong_positive_decisions']} wrong ones"
    )
