"""What may pass as a radiograph: sizes told from headers before anything is decoded, blankness and colour after."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from jaxtyping import Float, UInt8

from pneumoscope.arrays import ColorPicture, GrayPicture
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.radiograph import RadiographWarning, WarningCode
from pneumoscope.radiograph.refusal import RefusalCode

MOST_BYTES = 512 * 1024 * 1024
MOST_PIXELS = 100_000_000
LARGE_PIXELS = 25_000_000
SHORTEST_SIDE_PX = 64
MODEL_SIDE_PX = 224
LONGEST_ASPECT_RATIO = 2.5

BLANK_SHARE = 0.999
BLANK_STANDARD_DEVIATION = 1.0
LOW_CONTRAST_LEVELS = 24

COLOUR_CHROMA = 0.12
COLOUR_SHARE = 0.10

_SAMPLE_SIDE_PX = 128
_GLANCE_SIDE_PX = 32
_GRAY_LEVELS = np.arange(256)
_large_picture = threading.Lock()


def refuse_file_size(size_bytes: int) -> None:
    """Refuse a file without bytes, or with more than are read."""
    if size_bytes == 0:
        raise RefusedRadiograph(
            RefusalCode.EMPTY_FILE, "The file is empty: 0 bytes.", remedy="Copy or export the file once more."
        )
    if size_bytes > MOST_BYTES:
        raise RefusedRadiograph(
            RefusalCode.TOO_LARGE,
            f"The file has {size_bytes:,} bytes; at most {MOST_BYTES:,} are read.",
            remedy="Export one radiograph a file, in 8 or 16 bits.",
        )


def refuse_picture_size(rows: int, columns: int) -> None:
    """Refuse what is too small to show a chest, or so large that decoding it would cost too much memory."""
    if min(rows, columns) < SHORTEST_SIDE_PX:
        raise RefusedRadiograph(
            RefusalCode.TOO_SMALL,
            f"The picture is {columns:,} x {rows:,} px; each side needs at least {SHORTEST_SIDE_PX} px.",
            remedy="Export the radiograph itself at full size, not a thumbnail or an icon.",
        )
    if rows * columns > MOST_PIXELS:
        raise RefusedRadiograph(
            RefusalCode.TOO_LARGE,
            f"The picture is {columns:,} x {rows:,} px; at most {MOST_PIXELS:,} pixels are read.",
            remedy="Export the radiograph at the size of its detector or scaled down.",
        )


@contextmanager
def one_large_picture_at_a_time(rows: int, columns: int) -> Iterator[None]:
    """Threads wait for each other here with pictures of many pixels, which take up to 17 bytes a pixel to decode."""
    if rows * columns <= LARGE_PIXELS:
        yield
        return
    with _large_picture:
        yield


def check_shown(gray: GrayPicture) -> tuple[RadiographWarning, ...]:
    """Refuse a blank picture; warn where it is small, long or flat. Looks at 16,384 pixels at most, on a grid."""
    flat = _may_be_flat(gray)
    levels = np.bincount(_on_a_grid(gray).ravel(), minlength=256) if flat else None
    if levels is not None:
        _refuse_blank(levels)
    rows, columns = gray.shape
    warnings = []
    if min(rows, columns) < MODEL_SIDE_PX:
        message = f"The picture is {columns} x {rows} px; the model sees {MODEL_SIDE_PX} x {MODEL_SIDE_PX} px."
        warnings.append(RadiographWarning(WarningCode.LOW_RESOLUTION, message))
    if max(rows, columns) > LONGEST_ASPECT_RATIO * min(rows, columns):
        message = f"The picture is {columns} x {rows} px; no chest is so long or so wide. Is it cropped or a collage?"
        warnings.append(RadiographWarning(WarningCode.ODD_ASPECT_RATIO, message))
    if levels is not None and (used := levels_used(levels)) < LOW_CONTRAST_LEVELS:
        message = f"98 % of the pixels lie within {used} of 256 gray levels; the picture hardly has contrast."
        warnings.append(RadiographWarning(WarningCode.LOW_CONTRAST, message))
    return tuple(warnings)


def check_colour(colours: ColorPicture) -> tuple[RadiographWarning, ...]:
    """Refuse a colour photograph; let a uniform tint and a few coloured marks pass. Takes a sample of the pixels.

    A tinted film is one whose colour depends on its gray level alone: each channel is a smooth function of gray. What
    is left when that function (a parabola) is taken off is colour of its own.
    """
    sample = _on_a_grid(colours)
    if _coloured_share(sample.astype(np.float64)) <= COLOUR_SHARE:
        return ()
    share = _coloured_share(_tint_taken_off(sample))
    if share > COLOUR_SHARE:
        raise RefusedRadiograph(
            RefusalCode.COLOUR_PHOTOGRAPH,
            f"{share:.0%} of the pixels have a colour of their own; a radiograph has at most {COLOUR_SHARE:.0%}.",
            remedy="Give the radiograph itself in gray, without a coloured overlay, frame or background.",
        )
    return (RadiographWarning(WarningCode.TINTED_FILM, "The picture has one uniform tint; it was read as gray."),)


def levels_used(levels: np.ndarray) -> int:
    """Width of the range of gray levels that holds the middle 98 % of a histogram."""
    below = np.cumsum(levels) / levels.sum()
    return int(np.searchsorted(below, 0.99)) - int(np.searchsorted(below, 0.01)) + 1


def _may_be_flat(gray: GrayPicture) -> bool:
    """Whether the middle 80 % of about a thousand pixels lie within few gray levels, so that a closer look is due."""
    few = np.sort(_on_a_grid(gray, _GLANCE_SIDE_PX), axis=None)
    tenth = len(few) // 10
    return int(few[-1 - tenth]) - int(few[tenth]) < LOW_CONTRAST_LEVELS


def _refuse_blank(levels: np.ndarray) -> None:
    total = levels.sum()
    within_one_level = (levels[:-2] + levels[1:-1] + levels[2:]).max() / total
    mean = levels @ _GRAY_LEVELS / total
    deviation = math.sqrt(max(0.0, levels @ _GRAY_LEVELS**2 / total - mean**2))
    if within_one_level >= BLANK_SHARE or deviation < BLANK_STANDARD_DEVIATION:
        raise RefusedRadiograph(
            RefusalCode.BLANK,
            f"The picture is blank: {within_one_level:.1%} of it is one gray level, about {mean:.0f} of 255.",
            remedy="Check that the export holds the picture and that its window shows it.",
        )


def _coloured_share(colours: Float[np.ndarray, "rows columns 3"]) -> float:
    chroma = colours.max(axis=-1) - colours.min(axis=-1)
    return float((chroma > COLOUR_CHROMA * 255).mean())


def _tint_taken_off(colours: ColorPicture) -> Float[np.ndarray, "rows columns 3"]:
    channels = colours.reshape(-1, 3).astype(np.float64)
    gray = channels.mean(axis=1) / 255
    parabola = np.stack([np.ones_like(gray), gray, gray**2], axis=1)
    coefficients, *_ = np.linalg.lstsq(parabola, channels, rcond=None)
    return np.asarray((channels - parabola @ coefficients).reshape(colours.shape))


def _on_a_grid(
    picture: UInt8[np.ndarray, "rows columns *channels"], side_px: int = _SAMPLE_SIDE_PX
) -> UInt8[np.ndarray, "some_rows some_columns *channels"]:
    row_step, column_step = (math.ceil(side / side_px) for side in picture.shape[:2])
    return picture[::row_step, ::column_step]
