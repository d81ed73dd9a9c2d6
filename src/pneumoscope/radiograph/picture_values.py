"""The values of a radiograph as its file holds them, so that a person can look at them through any window.

A `Radiograph` has 256 gray levels, those of the file's own window. Here are the values before it, after the modality LUT or
rescale (PS3.3 C.11.1), in as many steps as 16 bits hold, and what the file's window leaves out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Integer, UInt16
from PIL import Image

from pneumoscope.radiograph.picture import Levels

PADDING: Final = 0
"""The code of a pixel that stands for "no picture here"."""
MOST_STEPS: Final = 65_534
"""Codes run from 1 to 65,535."""
_AVERAGED: Final = 4
"""Of many pixels that become one, so many a side are averaged; noise is gone by then."""
_COUNTED_PX: Final = 2048


@dataclass(frozen=True, slots=True)
class Window:
    """The window that a picture is first shown through, in the values' unit.

    By LINEAR_EXACT (PS3.3 C.11.2.1.3.2) where `exact`, else by LINEAR (C.11.2.1.2.1). `stated` where the file says it; else
    it is the straight line nearest to what is shown: the full range of values, or a look-up table.
    """

    center: float
    width: float
    exact: bool
    stated: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PictureValues:
    """Values on a grid: `smallest + step * (codes - 1)`; code 0 is padding.

    `smallest` and `largest` are those of the whole picture. Where `inverted`, large values are dark. `black_share` and
    `white_share` of the pixels, in [0, 1], have values that the file's window shows alike as black or white, though they
    differ. `further_windows` are the others that the file states. `unit` is the file's name of the unit where it is HU or OD, else "".
    """

    codes: UInt16[np.ndarray, "rows columns"]
    smallest: float
    largest: float
    step: float
    window: Window
    inverted: bool
    further_windows: tuple[Window, ...] = ()
    black_share: float = 0.0
    white_share: float = 0.0
    unit: str = ""


def values_of_levels(levels: Levels, *, longer_px: int) -> PictureValues:
    """Of any other picture with more than 256 levels: its own window is the range that is shown."""
    values = levels.values
    smallest, largest = float(values.min()), float(values.max())
    whole = values.dtype.kind in "iu"
    step = (largest - smallest) / MOST_STEPS or 1.0
    step = float(math.ceil(step)) if whole else step
    codes = np.empty(values.shape, np.uint16)
    for row, line in enumerate(values):  # row by row, to cost little memory
        codes[row] = np.rint((line.astype(np.float64) - smallest) / step) + 1
    return PictureValues(
        codes=thinned(codes, longer_px),
        smallest=smallest,
        largest=largest,
        step=step,
        window=window_between(levels.black, levels.white),
        inverted=levels.inverted,
    )


def nearest_window(values: Float[np.ndarray, " values"], brightness: Float[np.ndarray, " values"]) -> Window:
    """The straight line through what is shown dark gray and light gray, whichever way brightness runs."""
    dark, light = (int(np.argmin(np.abs(brightness - level))) for level in (0.25, 0.75))
    if brightness[dark] == brightness[light] or values[dark] == values[light]:
        return window_between(float(values.min()), float(values.max()))
    slope = (brightness[light] - brightness[dark]) / (values[light] - values[dark])
    ends = sorted(float(values[dark] + (level - brightness[dark]) / slope) for level in (0.0, 1.0))
    return window_between(*ends)


def window_between(black: float, white: float) -> Window:
    """From one value to another, by LINEAR_EXACT."""
    return Window(center=(black + white) / 2, width=(white - black) or 1.0, exact=True, stated=False)


def hidden_shares(
    pixels: Integer[np.ndarray, " values"],
    brightness: Float[np.ndarray, " values"],
    padding: Bool[np.ndarray, " values"],
) -> tuple[float, float]:
    """Shares of the pixels beyond the dark and the bright end of a window, in [0, 1], padding apart.

    Those with the commonest value beyond an end are not counted: an area that is filled with one value, or a saturated
    detector, has nothing to show with any window.
    """
    pixels = np.where(padding, 0, pixels)
    total = int(pixels.sum())
    beyond = (pixels[brightness <= 0], pixels[brightness >= 1])
    dark, bright = (int(each.sum() - each.max()) / total if len(each) and total else 0.0 for each in beyond)
    return dark, bright


def pixels_of_each(index: Integer[np.ndarray, "rows columns"]) -> Integer[np.ndarray, " values"]:
    """How often each value that could be stored occurs, on a grid of at most 2,048 pixels a side."""
    step = math.ceil(max(index.shape) / _COUNTED_PX)
    counts: np.ndarray = np.bincount(index[::step, ::step].ravel(), minlength=256**index.itemsize)
    return counts


def thinned(codes: UInt16[np.ndarray, "rows columns"], longer_px: int) -> UInt16[np.ndarray, "some_rows some_columns"]:
    """Means of codes on a grid of at most `longer_px` a side; padding where it is more than half of what is averaged."""
    scale = longer_px / max(codes.shape)
    if scale >= 1:
        return codes
    rows, columns = (max(1, round(side * scale)) for side in codes.shape)
    step = max(1, int(1 / scale) // _AVERAGED)
    sampled = codes[::step, ::step]
    known = _means(sampled != PADDING, rows, columns)
    means = _means(sampled, rows, columns) / np.maximum(known, 0.5)
    return np.where(known >= 0.5, np.rint(means).clip(1, MOST_STEPS + 1), PADDING).astype(np.uint16)


def _means(values: np.ndarray, rows: int, columns: int) -> Float[np.ndarray, "rows columns"]:
    picture = Image.fromarray(values.astype(np.float32))
    return np.asarray(picture.resize((columns, rows), Image.Resampling.BOX))
