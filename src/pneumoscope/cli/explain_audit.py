"""`pneumoscope explain-audit`: is the map right, stable, and better than maps that know nothing?"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pneumoscope.cli import options
from pneumoscope.cli.audit import announced_opening, bar_of
from pneumoscope.dataset.manifest import Split
from pneumoscope.errors import UnusableOption
from pneumoscope.explanation_audit.question import SECTIONS

if TYPE_CHECKING:
    from pneumoscope.audit.audited import Audited
    from pneumoscope.explanation_audit.boxes import Box


@click.command()
@options.bundle
@options.data
@options.manifest
@options.split(Split.VALIDATION)
@click.option(
    "--lung-masks", "masks_folder", type=options.FILE, help="Masks as .png, 255 lung; the bundle finds them otherwise."
)
@click.option(
    "--boxes", "boxes_file", type=options.FILE, help="CSV of readers' boxes in pixels: path,x,y,width,height[,label]."
)
@click.option("--only", "sections", multiple=True, type=click.Choice([*SECTIONS]), help="Only this section; repeat it.")
@click.option("--against", "other_folder", type=options.FILE, help="Another bundle, whose maps must be the same.")
@options.limits
@click.option("--limit", "count", type=click.IntRange(2), help="At most so many radiographs, drawn by the seed.")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="For explanation.json and explanation.md."
)
@options.resamples
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Decides everything that is drawn.")
@options.into_card
def command(
    bundle_folder: Path | None,
    data: Path,
    manifest: Path | None,
    split: str,
    masks_folder: Path | None,
    boxes_file: Path | None,
    sections: tuple[str, ...],
    other_folder: Path | None,
    limits_file: Path | None,
    count: int | None,
    output: Path | None,
    resamples: int,
    seed: int,
    into_card: bool,
) -> None:
    """Test the explanations of a bundle: one verdict a row, each value with a 95 % interval by patient.

    Exit status: 0 no row fails; 10 a row fails. Rows that cannot be measured say why and do not fail.
    """
    from pneumoscope.audit.limits import read_limits
    from pneumoscope.explanation_audit.audit import Beside, limited, run_explanation_audit
    from pneumoscope.explanation_audit.document import explanation_table
    from pneumoscope.explanation_audit.question import ROWS
    from pneumoscope.inference.pool import worker_count
    from pneumoscope.inference.predictor import Predictor
    from pneumoscope.inference.store import ResultStore

    refuse_without_input(sections, boxes=boxes_file, against=other_folder)
    limits = read_limits(limits_file, ROWS, room="pneumoscope.explanation_audit")
    folder = ResultStore.create(output).folder if output else None
    everything, boxes, unmatched = with_boxes(data, manifest, Split(split), masks_folder, boxes_file)
    audited = limited(everything, count, seed)
    predictor = Predictor.open(bundle_folder, threads=1)
    other = Predictor.open(other_folder, threads=1) if other_folder else None
    made, began = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
    opening = announced_opening(predictor.bundle, split, made, len(audited.rows), into_card, by="explain-audit")
    audit = run_explanation_audit(
        audited,
        Beside(boxes, other, sections or tuple(SECTIONS), unmatched),
        predictor,
        limits,
        resamples=resamples,
        seed=seed,
        workers=worker_count(),
        watch=bar_of,
    )
    seconds = round(time.monotonic() - began, 1)
    audit = replace(audit, record={"made": made, "seconds": seconds, **opening, **audit.record})
    if folder:
        write_explanation(folder, audit)
    click.echo(explanation_table(audit))
    click.echo(f"{len(audited.rows)} radiographs in {seconds:.0f} s")
    audit.raise_for_failures()


def refuse_without_input(sections: Collection[str], **given: Path | None) -> None:
    """Who asks for a section only, and not for what it is measured with, would be told that nothing fails."""
    for section, path in given.items():
        if section in sections and path is None:
            raise UnusableOption(
                "section-without-input",
                f"--only {section} was given, but not --{section}: there is nothing to measure.",
                remedy=f"Give --{section} as well, or leave --only {section} away.",
            )


def with_boxes(
    data: Path, manifest: Path | None, split: Split, masks_folder: Path | None, boxes_file: Path | None
) -> tuple[Audited, dict[str, list[Box]], int]:
    """The radiographs of a split with their lung masks, readers' boxes by path, and how many boxes are of no radiograph."""
    from pneumoscope.audit.audited import Audited
    from pneumoscope.audit.lungs import MaskFolder
    from pneumoscope.dataset.manifest import read_kermany, read_manifest
    from pneumoscope.explanation_audit.boxes import read_boxes, unmatched_boxes

    masks = MaskFolder(masks_folder) if masks_folder else None
    boxes = read_boxes(boxes_file) if boxes_file else {}
    rows = read_manifest(manifest) if manifest else read_kermany(data, splits={Split.TRAIN, split})
    audited = Audited.of(rows, split, data, lung_masks=masks)
    return audited, boxes, unmatched_boxes(boxes, {row.path for row in audited.rows})


def write_explanation(folder: Path, audit: Any) -> None:
    """`explanation.json` and `explanation.md`."""
    from pneumoscope.explanation_audit.document import explanation_json, explanation_markdown
    from pneumoscope.whole_file import write_whole

    write_whole(folder / "explanation.json", explanation_json(audit).encode())
    write_whole(folder / "explanation.md", explanation_markdown(audit).encode())
