"""The scores that `evaluate` measures: of radiographs that are scored now, or out of a table of any model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.cli.score_tables import by_card, of_one_split, refuse_another_model
from pneumoscope.cli.scoring import Asked, score_into, tell_opening, tell_unreadable
from pneumoscope.dataset.manifest import Label, Split
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.evaluation.write_columns import write_score_columns
from pneumoscope.inference.listing import ListedRadiograph, listed_radiographs
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.score_file import ScoreFile
from pneumoscope.inference.score_origin import ScoreOrigin, origin_beside
from pneumoscope.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Scored:
    """A table to be evaluated, and where it came from as far as that is known."""

    table: ScoreColumns
    file: Path
    split: str | None
    bundle: Bundle | None
    origin: ScoreOrigin | None
    data: Path | None


def usual_split(data: Path, manifest: Path | None) -> Split | None:
    """`test`, or None where the radiographs are not split."""
    return Split.TEST if any(row.split for row in listed_radiographs(data, manifest, None)) else None


def scored_here(asked: Asked, bundle_folder: Path | None, file: ScoreFile, *, resume: bool) -> Scored:
    """Score every row with the bundle; `UnusableData` where one cannot be, after all others are scored and kept."""
    rows = listed_radiographs(asked.data, asked.manifest, asked.split)
    if unlabelled := [row.path for row in rows if row.label is None]:
        raise UnusableData(
            "labels-missing",
            f"{len(unlabelled)} radiographs have no label, the first is {unlabelled[0]}.",
            remedy="Evaluate labelled radiographs; `pneumoscope score` scores others.",
        )
    refuse_one_class(rows, asked)
    predictor = Predictor.open(bundle_folder, threads=1)
    if asked.split is Split.TEST:
        tell_opening(predictor.bundle, len(rows))
    if unreadable := score_into(file, rows, asked, predictor, resume=resume):
        tell_unreadable(unreadable, file)
        raise UnusableData(
            "rows-unreadable",
            f"{len(unreadable)} of {len(rows)} radiographs could not be scored, and an evaluation leaves none out.",
            remedy="Mend the files and go on by --resume, or take their rows out of the manifest. --data is what its"
            " paths are relative to.",
        )
    file.finish()
    return Scored(
        read_score_columns(file.path),
        file.path,
        asked.split,
        predictor.bundle,
        origin_beside(file.path),
        asked.data,
    )


def refuse_one_class(rows: Sequence[ListedRadiograph], asked: Asked) -> None:
    """Before anything is scored: nothing can be measured of one class."""
    found = sum(row.label is Label.PNEUMONIA for row in rows)
    if found in {0, len(rows)}:
        of_split = f" of the split {asked.split}" if asked.split else ""
        raise UnusableData(
            "one-class-only",
            f"{asked.manifest or asked.data}: the {len(rows)} radiographs{of_split} are {found} PNEUMONIA and"
            f" {len(rows) - found} NORMAL.",
            remedy="Give radiographs with and without the finding.",
        )


def scored_elsewhere(scores: Path, split: str | None, bundle: Bundle | None) -> Scored:
    """A table as it is; where it is known to be of the bundle's model, by the calibration of its card as it is now."""
    origin = origin_beside(scores)
    table, split = of_one_split(read_score_columns(scores), split, where=scores)
    if bundle:
        refuse_another_model(origin, bundle, where=scores)
    if bundle and origin:
        table, origin = by_card(table, bundle.card), origin.recalibrated(bundle)
    return Scored(table, scores, split, bundle, origin, None)


def keep_scores(scored: Scored, file: ScoreFile) -> None:
    """What is evaluated stands beside the evaluation, unless it stands there already."""
    if file.path.exists() and file.path.samefile(scored.file):
        return
    write_score_columns(scored.table, file.path)
    file.origin.unlink(missing_ok=True)
    if scored.origin:
        write_whole(file.origin, scored.origin.to_json())
