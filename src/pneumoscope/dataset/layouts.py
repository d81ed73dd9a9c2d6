"""Labelled radiographs in a folder or a table, before they are read: the layouts that `data import` knows."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pneumoscope.dataset.manifest import (
    FOLDER_OF_SPLIT,
    PATIENT_PATTERNS,
    SUBTYPES,
    Label,
    ManifestRow,
    Split,
    kermany_files,
    patient_of,
    table_text,
)
from pneumoscope.errors import UnusableData
from pneumoscope.radiograph.reading import radiograph_files

Item = TypeVar("Item")
Watched = Callable[[Iterable[Item], int], Iterable[Item]]
"""Passes items on as they come; gets their number, so that it can show a bar."""


class Layout(StrEnum):
    """How radiographs and labels lie on disk."""

    KERMANY = "kermany"
    CLASS_FOLDERS = "class-folders"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file with what its place or its table says of it, before it is read. `path` is relative to the data folder."""

    path: str
    label: Label
    subtype: str
    patient: str
    split: Split


def labelled_files(source: Path, layout: Layout) -> tuple[Path, list[LabelledFile]]:
    """The data folder that paths are relative to, and its files in a stable order; `UnusableData` where there are none."""
    find = {Layout.KERMANY: files_of_kermany, Layout.CLASS_FOLDERS: files_of_class_folders, Layout.CSV: files_of_table}
    if layout is Layout.CSV and not source.is_file():
        raise UnusableData("layout-unknown", f"{source} is not a CSV file.", remedy="Name the CSV file itself.")
    if layout is not Layout.CSV and not source.is_dir():
        raise UnusableData(
            "layout-unknown", f"{source} is not a folder.", remedy="Name a folder, or give --layout csv for a table."
        )
    files = find[layout](source)
    if not files:
        raise UnusableData("data-empty", f"{source} names no radiographs.", remedy="Check the path and --layout.")
    refuse_odd_names(files)
    return source.parent if layout is Layout.CSV else source, files


def refuse_odd_names(files: Sequence[LabelledFile]) -> None:
    """`UnusableData` where a name is not UTF-8 and so cannot stand in a manifest."""
    odd = [ascii(file.path) for file in files if file.path.encode(errors="replace").decode() != file.path]
    if odd:
        raise UnusableData(
            "name-not-utf8",
            f"{len(odd)} file names are not UTF-8, the first is {odd[0]}.",
            remedy="Rename these files (convmv -t utf-8 does it for many).",
        )


def files_of_manifest(rows: Sequence[ManifestRow]) -> list[LabelledFile]:
    """The rows of a `manifest.csv` as files still to be read."""
    if not rows:
        raise UnusableData("data-empty", "The manifest names no radiographs.", remedy="Import the data again.")
    return [LabelledFile(row.path, row.label, row.subtype, row.patient, row.split) for row in rows]


def files_of_kermany(data: Path) -> list[LabelledFile]:
    """`{train,val,test}/{NORMAL,PNEUMONIA}/`, patients by file name as `read_kermany` has them."""
    if not any((data / folder).is_dir() for folder in FOLDER_OF_SPLIT):
        raise UnusableData(
            "layout-unknown",
            f"{data} holds none of the folders train/, val/, test/ of the Kermany data set.",
            remedy="Name the folder that holds train/NORMAL, train/PNEUMONIA and so on (often called chest_xray).",
        )
    files = []
    for path, split in kermany_files(data):
        patient, subtype = patient_of(path.name)
        relative = path.relative_to(data).as_posix()
        files.append(LabelledFile(relative, Label(path.parent.name), subtype, patient, split))
    return files


SPLIT_OF_FOLDER = {"train": Split.TRAIN, "val": Split.VALIDATION, "validation": Split.VALIDATION, "test": Split.TEST}


def files_of_class_folders(data: Path) -> list[LabelledFile]:
    """`NORMAL/` and `PNEUMONIA/`, either right in the folder (then all is `train`) or below train/, val/, test/."""
    folders = list(class_folders(data))
    if not folders:
        raise UnusableData(
            "layout-unknown",
            f"{data} holds no folders {' and '.join(Label)}, nor train/, validation/, test/ with them.",
            remedy="Sort the radiographs into folders of these names, or give --layout csv with a table of labels.",
        )
    files = []
    for folder, label, split in folders:
        for path in radiograph_files(folder):
            relative = path.relative_to(data).as_posix()
            patient, subtype = patient_of_own_file(relative)
            files.append(LabelledFile(relative, label, subtype if label is Label.PNEUMONIA else "", patient, split))
    return files


