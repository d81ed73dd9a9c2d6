"""`pneumoscope score`: what a bundle says of each radiograph of a set, as a table."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pneumoscope.cli.scoring import SCORES_FILE, Asked, score_into, tell_opening, tell_unreadable
from pneumoscope.dataset.manifest import Split
from pneumoscope.errors import RefusedRadiograph, UnusableData
from pneumoscope.inference.listing import listed_radiographs
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.score_file import ScoreFile

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.option("--data", required=True, type=FOLDER, help="What the paths are relative to.")
@click.option("--manifest", type=FILE, help="manifest.csv, with paths relative to DATA; DATA is listed otherwise.")
@click.option("--split", type=click.Choice([split.value for split in Split]), help="Only this one; all by default.")
@click.option("--bundle", "bundle_folder", type=click.Path(path_type=Path), help="The shipped one by default.")
@click.option("--sizes", type=FILE, help="CSV of original sizes, where the files are resized copies.")
@click.option("--output", required=True, type=click.Path(path_type=Path), help="FILE.csv, or a folder for scores.csv.")
@click.option("--resume", is_flag=True, help="Go on with the scores that are there.")
def command(
    data: Path,
    manifest: Path | None,
    split: str | None,
    bundle_folder: Path | None,
    sizes: Path | None,
    output: Path,
    resume: bool,
) -> None:
    """Score the radiographs of DATA, labelled or not, into a table; what is done is kept.

    Exit status: 0 all were scored; 3 some could not be: they are listed with the reason in a second file.
    """
    file = ScoreFile(output if output.suffix.lower() == ".csv" else output / SCORES_FILE)
    asked = Asked(data, manifest, sizes, Split(split) if split else None)
    rows = listed_radiographs(data, manifest, asked.split, leave_out=file.companions)
    predictor = Predictor.open(bundle_folder, threads=1)
    tested = sum(row.split is Split.TEST for row in rows)
    if tested:
        tell_opening(predictor.bundle, tested)
    unreadable = score_into(file, rows, asked, predictor, resume=resume)
    if len(unreadable) == len(rows):
        raise UnusableData(
            "data-empty",
            f"None of {len(rows)} radiographs can be read; the first is {unreadable[0]}.",
            remedy="Check the folder that the paths are relative to (--data).",
        )
    file.finish()
    click.echo(f"{len(rows) - len(unreadable)} radiographs are scored in {file.path}")
    if unreadable:
        tell_unreadable(unreadable, file)
        sys.exit(RefusedRadiograph.exit_code)
