"""What `score` and `evaluate` share: score listed radiographs into a file that grows, and go on where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.cli.bar import with_bar
from pneumoscope.cli.main import printable
from pneumoscope.dataset.cues import read_original_sizes
from pneumoscope.dataset.manifest import Split
from pneumoscope.inference.listing import ListedRadiograph
from pneumoscope.inference.pool import worker_count
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.score_file import ScoreFile, appending, unreadable_list
from pneumoscope.inference.score_origin import ScoreOrigin
from pneumoscope.inference.scoring import ScoredRow, score_columns, scored_rows
from pneumoscope.whole_file import unusable

SHOWN = 20
SCORES_FILE = "scores.csv"


@dataclass(frozen=True, slots=True)
class Asked:
    """Where radiographs are and which of them are wanted, as options say."""

    data: Path
    manifest: Path | None
    sizes: Path | None
    split: Split | None


def score_into(
    file: ScoreFile, rows: Sequence[ListedRadiograph], asked: Asked, predictor: Predictor, *, resume: bool
) -> list[str]:
    """Score what is not scored yet; the paths that could not be. The table stays partial until `file.finish()`."""
    original_sizes = read_original_sizes(asked.sizes) if asked.sizes else None
    origin = ScoreOrigin.of(predictor.bundle, asked.data, split=asked.split, manifest=asked.manifest, sizes=asked.sizes)
    columns = score_columns(rows, with_original_sizes=original_sizes is not None)
    make_folder(file.path.parent)
    done = file.begin(columns, origin, [row.path for row in rows], resume=resume)
    left = [row for row in rows if row.path not in done]
    if done:
        click.echo(f"{len(done)} of {len(rows)} radiographs are scored already", err=True)
    results = scored_rows(left, asked.data, predictor, original_sizes=original_sizes, workers=worker_count())
    unreadable = []
    with appending(file.partial) as scores, unreadable_list(file.unreadable) as refused:
        for row in with_bar(results, len(left)):
            if isinstance(row, ScoredRow):
                scores.write(row.cells())
            else:
                refused.write([row.path, row.code, row.message, row.remedy])
                unreadable.append(f"{row.path}: {row.message} [{row.code}]")
    return unreadable


def make_folder(folder: Path) -> None:
    """`UnusableOutput` where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from error


def tell_unreadable(unreadable: Sequence[str], file: ScoreFile) -> None:
    """The first few on standard error, and where all are."""
    click.echo(f"{len(unreadable)} radiographs could not be scored, see {file.unreadable}:", err=True)
    for line in unreadable[:SHOWN]:
        click.echo(printable(f"  {line}"), err=True)
    if len(unreadable) > SHOWN:
        click.echo(f"  and {len(unreadable) - SHOWN} more", err=True)


def tell_opening(bundle: Bundle, radiographs: int) -> None:
    """The test split only measures, and each look at it counts."""
    openings = len(bundle.card.provenance.get("test_openings", []))
    click.echo(
        f"this opens the test split ({radiographs} radiographs), to measure only; the card records {openings} openings"
        " so far, and `evaluate --into-card` counts one",
        err=True,
    )
