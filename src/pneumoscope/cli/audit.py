"""`pneumoscope audit`: does a bundle read the lungs, or what else tells the two classes apart?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from pneumoscope.bundle.bundle import Bundle, write_bundle
from pneumoscope.cli import options
from pneumoscope.cli.bar import with_bar
from pneumoscope.dataset.manifest import Split


@click.command()
@options.bundle
@options.data
@click.option(
    "--lung-masks", "masks_folder", type=options.FILE, help="Masks, same names as .png; estimated by default."
)
@options.manifest
@options.split(Split.TEST)
@click.option("--sizes", type=options.FILE, help="CSV of original sizes, where the files are resized copies.")
@options.limits
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="For audit.json and audit.md.")
@options.resamples
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Decides the resamples.")
@options.into_card
def command(
    bundle_folder: Path | None,
    data: Path,
    masks_folder: Path | None,
    manifest: Path | None,
    split: str,
    sizes: Path | None,
    limits_file: Path | None,
    output: Path | None,
    resamples: int,
    seed: int,
    into_card: bool,
) -> None:
    """Ask a bundle for shortcuts: one verdict a row, each value with a 95 % interval by patient.

    Exit status: 0 no row fails; 10 a row fails. Rows that cannot be measured say why and do not fail.
    """
    from pneumoscope.audit.audit import run_audit
    from pneumoscope.audit.audited import Audited
    from pneumoscope.audit.document import audit_table
    from pneumoscope.audit.limits import read_limits
    from pneumoscope.audit.lungs import EstimatedMasks, MaskFolder
    from pneumoscope.audit.question import ROWS
    from pneumoscope.dataset.cues import read_original_sizes
    from pneumoscope.dataset.manifest import read_kermany, read_manifest
    from pneumoscope.inference.pool import worker_count
    from pneumoscope.inference.predictor import Predictor
    from pneumoscope.inference.store import ResultStore

    limits = read_limits(limits_file, ROWS)
    folder = ResultStore.create(output).folder if output else None
    predictor = Predictor.open(bundle_folder, threads=1)
    estimated = EstimatedMasks(predictor.bundle) if predictor.bundle.lungs else None
    masks = MaskFolder(masks_folder) if masks_folder else estimated
    original_sizes = read_original_sizes(sizes) if sizes else None
    rows = read_manifest(manifest) if manifest else read_kermany(data, splits={Split.TRAIN, Split(split)})
    audited = Audited.of(rows, Split(split), data, original_sizes=original_sizes, lung_masks=masks).with_both_classes()
    made = datetime.now(UTC).isoformat(timespec="seconds")
    opening = announced_opening(predictor.bundle, split, made, len(audited.rows), into_card, by="audit")
    audit = run_audit(audited, predictor, limits, resamples=resamples, seed=seed, workers=worker_count(), watch=bar_of)
    audit = replace(audit, record={"made": made, **opening, **audit.record})
    if folder:
        write_audit(folder, audit)
    click.echo(audit_table(audit))
    audit.raise_for_failures()


def announced_opening(
    bundle: Bundle, split: str, made: str, radiographs: int, into_card: bool, *, by: str
) -> dict[str, Any]:
    """Say that the test split is opened, count it in the card where asked for, and give it for the record.

    Nothing is said or given of another split. `by` names the command in the card.
    """
    if split != Split.TEST:
        return {}
    provenance = dict(bundle.card.provenance)
    openings = list(provenance.get("test_openings", []))
    if into_card:
        openings.append({"opened": made, "radiographs": radiographs, "by": by})
        write_bundle(
            bundle.folder, replace(bundle.card, provenance={**provenance, "test_openings": openings}), bundle.model
        )
    click.echo(
        f"this opens the test split ({radiographs} radiographs), to measure only; the card records {len(openings)} openings"
        + (", this one among them" if into_card else "; --into-card counts this one"),
        err=True,
    )
    return {"test_opening": {"opened": made, "radiographs": radiographs, "recorded_in_card": len(openings)}}


def write_audit(folder: Path, audit: Any) -> None:
    """`audit.json` and `audit.md`."""
    from pneumoscope.audit.document import audit_json, audit_markdown
    from pneumoscope.whole_file import write_whole

    write_whole(folder / "audit.json", audit_json(audit).encode())
    write_whole(folder / "audit.md", audit_markdown(audit).encode())


def bar_of(stage: str) -> Callable[[Iterable[Any], int], Iterable[Any]]:
    """A bar that bears the name of this stage."""
    return partial(with_bar, stage=stage)
