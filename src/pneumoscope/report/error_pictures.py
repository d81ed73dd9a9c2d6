"""A small picture of a radiograph for the error gallery: the film, and beside it the overlay of the bundle's path."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from pneumoscope.arrays import GrayPicture
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.heat_map import blended
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.radiograph import Radiograph
from pneumoscope.radiograph.reading import read_radiograph

SIDE_PX: Final = 320
GAP_PX: Final = 6
QUALITY: Final = 82
MEDIA_TYPE: Final = "image/jpeg"
ABSENT: Final = "the file is not in the data folder"


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG of at most 320 px a panel."""

    jpeg: bytes
    width_px: int
    height_px: int
    has_overlay: bool


def picture_of(data: Path, path: str, predictor: Predictor | None) -> tuple[Picture | None, list[str]]:
    """The picture of the file that `path` names in `data`, and what reading and scoring it warn of.

    No picture, and the reason instead, where the file cannot be read or lies outside of `data`.
    """
    place = inside(data, path)
    if place is None:
        return None, [ABSENT]
    try:
        radiograph = read_radiograph(place)
        if predictor is None:
            return drawn(small(radiograph.gray)), warnings_of(radiograph)
        prediction = predictor.predict_ungated(radiograph)
    except RefusedRadiograph as refusal:
        return None, [f"the file cannot be shown: {refusal.message}"]
    coloring = Coloring(scale_logit=predictor.bundle.card.saliency.scale_logit)
    gray = small(radiograph.gray)
    overlay = blended(gray_picture(gray), prediction.saliency_map, coloring)
    return drawn(gray, overlay), [warning.message for warning in prediction.warnings]


def inside(data: Path, path: str) -> Path | None:
    """The file, unless its name leads out of the folder; links inside the folder are followed."""
    folder = os.path.abspath(data)  # noqa: PTH100 - resolving would follow links, of which fetched data may consist
    place = os.path.abspath(data / path)  # noqa: PTH100
    is_below = place.startswith(folder.rstrip(os.sep) + os.sep)
    return Path(place) if is_below and "\0" not in path and Path(place).is_file() else None


def warnings_of(radiograph: Radiograph) -> list[str]:
    """Those of reading alone."""
    return [warning.message for warning in radiograph.warnings]


def small(gray: GrayPicture) -> Image.Image:
    """At most `SIDE_PX` long; what is smaller stays as it is."""
    picture = Image.fromarray(gray)
    picture.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    return picture


def gray_picture(picture: Image.Image) -> GrayPicture:
    """The gray values again."""
    gray: GrayPicture = np.asarray(picture)
    return gray


def drawn(*panels: Image.Image) -> Picture:
    """Panels side by side as one JPEG."""
    width = sum(panel.width for panel in panels) + GAP_PX * (len(panels) - 1)
    sheet = Image.new("RGB", (width, panels[0].height), (16, 18, 21))
    left = 0
    for panel in panels:
        sheet.paste(panel.convert("RGB"), (left, 0))
        left += panel.width + GAP_PX
    content = io.BytesIO()
    sheet.save(content, "JPEG", quality=QUALITY, optimize=True)
    return Picture(content.getvalue(), sheet.width, sheet.height, has_overlay=len(panels) > 1)
