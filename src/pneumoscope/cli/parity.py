"""`pneumoscope parity`: measure the one preprocessing on originals and their small copies."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pneumoscope.inference.parity import measured_parity
from pneumoscope.inference.pool import worker_count
from pneumoscope.inference.predictor import Predictor
from pneumoscope.whole_file import write_whole

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("originals", type=FOLDER)
@click.argument("copies", type=FOLDER)
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle folder; the shipped one by default.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the numbers to this JSON file.")
def command(originals: Path, copies: Path, bundle: Path | None, output: Path | None) -> None:
    """Score the files in ORIGINALS and their namesakes in COPIES; say how far the answers are apart."""
    measured = measured_parity(originals, copies, Predictor.open(bundle, threads=1), workers=worker_count())
    if output:
        write_whole(output, (json.dumps(measured, indent=1) + "\n").encode())
    difference, noise = measured["probability_difference"], measured["jpeg_coding_noise"]["probability_difference"]
    click.echo(
        f"{measured['files']} files: probability differs by {difference['mean']:.4f} on average, "
        f"{difference['largest']:.4f} at most; {measured['decisions_that_differ']} decisions differ; "
        f"gray levels by {measured['mean_gray_level_difference']:.2f} of 255. "
        f"Coding the sampled original once as JPEG moves it by {noise['mean']:.4f} on average, {noise['largest']:.4f} at most"
    )
