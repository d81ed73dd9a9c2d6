"""Stretch a saliency map over its radiograph and colour it: one colour means the same evidence in every picture.

The map covers the whole picture, so it is stretched to the picture's own width and height. Between the centres of the
cells runs a cubic (Catmull-Rom), down the rows and then along them, held each time between its two neighbours: smooth to
look at, and no place shows more or less evidence than the cells around it. A free cubic overshoots beside a hot cell.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Float32
from PIL import Image

from pneumoscope.arrays import GrayPicture, SaliencyMap
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.png import png_bytes

FineMap: TypeAlias = Float32[np.ndarray, "fine_rows fine_columns"]

SAMPLES_PER_CELL = 16
"""Evidence is interpolated in floating point on this grid; from there to the screen only colour levels are."""


def blended(gray: GrayPicture, saliency_map: SaliencyMap, coloring: Coloring) -> Image.Image:
    """The overlay alone, at the size of the radiograph."""
    picture = Image.fromarray(gray).convert("RGB")
    lay_over(picture, (0, 0), picture.size, saliency_map, coloring)
    return picture


def heat_map_png(saliency_map: SaliencyMap, coloring: Coloring, size: tuple[int, int]) -> bytes:
    """The coloured picture only, `size` = (width, height), as a PNG that is transparent where there is no evidence.

    Laid over the radiograph it gives what `blended` gives.
    """
    picture = _colored(level_picture(saliency_map, coloring, size), coloring)
    picture.info["transparency"] = bytes(coloring.opacities)
    return png_bytes(picture)


def lay_over(
    picture: Image.Image, corner: tuple[int, int], size: tuple[int, int], saliency_map: SaliencyMap, coloring: Coloring
) -> None:
    """Colour the part of an RGB picture that begins at `corner` (left, top) and holds a radiograph of `size`."""
    levels = level_picture(saliency_map, coloring, size)
    picture.paste(_colored(levels, coloring).convert("RGB"), corner, levels.point(coloring.opacities))


def level_picture(saliency_map: SaliencyMap, coloring: Coloring, size: tuple[int, int]) -> Image.Image:
    """The levels of `coloring` at each pixel of a picture of `size` = (width, height)."""
    return Image.fromarray(coloring.levels(fine_map(saliency_map))).resize(size, Image.Resampling.BILINEAR)


def fine_map(saliency_map: SaliencyMap) -> FineMap:
    """The map on a grid `SAMPLES_PER_CELL` times as fine, as it is drawn."""
    finer: FineMap = _with_finer_rows(_with_finer_rows(saliency_map).T).T
    return finer


def _with_finer_rows(saliency_map: SaliencyMap) -> FineMap:
    """The map with `SAMPLES_PER_CELL` times as many rows, each value held between those of the rows above and below."""
    map_rows, map_columns = saliency_map.shape
    size = (map_columns, map_rows * SAMPLES_PER_CELL)
    cubic = np.asarray(Image.fromarray(saliency_map).resize(size, Image.Resampling.BICUBIC))
    padded = np.pad(saliency_map, ((1, 1), (0, 0)), mode="edge")
    half = SAMPLES_PER_CELL // 2
    lowest, highest = (
        extreme(padded[:-1], padded[1:]).repeat(SAMPLES_PER_CELL, axis=0)[half:-half]
        for extreme in (np.minimum, np.maximum)
    )
    finer: FineMap = np.clip(cubic, lowest, highest)
    return finer


def _colored(levels: Image.Image, coloring: Coloring) -> Image.Image:
    picture = Image.frombytes("P", levels.size, levels.tobytes())
    picture.putpalette(coloring.colors)
    return picture
