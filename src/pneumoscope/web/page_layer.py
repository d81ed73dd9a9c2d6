"""What lies over the radiograph on the page, drawn anew of the map's numbers when colours or method change.

So the colours on the page are those of every other output, and the radiograph need not be sent again.
"""

from __future__ import annotations

import io
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Final

import numpy as np
from PIL import Image, PngImagePlugin
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from pneumoscope.arrays import SaliencyMap
from pneumoscope.explanation.coloring import DEFAULT_COLORMAP, Coloring
from pneumoscope.explanation.contours import draw_contours, levels_of_scale
from pneumoscope.explanation.heat_map import heat_map_png
from pneumoscope.explanation.png import png_bytes
from pneumoscope.radiograph.containers import DRAWN_MARK

HEAT_MAP_PX: Final = 640
"""Longer side of the coloured layer; the map itself is far coarser."""
MOST_CELLS: Final = 64
MOST_PX: Final = 1280
KEY_ALPHA: Final = 0.8
"""The key to the colours is drawn stronger than the overlay at first is, so that it reads on light and dark."""

Row = Annotated[list[FiniteFloat], Field(min_length=1, max_length=MOST_CELLS)]


class LayerKind(StrEnum):
    """Colours that a slider makes stronger or weaker, or lines that leave the picture below as it is."""

    COLORS = "colors"
    CONTOURS = "contours"


class Layer(BaseModel):
    """One layer that the page asks for: a map as the server gave it, and how to draw it."""

    model_config = ConfigDict(extra="forbid")

    kind: LayerKind
    map: Annotated[list[Row], Field(min_length=1, max_length=MOST_CELLS)]
    color_map: Annotated[str, Field(max_length=60)] = DEFAULT_COLORMAP
    columns_px: Annotated[int, Field(ge=1, le=MOST_PX)]
    rows_px: Annotated[int, Field(ge=1, le=MOST_PX)]

    @model_validator(mode="after")
    def rows_are_alike(self) -> Layer:
        """A map is a rectangle."""
        if len({len(row) for row in self.map}) != 1:
            raise ValueError("rows of different lengths")
        return self

    @property
    def saliency_map(self) -> SaliencyMap:
        return np.array(self.map, np.float32)


def layer_png(layer: Layer, *, scale_logit: float) -> bytes:
    """The layer as a PNG that is transparent where nothing is drawn; `UnusableOption` for an unknown colour map."""
    coloring = Coloring(scale_logit=scale_logit, colormap=layer.color_map, alpha=1.0)
    size = (layer.columns_px, layer.rows_px)
    if layer.kind is LayerKind.COLORS:
        scale = min(1.0, HEAT_MAP_PX / max(size))
        return heat_map_png(layer.saliency_map, coloring, (side(size[0], scale), side(size[1], scale)))
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    draw_contours(picture, layer.saliency_map, coloring, levels_of_scale(coloring))
    mark = PngImagePlugin.PngInfo()
    keyword, _, text = DRAWN_MARK.partition(b"\0")
    mark.add_text(keyword.decode(), text.decode())
    content = io.BytesIO()
    picture.save(content, "PNG", pnginfo=mark)
    return content.getvalue()


def side(length_px: int, scale: float) -> int:
    """One side of a smaller picture, one pixel at least."""
    return max(1, round(length_px * scale))


def key_png(coloring: Coloring) -> bytes:
    """The colours from the lower end of the scale (left) to the upper (right), as a strip one pixel high."""
    coloring = replace(coloring, alpha=KEY_ALPHA)
    strip = Image.frombytes("P", (256, 1), bytes(range(256)))
    strip.putpalette(coloring.colors)
    strip.info["transparency"] = bytes(coloring.opacities)
    return png_bytes(strip)
