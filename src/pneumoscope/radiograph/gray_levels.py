"""Bring pixel values of more than 8 bits to the 256 gray levels of a `Radiograph`."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from pneumoscope.arrays import GrayPicture
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.radiograph import RadiographWarning, WarningCode
from pneumoscope.radiograph.refusal import RefusalCode

_BLOCK_PIXELS = 1_000_000


def gray_from_integers(values: np.ndarray, *, stated_bits: int) -> tuple[GrayPicture, tuple[RadiographWarning, ...]]:
    """Scale `range_of_integers` to 0 .. 255, and warn where nothing says that it is the right one."""
    black, white = range_of_integers(values)
    gray = scaled(values, black, white)
    if black < 0:
        warning = _inferred(f"Its values run from {black:,} to {white:,}; these were shown as black and white.")
        return gray, (warning,)
    bits = white.bit_length()
    if bits == stated_bits:
        return gray, ()
    return gray, (_inferred(f"Its largest value is {int(values.max()):,}; it was read as a {bits}-bit picture."),)


def range_of_integers(values: np.ndarray) -> tuple[int, int]:
    """The values that are black and white: 0 and 2**bits - 1, or the smallest and largest where some are negative.

    A 16-bit file often holds 10 or 12 bits, and nothing in it says so; shown as 16 bits it would be black. So the
    fewest bits that hold the largest value are taken, 8 at least.
    """
    smallest, largest = int(values.min()), int(values.max())
    return (smallest, largest) if smallest < 0 else (0, 2 ** max(8, largest.bit_length()) - 1)


def gray_from_floats(values: np.ndarray) -> tuple[GrayPicture, tuple[RadiographWarning, ...]]:
    """Scale `range_of_floats` to 0 .. 255, and warn where it is not 0 to 1."""
    black, white = range_of_floats(values)
    gray = scaled(values, black, white)
    if (black, white) == (0, 1):
        return gray, ()
    warning = _inferred(f"Its values run from {black:g} to {white:g}; these were shown as black and white.")
    return gray, (warning,)


def range_of_floats(values: np.ndarray) -> tuple[float, float]:
    """0 and 1 where all values lie between them, else the smallest and largest; refused where some are not finite."""
    smallest, largest = float(values.min()), float(values.max())
    if not np.isfinite([smallest, largest]).all():
        raise RefusedRadiograph(
            RefusalCode.CORRUPT,
            "Some of its pixels are not a number, or infinite.",
            remedy="Export the picture with whole numbers, 8 or 16 bits.",
        )
    return (0.0, 1.0) if smallest >= 0 and largest <= 1 else (smallest, largest)


def scaled(values: np.ndarray, black: float, white: float) -> UInt8[np.ndarray, ...]:
    """`black` to 0 and `white` to 255, rounded to the nearest; block by block, to cost little memory."""
    gray = np.empty(values.shape, dtype=np.uint8)
    span = (white - black) or 1.0
    rows_a_block = max(1, _BLOCK_PIXELS // values.shape[-1])
    for top in range(0, len(values), rows_a_block):
        block = (values[top : top + rows_a_block].astype(np.float64) - black) * 255 / span
        gray[top : top + rows_a_block] = np.rint(block).clip(0, 255)
    return gray


def _inferred(message: str) -> RadiographWarning:
    return RadiographWarning(WarningCode.PIXEL_RANGE_INFERRED, message)
