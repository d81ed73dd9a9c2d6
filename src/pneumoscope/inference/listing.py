"""Which radiographs are to be scored: the rows of a manifest, or the files of a folder, with labels where they are known."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pneumoscope.dataset.layouts import (
    LabelledFile,
    class_folders,
    files_of_class_folders,
    files_of_kermany,
    patient_of_own_file,
)
from pneumoscope.dataset.manifest import FOLDER_OF_SPLIT, Label, Split, kermany_files, read_manifest, table_text
from pneumoscope.errors import UnusableData
from pneumoscope.radiograph.reading import radiograph_files

SCORED_ANYHOW = frozenset({"path", "sha256", "label", "subtype", "patient", "split", "width_px", "height_px"})
"""Columns of a manifest that scoring writes under the same name."""


@dataclass(frozen=True, slots=True)
class ListedRadiograph:
    """One radiograph before it is read. `path` is relative to the data folder; None is what is not known.

    `sha256` is what a manifest says of the file, and `extras` are the cells of its further columns by name.
    """

    path: str
    patient: str
    subtype: str
    label: Label | None
    split: Split | None
    sha256: str | None = None
    extras: Mapping[str, str] = field(default_factory=dict)


def listed_radiographs(
    data: Path, manifest: Path | None, split: Split | None, *, leave_out: Collection[Path] = ()
) -> list[ListedRadiograph]:
    """Of this split, or all; in the order of the manifest, else by name. A folder without splits is what it is called.

    A folder is in the layout of the Kermany data set, or holds class folders, or holds files without labels, of which
    those of `leave_out` are passed over. `UnusableData` where there are none.
    """
    rows = of_manifest(manifest) if manifest else of_folder(data, leave_out)
    if split and not any(row.split for row in rows):
        rows = [replace(row, split=split) for row in rows]
    chosen = [row for row in rows if split is None or row.split is split]
    if not chosen:
        raise nothing_in_split(manifest or data, rows, split)
    return chosen


def of_manifest(manifest: Path) -> list[ListedRadiograph]:
    """Every row of `manifest.csv`."""
    rows = read_manifest(manifest)
    return [
        ListedRadiograph(row.path, row.patient, row.subtype, row.label, row.split, row.sha256 or None, extras)
        for row, extras in zip(rows, further_cells(manifest), strict=True)
    ]


def further_cells(manifest: Path) -> Iterator[Mapping[str, str]]:
    """Of each row the columns that a table of scores does not have anyhow, such as a site; their names in lower case."""
    reader = csv.DictReader(table_text(manifest))
    names = {name: name.strip().lower() for name in reader.fieldnames or [] if name and name.strip()}
    if twice := [name for name, count in Counter(names.values()).items() if count > 1]:
        raise UnusableData(
            "manifest-columns", f"{manifest} has the column {twice[0]} twice.", remedy="Keep one column of a name."
        )
    kept = {name: known for name, known in names.items() if known not in SCORED_ANYHOW}
    for entry in reader:
        yield {known: " ".join((entry[name] or "").split()) for name, known in kept.items()}


def of_folder(data: Path, leave_out: Collection[Path]) -> list[ListedRadiograph]:
    """Every file, labelled by the folder that it lies in, if by anything."""
    if any((data / folder).is_dir() for folder in FOLDER_OF_SPLIT) and any(True for _ in kermany_files(data)):
        return [labelled(file) for file in files_of_kermany(data)]
    if any(True for _ in class_folders(data)):
        own = {str(label) for label in Label}
        files = [labelled(file) for file in files_of_class_folders(data)]
        return [replace(row, split=None) if row.path.split("/")[0].upper() in own else row for row in files]
    left_out = {path.resolve() for path in leave_out}
    names = [path.relative_to(data).as_posix() for path in radiograph_files(data) if path.resolve() not in left_out]
    return [ListedRadiograph(name, *patient_of_own_file(name), None, None) for name in names]


def labelled(file: LabelledFile) -> ListedRadiograph:
    """A file whose label is known."""
    return ListedRadiograph(file.path, file.patient, file.subtype, file.label, file.split)


def nothing_in_split(source: Path, rows: Sequence[ListedRadiograph], split: Split | None) -> UnusableData:
    """The error for an empty choice; it says what there is to choose from."""
    if split is None or not rows:
        return UnusableData("data-empty", f"{source} names no radiographs.", remedy="Check the path.")
    counts = Counter(str(row.split) if row.split else "no split" for row in rows)
    return UnusableData(
        "split-empty",
        f"There are no rows of the split {split} in {source}; there are "
        + ", ".join(f"{count} of {name}" for name, count in counts.items())
        + ".",
        remedy="Choose another --split; validation rows are in the manifest.csv of a run folder.",
    )
