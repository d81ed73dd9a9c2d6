"""Cues that need no medicine: what of a radiograph's size, border or coarse look may tell its label."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pneumoscope.dataset.examination import Examined
from pneumoscope.dataset.manifest import Label, ManifestRow, Split, in_split, table_reader
from pneumoscope.dataset.split import k_folds
from pneumoscope.errors import UnusableData

FOLDS = 5
UNKNOWN = float("nan")
OriginalSizes = dict[str, tuple[float, float]]
Sizes = Float[np.ndarray, "radiographs 2"]


def cue_features(examined: Sequence[Examined], sizes_px: Sizes) -> dict[str, np.ndarray]:
    """Each cue as features of the order of 1, one row a radiograph; sizes as powers of two."""
    file_sizes = np.array([[seen.file_size_bytes] for seen in examined], np.float64)
    return {
        "width": np.log2(sizes_px[:, :1]),
        "height": np.log2(sizes_px[:, 1:]),
        "width_and_height": np.log2(sizes_px),
        "aspect_ratio": sizes_px[:, :1] / sizes_px[:, 1:],
        "file_size": np.log2(file_sizes),
        "border": np.array([[seen.border_gray / 255] for seen in examined]),
        "thumbnail": np.stack([seen.thumbnail.ravel() / 255 for seen in examined]),
    }


def cue_medians(examined: Sequence[Examined], sizes_px: Sizes) -> dict[str, Any]:
    """The median of each simple cue, by split and label."""
    rows = [seen.row for seen in examined]
    values = {
        "width_px": sizes_px[:, 0],
        "height_px": sizes_px[:, 1],
        "aspect_ratio": sizes_px[:, 0] / sizes_px[:, 1],
        "file_size_bytes": np.array([seen.file_size_bytes for seen in examined], np.float64),
        "border_gray": np.array([seen.border_gray for seen in examined]),
    }
    parts: dict[str, list[Split]] = {"all": list(Split)}
    parts |= {split: [split] for split in Split if in_split(rows, split)}
    return {
        name: {
            part: {label: median_of(column, rows, splits, label) for label in Label} for part, splits in parts.items()
        }
        for name, column in values.items()
    }


def median_of(
    column: Float[np.ndarray, " radiographs"], rows: Sequence[ManifestRow], splits: Sequence[Split], label: Label
) -> float | None:
    """The median over the known values of these splits and this label; None where there are none."""
    chosen = np.array([row.label == label and row.split in splits for row in rows]) & np.isfinite(column)
    return round(float(np.median(column[chosen])), 4) if chosen.any() else None


def training_folds(rows: Sequence[ManifestRow], generator: np.random.Generator) -> Int[np.ndarray, " radiographs"]:
    """The fold of each training row, by patient and stratified; -1 for other splits. One fold where patients are few."""
    training = in_split(rows, Split.TRAIN)
    numbers = np.full(len(rows), -1)
    where = np.array([row.split is Split.TRAIN for row in rows])
    numbers[where] = 0
    if len({row.patient for row in training}) >= 2 * FOLDS:
        for number, fold in enumerate(k_folds(training, k=FOLDS, generator=generator)):
            numbers[where] = np.where([row.split is Split.VALIDATION for row in fold], number, numbers[where])
    return numbers


SIZE_COLUMNS = ("split", "label", "file", "original_width_px", "original_height_px")


def read_original_sizes(table: Path) -> OriginalSizes:
    """Path → original width and height in px, for data whose copies were resized; `UnusableData` names a wrong line.

    Both cells empty means that the size is not known (NaN).
    """
    remedy = f"A table of original sizes has the columns {', '.join(SIZE_COLUMNS)}."
    reader = table_reader("sizes-columns", table, SIZE_COLUMNS, remedy=remedy)
    sizes: OriginalSizes = {}
    for entry in reader:
        cells = entry["original_width_px"], entry["original_height_px"]
        try:
            size = (UNKNOWN, UNKNOWN) if cells == ("", "") else (float(int(cells[0])), float(int(cells[1])))
        except (TypeError, ValueError):
            size = 0, 0
        if min(size) < 1:
            raise UnusableData(
                "sizes-row",
                f"{table}, line {reader.line_num}: width and height are not whole numbers of pixels.",
                remedy="Correct that line.",
            )
        sizes[f"{entry['split']}/{entry['label']}/{entry['file']}"] = size
    return sizes


def sizes_of(examined: Sequence[Examined], original: OriginalSizes | None) -> Sizes:
    """Width and height of each radiograph: the original ones where they are given, for every radiograph or not at all."""
    if original is None:
        return np.array([(seen.row.width_px, seen.row.height_px) for seen in examined], np.float64)
    unknown = [seen.row.path for seen in examined if seen.row.path not in original]
    if unknown:
        raise UnusableData(
            "sizes-missing",
            f"The table of original sizes lacks {len(unknown)} radiographs, the first is {unknown[0]}.",
            remedy="split/label/file of the table must be the path in the data folder; leave --sizes away otherwise.",
        )
    return np.array([original[seen.row.path] for seen in examined], np.float64)
