"""`pneumoscope data`: get the data, make a manifest of it, look for what would deceive a model or its measure."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pneumoscope.cli.bar import with_bar
from pneumoscope.cli.main import printable
from pneumoscope.errors import RefusedRadiograph, UnusableData, UnusableOption

if TYPE_CHECKING:
    from pneumoscope.dataset.cues import OriginalSizes
    from pneumoscope.dataset.examination import Examined

LAYOUTS = ["kermany", "class-folders", "csv"]
LAYOUT = click.option("--layout", "layout_name", type=click.Choice(LAYOUTS), default="kermany", show_default=True)
SOURCE = click.Path(path_type=Path, exists=True)
FILE = click.Path(path_type=Path, dir_okay=False)
ZIP = click.Path(path_type=Path, exists=True, dir_okay=False)
NEW_FOLDER = click.Path(path_type=Path, file_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
SHOWN = 20
FOLD_SEED = 0


@click.group()
def command() -> None:
    """Fetch, import and audit labelled radiographs."""


@command.command("fetch")
@click.option("--output", type=NEW_FOLDER, default=Path("chest_xray"), show_default=True)
@click.option("--from-zip", type=ZIP, help="The archive, where it was downloaded before.")
@click.option("--from-dir", type=FOLDER, help="A folder that holds the data set, or a folder in it.")
def fetch_command(output: Path, from_zip: Path | None, from_dir: Path | None) -> None:
    """Put the Kermany data set into a folder: from Kaggle, from its archive, or from a folder; verify it.

    Give the same command again to go on where it stopped.
    """
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # read when tqdm is imported, so that kagglehub's bar obeys too
    from pneumoscope.dataset import fetch
    from pneumoscope.dataset.kaggle import HANDLE, download_from_kaggle

    if from_zip and from_dir:
        raise UnusableOption("two-sources", "--from-zip and --from-dir were both given.", remedy="Give one of them.")
    if fetch.found_counts(output) == fetch.KERMANY_COUNTS:
        click.echo(f"{output} holds the whole data set already")
        return
    if not (from_zip or from_dir):
        click.echo(f"downloading {HANDLE} from Kaggle, unless it is in kagglehub's cache", err=True)
    origin = from_zip or from_dir or download_from_kaggle()
    place = fetch.place_zip if from_zip else fetch.place_folder
    place(origin, output, watched=with_bar)
    fetch.verify(
        output,
        fetch.KERMANY_COUNTS,
        remedy=f"Take out of {output} what is not of the data set. If files are missing, {origin} lacks them: get it "
        "anew (a folder in kagglehub's cache is downloaded again once it is deleted) and give the same command.",
    )
    total = sum(fetch.KERMANY_COUNTS.values())
    click.echo(f"{output} holds the whole data set, {total:,} radiographs; train with --data {output}")


@command.command("import")
@click.argument("source", type=SOURCE, metavar="DIR|TABLE.csv")
@LAYOUT
@click.option("--output", type=FILE, default=Path("manifest.csv"), show_default=True)
def import_command(source: Path, layout_name: str, output: Path) -> None:
    """Write manifest.csv of the radiographs in a folder, or in a CSV table with the columns path,label.

    Exit status: 0 all were read; 3 some could not be read: each is listed and left out.
    """
    from pneumoscope.dataset.layouts import Layout, labelled_files
    from pneumoscope.dataset.manifest import manifest_csv
    from pneumoscope.dataset.reading import manifest_rows
    from pneumoscope.inference.pool import worker_count
    from pneumoscope.whole_file import write_whole

    data, files = labelled_files(source, Layout(layout_name))
    rows, unreadable = manifest_rows(data, files, workers=worker_count(), watched=with_bar)
    write_whole(output, manifest_csv(rows).encode())
    patients = len({row.patient for row in rows})
    click.echo(f"{len(rows)} radiographs of {patients} patients in {output}; paths are relative to {data}")
    if unreadable:
        click.echo(f"{len(unreadable)} files could not be read and were left out:", err=True)
        for file in unreadable:
            click.echo(printable(f"  {file.path}: {file.message} [{file.code}]"), err=True)
        sys.exit(RefusedRadiograph.exit_code)


@command.command("audit")
@click.argument("source", type=SOURCE, metavar="DIR|manifest.csv")
@click.option("--layout", "layout_name", type=click.Choice(LAYOUTS[:2]), default="kermany", show_default=True)
@click.option("--data", type=FOLDER, help="The folder that the manifest's paths are relative to; its own by default.")
@click.option("--sizes", type=SOURCE, help="CSV of original sizes, where the files are resized copies.")
@click.option("--output", type=FILE, help="Write all findings to this JSON file.")
def audit_command(source: Path, layout_name: str, data: Path | None, sizes: Path | None, output: Path | None) -> None:
    """Look for unreadable files, duplicates, patients in two splits, and cues that tell the label without medicine."""
    from pneumoscope.dataset.audit import audit
    from pneumoscope.dataset.cues import read_original_sizes
    from pneumoscope.dataset.examination import examine_files
    from pneumoscope.dataset.layouts import Layout, files_of_manifest, labelled_files
    from pneumoscope.dataset.manifest import read_manifest
    from pneumoscope.inference.pool import worker_count
    from pneumoscope.whole_file import write_whole

    if source.is_file():
        rows = read_manifest(source)
        folder, files = data or source.parent, files_of_manifest(rows)
    else:
        rows, (folder, files) = [], labelled_files(source, Layout(layout_name))
    original = read_original_sizes(sizes) if sizes else None
    examined, unreadable = examine_files(folder, files, workers=worker_count(), watched=with_bar)
    if not examined:
        raise UnusableData(
            "data-empty",
            f"None of {len(files)} files can be read; the first is {unreadable[0].path}: {unreadable[0].message}",
            remedy="Check the folder that the paths are relative to (--data).",
        )
    findings = {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": folder.resolve().name,
        **audit(examined, unreadable, imported=rows),
        "shortcuts": shortcut_findings(examined, original),
    }
    if output:
        write_whole(output, (json.dumps(findings, indent=1) + "\n").encode())
    print_findings(findings)


def shortcut_findings(examined: list[Examined], original: OriginalSizes | None) -> dict[str, Any]:
    """How well each cue alone tells the label; joins what `dataset` sees with what `evaluation` measures."""
    import numpy as np

    from pneumoscope.dataset.cues import FOLDS, cue_features, cue_medians, sizes_of, training_folds
    from pneumoscope.dataset.manifest import Split
    from pneumoscope.evaluation.shortcuts import cue_report

    rows = [seen.row for seen in examined]
    sizes_px = sizes_of(examined, original)
    folds = training_folds(rows, np.random.default_rng(FOLD_SEED))
    labels = np.array([row.has_finding for row in rows])
    test = np.array([row.split is Split.TEST for row in rows])
    return {
        "method": f"logistic regression on one cue alone; within train by {FOLDS} folds of patients (seed {FOLD_SEED}), "
        "on test fitted on train",
        "sizes": "of the files" if original is None else "original, from a table",
        "medians": cue_medians(examined, sizes_px),
        "cues": {
            name: cue_report(values, labels, folds=folds, test=test)
            for name, values in cue_features(examined, sizes_px).items()
        },
    }


def print_findings(findings: dict[str, Any]) -> None:
    """The main findings on standard output, what needs a look with its files."""
    click.echo(f"{findings['radiographs']} radiographs of {findings['patients']} patients in {findings['data']}")
    for split, counts in findings["splits"].items():
        labels = ", ".join(f"{count} {label}" for label, count in counts["labels"].items())
        subtypes = ", ".join(f"{count} {subtype}" for subtype, count in counts["subtypes"].items())
        known = f" ({subtypes})" if subtypes else ""
        click.echo(f"  {split:<13} {counts['radiographs']:>6} of {counts['patients']} patients: {labels}{known}")
    listing(
        f"{len(findings['unreadable'])} unreadable files",
        [f"{f['path']}: {f['message']}" for f in findings["unreadable"]],
    )
    if findings["changed_since_import"]:
        changed = findings["changed_since_import"]
        listing(f"{len(changed)} files are not what the manifest says (SHA-256)", changed)
    for pair, patients in findings["patients_in_two_splits"].items():
        listing(f"{len(patients)} patients in {pair}", patients)
    if findings["patients"] == findings["radiographs"]:
        click.echo("  every radiograph counts as a patient of its own: leakage by patient cannot be told")
    exact, near = findings["exact_duplicates"], findings["near_duplicates"]
    click.echo(f"  {exact['groups']} groups of exact duplicates, {exact['across_splits']} across splits, ", nl=False)
    click.echo(f"{exact['across_labels']} across labels")
    listing(
        f"{near['pairs']} pairs of near duplicates, {near['across_splits']} across splits",
        [" ~ ".join(pair) for pair in near["listed"]],
    )
    click.echo(f"what tells the label without medicine (sizes {findings['shortcuts']['sizes']}):")
    for name, report in findings["shortcuts"]["cues"].items():
        click.echo(f"  {name:<16} within train {rates(report['within_train'])}; on test {rates(report['test'])}")


def listing(title: str, lines: list[str]) -> None:
    """A line with the first few things below it."""
    click.echo(f"  {title}")
    for line in lines[:SHOWN]:
        click.echo(f"    {printable(line)}")
    if len(lines) > SHOWN:
        click.echo(f"    and {len(lines) - SHOWN} more; --output writes all")


def rates(told: dict[str, float] | None) -> str:
    """AUROC and rates, or that there is nothing to measure."""
    if told is None:
        return "not defined"
    return f"AUROC {told['auroc']:.3f}, accuracy {told['accuracy']:.3f}, specificity {told['specificity']:.3f}"
