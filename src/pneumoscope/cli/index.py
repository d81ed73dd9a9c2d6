"""`pneumoscope index`: give a bundle the index of similar cases, made of the radiographs it was trained on."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pneumoscope.bundle.bundle import open_bundle, with_cases
from pneumoscope.cli.bar import Bar
from pneumoscope.dataset.manifest import Split, read_manifest
from pneumoscope.inference.pool import worker_count
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.similar import COMPONENTS, made_cases
from pneumoscope.whole_file import write_whole


@click.command()
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle folder; the shipped one by default.")
@click.option("--data", required=True, type=click.Path(path_type=Path, file_okay=False), help="The radiographs.")
@click.option("--manifest", required=True, type=click.Path(path_type=Path), help="manifest.csv of the training run.")
@click.option("--components", default=COMPONENTS, show_default=True, help="Principal components that are kept.")
@click.option("--thumbnails", is_flag=True, help="Also small pictures, where the licence allows to hand them on.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write what was measured as JSON.")
def command(
    bundle: Path | None, data: Path, manifest: Path, components: int, thumbnails: bool, report: Path | None
) -> None:
    """Embed the train rows of a manifest, keep them as cases.npz in the bundle, and measure it on the validation rows.

    Rows of the test split are passed over. model.onnx stays as it is to the byte.
    """
    predictor = Predictor.open(bundle, threads=1)
    rows = [row for row in read_manifest(manifest) if row.split in (Split.TRAIN, Split.VALIDATION)]
    with Bar(" radiographs") as watch:
        made = made_cases(
            rows, data, predictor, components=components, thumbnails=thumbnails, workers=worker_count(), watch=watch
        )
    written = with_cases(open_bundle(predictor.bundle.folder), made.spec, made.content)  # its card may be newer now
    click.echo(f"{made.spec.count} cases, {len(made.content) / 1e6:.2f} MB, now in {written.title}")
    for neighbours, agreed in made.spec.metrics.get("agreement_of_nearest", {}).items():
        share = agreed["all"]
        click.echo(
            f"  most of the nearest {neighbours:>2} bear the label of {share['value']:.3f} "
            f"[{share['low']:.3f}, {share['high']:.3f}] of the validation rows"
        )
    if report:
        content = {
            "model_sha256": made.spec.model_sha256,
            "cases": made.spec.count,
            "components": made.spec.components,
            "bytes": len(made.content),
            "thumbnail_bytes": 0 if made.index.thumbnail_files is None else made.index.thumbnail_files.nbytes,
            "validation": made.spec.metrics,
        }
        write_whole(report, (json.dumps(content, indent=2) + "\n").encode())
