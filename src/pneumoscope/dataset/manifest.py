"""A table of radiographs with their patients, reference standard and official split (`manifest.csv`).

Reads the layout of the Kermany data set (Mendeley Data 10.17632/rscbjbr9sj): `{train,val,test}/{NORMAL,PNEUMONIA}/`.
File names carry the patient: `personN_bacteria_M.jpeg`, `personN_virus_M.jpeg`, `IM-NNNN-....jpeg`,
`NORMAL2-IM-NNNN-....jpeg`; prefixes are kept, since the same number with another prefix is another patient.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path, PurePosixPath

from PIL import Image, UnidentifiedImageError

from pneumoscope.errors import UnusableData
from pneumoscope.whole_file import write_whole


class Label(StrEnum):
    """The reference standard."""

    NORMAL = "NORMAL"
    PNEUMONIA = "PNEUMONIA"


class Split(StrEnum):
    """Train teaches, validation chooses, test only measures.

    `OFFICIAL_VAL` is the 16 pictures that the data set calls `val`: too few to choose by, so nothing uses them.
    """

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    OFFICIAL_VAL = "official-val"


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One radiograph. `path` is relative to the data folder; `subtype` is bacterial, viral or empty."""

    path: str
    sha256: str
    label: Label
    subtype: str
    patient: str
    split: Split
    width_px: int
    height_px: int
    mode: str

    @property
    def has_finding(self) -> bool:
        return self.label is Label.PNEUMONIA


FOLDER_OF_SPLIT = {"train": Split.TRAIN, "val": Split.OFFICIAL_VAL, "test": Split.TEST}
PATIENT_PATTERNS = (
    re.compile(r"^(?P<patient>person\d+)_(?P<subtype>bacteria|virus)_\d+"),
    re.compile(r"^(?P<patient>(?:NORMAL2-)?IM-\d+)-\d+"),
)
SUBTYPES = {"bacteria": "bacterial", "virus": "viral"}


def read_kermany(data: Path, *, splits: Collection[Split] = tuple(Split)) -> list[ManifestRow]:
    """The radiographs of these splits of a Kermany folder, in a stable order; no file of another split is opened.

    `UnusableData` where the layout is another.
    """
    if not any((data / folder).is_dir() for folder in FOLDER_OF_SPLIT):
        raise UnusableData(
            "layout-unknown",
            f"{data} holds none of the folders train/, val/, test/ of the Kermany data set.",
            remedy="Point --data at the folder that holds train/NORMAL, train/PNEUMONIA and so on (often named chest_xray).",
        )
    return [row_of(data, path, split) for path, split in kermany_files(data) if split in splits]


def kermany_files(data: Path) -> Iterator[tuple[Path, Split]]:
    """Every file of the six folders with its split, sorted; names that begin with a dot are passed over."""
    for folder, split in FOLDER_OF_SPLIT.items():
        for label in Label:
            for path in sorted((data / folder / label).glob("*")):
                if path.is_file() and not path.name.startswith("."):
                    yield path, split


def row_of(data: Path, path: Path, split: Split) -> ManifestRow:
    """The row of one file; `UnusableData` where it is not a picture."""
    content = path.read_bytes()
    try:
        with Image.open(path) as picture:
            (width_px, height_px), mode = picture.size, picture.mode
    except (UnidentifiedImageError, OSError) as error:
        raise UnusableData(
            "unreadable-picture",
            f"{path} is not a picture that can be read.",
            remedy="Fetch the file again, or take it out of the folder.",
        ) from error
    patient, subtype = patient_of(path.name)
    return ManifestRow(
        path=path.relative_to(data).as_posix(),
        sha256=hashlib.sha256(content).hexdigest(),
        label=Label(path.parent.name),
        subtype=subtype,
        patient=patient,
        split=split,
        width_px=width_px,
        height_px=height_px,
        mode=mode,
    )