def class_folders(data: Path) -> Iterator[tuple[Path, Label, Split]]:
    """Every class folder with its label and split; upper and lower case are the same."""
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        if folder.name.upper() in list(Label):
            yield folder, Label(folder.name.upper()), Split.TRAIN
        elif split := SPLIT_OF_FOLDER.get(folder.name.lower()):
            for below in sorted(path for path in folder.iterdir() if path.is_dir()):
                if below.name.upper() in list(Label):
                    yield below, Label(below.name.upper()), split


def patient_of_own_file(path: str) -> tuple[str, str]:
    """As `patient_of`, but a name of no known form stands for itself with its folder: 1.png in two folders is two patients."""
    name = PurePosixPath(path).name
    if any(pattern.match(name) for pattern in PATIENT_PATTERNS):
        return patient_of(name)
    return PurePosixPath(path).with_suffix("").as_posix(), ""


NEEDED_COLUMNS = ("path", "label")
SPLIT_OF_NAME = SPLIT_OF_FOLDER | {str(split): split for split in Split} | {"": Split.TRAIN}


def files_of_table(table: Path) -> list[LabelledFile]:
    """A CSV with the columns path and label, and where known patient, split, subtype; paths relative to its folder."""
    reader = csv.DictReader(table_text(table), strict=True)
    reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
    missing = [name for name in NEEDED_COLUMNS if name not in reader.fieldnames]
    if missing:
        raise UnusableData(
            "table-columns",
            f"{table} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}.",
            remedy="The first line names the columns: path,label and, where known, patient,split,subtype.",
        )
    line_of: dict[str, int] = {}
    files = []
    try:
        for entry in reader:
            file = file_of_entry(table, reader.line_num, entry)
            if first := line_of.get(file.path):
                raise wrong_line(table, reader.line_num, f"{file.path} stands in line {first} already")
            line_of[file.path] = reader.line_num
            files.append(file)
    except csv.Error as error:
        raise wrong_line(table, reader.reader.line_num, str(error)) from error
    return files


def file_of_entry(table: Path, line: int, entry: dict[str | None, str | None]) -> LabelledFile:
    """One checked line; `UnusableData` names the line and what is wrong in it."""
    if None in entry:
        raise wrong_line(table, line, "it has more cells than the first line has columns")
    cells = {str(name): (cell or "").strip() for name, cell in entry.items()}
    path = relative_path(table, line, cells["path"])
    if cells["label"].upper() not in list(Label):
        raise wrong_line(table, line, f"the label is {cells['label']!r}, not {' or '.join(Label)}")
    if (split := SPLIT_OF_NAME.get(cells.get("split", "").lower())) is None:
        raise wrong_line(table, line, f"the split is {cells['split']!r}, not train, validation, test or official-val")
    patient, subtype = patient_of_own_file(path)
    subtype = cells.get("subtype", "").lower() or subtype
    if subtype not in {"", *SUBTYPES.values()}:
        raise wrong_line(table, line, f"the subtype is {subtype!r}, not bacterial, viral or empty")
    label = Label(cells["label"].upper())
    return LabelledFile(path, label, subtype, cells.get("patient", "") or patient, split)


def relative_path(table: Path, line: int, path: str) -> str:
    """The path relative to the table's folder, with forward slashes."""
    if not path:
        raise wrong_line(table, line, "the path is empty")
    folder = table.parent.resolve()
    absolute = (folder / path).absolute()
    if ".." in absolute.parts or not absolute.is_relative_to(folder):
        raise wrong_line(table, line, f"{path} lies outside the table's folder {table.parent}")
    return absolute.relative_to(folder).as_posix()


def wrong_line(table: Path, line: int, what: str) -> UnusableData:
    """The error for one line of a table."""
    return UnusableData(
        "table-row",
        f"{table}, line {line}: {what}.",
        remedy="Correct that line; columns are path,label and, where known, patient,split,subtype.",
    )
