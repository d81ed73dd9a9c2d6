"""Boxes that readers drew, from any CSV in pixels, and how the map meets them.

One line a box: `path,x,y,width,height` and maybe `label`; `x`, `y` are its left and upper edge in the radiograph's own
pixels, `path` is as in the manifest.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.arrays import LungMask, SaliencyMap
from pneumoscope.dataset.manifest import table_reader
from pneumoscope.errors import UnusableData
from pneumoscope.explanation.localization import share_inside
from pneumoscope.explanation_audit.maps import points_into, stretched

COLUMNS = ("path", "x", "y", "width", "height")
HOT_SHARE = 0.5
"""The hot region: everything from this share of the map's largest value. Fixed, so that no threshold is tuned."""
MEASURES = ("pointing", "iou", "energy")
BEYOND_PX = 1
"""By how much a box may reach beyond its file: rounding, but no box in pixels of another size."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box, in pixels of the radiograph of `path`; `label` may be empty."""

    path: str
    x: float
    y: float
    width: float
    height: float
    label: str

    def lies_in(self, shape: tuple[int, int]) -> bool:
        """Whether a radiograph of this shape (rows, columns) holds it, but for rounding."""
        rows, columns = shape
        starts = self.x >= -BEYOND_PX and self.y >= -BEYOND_PX
        return starts and self.x + self.width <= columns + BEYOND_PX and self.y + self.height <= rows + BEYOND_PX

    def mask(self, shape: tuple[int, int], size_px: int) -> LungMask:
        """The box on the model's grid, for a radiograph of this shape (rows, columns); True where a pixel's centre is in."""
        rows, columns = ((np.arange(size_px) + 0.5) * (length / size_px) for length in shape)
        inside: LungMask = np.outer(
            (rows >= self.y) & (rows < self.y + self.height), (columns >= self.x) & (columns < self.x + self.width)
        )
        return inside


def read_boxes(path: Path) -> dict[str, list[Box]]:
    """Boxes by the radiograph's path; `UnusableData` names what is wrong and the line."""
    remedy = f"Boxes have the columns {', '.join(COLUMNS)} and maybe label, in pixels."
    reader = table_reader("boxes-columns", path, COLUMNS, remedy=remedy)
    boxes: dict[str, list[Box]] = {}
    for entry in reader:
        box = box_of(path, reader.line_num, entry)
        boxes.setdefault(box.path, []).append(box)
    return boxes


def box_of(path: Path, line: int, entry: Mapping[str, str | None]) -> Box:
    """One checked box."""
    try:
        x, y, width, height = (float(entry[name] or "") for name in COLUMNS[1:])
    except ValueError as error:
        raise unusable_box(path, line, str(error)) from error
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise unusable_box(path, line, "a box has a place, and a width and height above 0")
    return Box(str(entry["path"]), x, y, width, height, entry.get("label") or "")


def unmatched_boxes(boxes: Mapping[str, Sequence[Box]], paths: Collection[str]) -> int:
    """How many boxes are of none of these radiographs; `UnusableData` where all are."""
    unmatched = [path for path in boxes if path not in paths]
    if boxes and len(unmatched) == len(boxes):
        raise UnusableData(
            "boxes-unmatched",
            f"No box is of a radiograph that is audited; the first is of {unmatched[0]}.",
            remedy="Write the paths of the boxes as in the manifest, and choose the --split whose radiographs they are of.",
        )
    return sum(len(boxes[path]) for path in unmatched)


def box_measures(
    boxes: Sequence[Box], shape: tuple[int, int], orders: Mapping[str, SaliencyMap], size_px: int
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Means over a radiograph's boxes as `boxes/MEASURE/ORDER`, and the numbers of each box by the map named first.

    `UnusableData` for a box that reaches beyond the radiograph of this shape (rows, columns) by more than a pixel, or
    lies between two pixels of the model's grid.
    """
    masks = [box.mask(shape, size_px) for box in boxes]
    for box, mask in zip(boxes, masks, strict=True):
        if not box.lies_in(shape):
            raise unfit_box(box, f"reaches beyond its {shape[1]} x {shape[0]} pixels")
        if not mask.any():
            raise unfit_box(box, f"lies between two pixels of the model's {size_px} x {size_px}")
    measured = {}
    by_box: list[dict[str, Any]] = [{"path": box.path, "label": box.label} for box in boxes]
    for number, (order, saliency_map) in enumerate(orders.items()):
        found = [one_box(saliency_map, mask) for mask in masks]
        for measure in MEASURES:
            measured[f"boxes/{measure}/{order}"] = float(np.mean([values[measure] for values in found]))
        if number == 0:
            by_box = [box | json_values(values) for box, values in zip(by_box, found, strict=True)]
    measured["boxes/area"] = float(np.mean([mask.mean() for mask in masks]))
    return measured, by_box


def one_box(saliency_map: SaliencyMap, mask: LungMask) -> dict[str, float]:
    """Whether the hottest place lies in the box, overlap of box and hot region, share of the heat in the box."""
    hottest = float(saliency_map.max())
    hot = stretched(saliency_map, len(mask)) >= HOT_SHARE * hottest if hottest > 0 else np.zeros_like(mask)
    return {
        "pointing": points_into(saliency_map, mask),
        "iou": float((hot & mask).sum() / (hot | mask).sum()),
        "energy": share_inside(saliency_map, mask),
    }


def json_values(values: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no NaN."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def unfit_box(box: Box, reason: str) -> UnusableData:
    """The error for a box that is not of its file."""
    place = f"x {box.x:g}, y {box.y:g}, width {box.width:g}, height {box.height:g}"
    return UnusableData(
        "boxes-outside",
        f"A box of {box.path} ({place}) {reason}.",
        remedy="Boxes are in pixels of the file that is audited, x and y from its upper left corner: scale those of the "
        "original with the resized copy.",
    )


def unusable_box(path: Path, line: int, reason: str) -> UnusableData:
    """The error for one line."""
    return UnusableData(
        "boxes-row", f"{path}, line {line}: {reason}.", remedy="Write x, y, width and height as numbers, in pixels."
    )