def patient_of(file_name: str) -> tuple[str, str]:
    """Patient and subtype by file name: `person12_virus_3.jpeg` → (`person12_virus`, `viral`).

    The numbering of bacterial and viral persons overlaps, so the subtype is part of the patient's name; a file name of
    no known form is a patient of its own.
    """
    for pattern in PATIENT_PATTERNS:
        if match := pattern.match(file_name):
            subtype = match.groupdict().get("subtype") or ""
            suffix = f"_{subtype}" if subtype else ""
            return match["patient"] + suffix, SUBTYPES.get(subtype, "")
    return Path(file_name).stem, ""


COLUMNS = [field.name for field in fields(ManifestRow)]


def write_manifest(rows: Iterable[ManifestRow], path: Path) -> None:
    """Write `manifest.csv` with one column a field."""
    write_whole(path, manifest_csv(rows).encode())


def manifest_csv(rows: Iterable[ManifestRow]) -> str:
    """The text of `manifest.csv`."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()


def read_manifest(path: Path) -> list[ManifestRow]:
    """Read `manifest.csv`; `UnusableData` names the line that is wrong, or the radiograph that stands there twice."""
    remedy = f"A manifest has the columns {', '.join(COLUMNS)}."
    reader = table_reader("manifest-columns", path, COLUMNS, remedy=remedy)
    rows = [parsed_row(path, reader.line_num, entry) for entry in reader]
    files = Counter(PurePosixPath(row.path).as_posix() for row in rows)  # without "./" and double slashes
    if twice := [file for file, count in files.items() if count > 1]:
        more = f", and {len(twice) - 1} more" if len(twice) > 1 else ""
        raise UnusableData(
            "row-twice",
            f"{path} names {twice[0]} {files[twice[0]]} times{more}.",
            remedy="Leave one line for each radiograph; it would count more than others, or be on both sides of a split.",
        )
    return rows


def table_reader(code: str, path: Path, columns: Sequence[str], *, remedy: str) -> csv.DictReader[str]:
    """A reader of the lines of a CSV file; `UnusableData` of this code where a column lacks."""
    reader = csv.DictReader(table_text(path))
    missing = [name for name in columns if name not in (reader.fieldnames or [])]
    if missing:
        raise UnusableData(code, f"{path} lacks the columns {', '.join(missing)}.", remedy=remedy)
    return reader


def table_text(path: Path) -> io.StringIO:
    """The text of a CSV file, for a reader; `UnusableData` where there is none."""
    try:
        return io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableData(
            "table-unreadable", f"{path} cannot be read: {error}.", remedy="Save the table as CSV in UTF-8."
        ) from error


def parsed_row(path: Path, line: int, entry: dict[str, str]) -> ManifestRow:
    """One checked row; `UnusableData` names file and line."""
    try:
        return ManifestRow(
            path=entry["path"],
            sha256=entry["sha256"],
            label=Label(entry["label"]),
            subtype=entry["subtype"],
            patient=entry["patient"],
            split=Split(entry["split"]),
            width_px=int(entry["width_px"]),
            height_px=int(entry["height_px"]),
            mode=entry["mode"],
        )
    except (TypeError, ValueError) as error:
        raise UnusableData(
            "manifest-row",
            f"{path}, line {line}: {error}.",
            remedy=f"Labels are {', '.join(Label)}; splits are {', '.join(Split)}; sizes are whole pixels.",
        ) from error


def in_split(rows: Sequence[ManifestRow], split: Split) -> list[ManifestRow]:
    """The rows of one split, in order."""
    return [row for row in rows if row.split is split]


def refuse_test_rows(rows: Sequence[ManifestRow], *, purpose: str) -> None:
    """Guard of every function that chooses something: the test split only measures."""
    if any(row.split is Split.TEST for row in rows):
        raise UnusableData(
            "test-rows-refused",
            f"Rows of the test split were given to {purpose}.",
            remedy="Choose on the validation part of train; the test split only measures.",
        )
