"""Read labelled files into manifest rows: each by the same reader as in training and prediction.

One that it refuses is listed with its reason and left out, so that a manifest holds nothing that would stop a training
later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image

from pneumoscope.dataset.layouts import LabelledFile, Watched
from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.radiograph import Radiograph
from pneumoscope.radiograph.reading import read_radiograph
from pneumoscope.radiograph.sniffing import DICOM

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file that the reader refuses, with the refusal's reason code."""

    path: str
    code: str
    message: str


def manifest_rows(
    data: Path, files: Sequence[LabelledFile], *, workers: int, watched: Watched[ManifestRow | UnreadableFile]
) -> tuple[list[ManifestRow], list[UnreadableFile]]:
    """Read every file; the rows of those that can be read, and the others with their reasons, in order."""
    return read_apart(lambda file: row_or_refusal(data, file), files, workers=workers, watched=watched)


def read_apart(
    read: Callable[[LabelledFile], Found | UnreadableFile],
    files: Sequence[LabelledFile],
    *,
    workers: int,
    watched: Watched[Found | UnreadableFile],
) -> tuple[list[Found], list[UnreadableFile]]:
    """Apply `read` to every file; what it found in those that can be read, and the others, in order."""
    found: list[Found] = []
    unreadable: list[UnreadableFile] = []
    with ThreadPoolExecutor(workers) as pool:
        for one in watched(pool.map(read, files), len(files)):
            if isinstance(one, UnreadableFile):
                unreadable.append(one)
            else:
                found.append(one)
    return found, unreadable


def row_or_refusal(data: Path, file: LabelledFile) -> ManifestRow | UnreadableFile:
    """Decode the whole file, so that a cut-off one is found now and not in the middle of a training."""
    try:
        return row_of_radiograph(data, file, read_radiograph(data / file.path))
    except RefusedRadiograph as refusal:
        return unreadable_file(data, file, refusal)


def row_of_radiograph(data: Path, file: LabelledFile, radiograph: Radiograph) -> ManifestRow:
    """The row of a file that was read; width, height and mode as stored, as `read_kermany` has them."""
    (height_px, width_px), mode = radiograph.gray.shape, "DICOM"
    if radiograph.media_type != DICOM:
        with Image.open(data / file.path) as picture:
            (width_px, height_px), mode = picture.size, picture.mode
    return ManifestRow(
        path=file.path,
        sha256=radiograph.sha256,
        label=file.label,
        subtype=file.subtype,
        patient=file.patient,
        split=file.split,
        width_px=width_px,
        height_px=height_px,
        mode=mode,
    )


def unreadable_file(data: Path, file: LabelledFile, refusal: RefusedRadiograph) -> UnreadableFile:
    """The refusal without the data folder in its message."""
    return UnreadableFile(file.path, refusal.code, refusal.message.removeprefix(f"{data / file.path}: "))
