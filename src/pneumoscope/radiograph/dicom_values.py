"""The values of a DICOM radiograph after the modality LUT or rescale, before any window (PS3.3 C.11.1, C.11.2)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from jaxtyping import Integer
from pydicom.dataset import Dataset

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.dicom import chest_dicom
from pneumoscope.radiograph.dicom_file import number, numbers, text
from pneumoscope.radiograph.dicom_grayscale import Grayscale, bits_of, first_item, grayscale
from pneumoscope.radiograph.dicom_pixels import GRAY, damaged_pixels, stored_values
from pneumoscope.radiograph.gate import one_large_picture_at_a_time
from pneumoscope.radiograph.picture_values import (
    MOST_STEPS,
    PADDING,
    PictureValues,
    Window,
    hidden_shares,
    nearest_window,
    pixels_of_each,
    thinned,
)

MOST_WINDOWS: Final = 9
"""Of a header: nobody chooses among more."""
_UNITS = frozenset({"HU", "OD"})


def values_of_dicom(data: bytes, *, longer_px: int) -> PictureValues | None:
    """Of the bytes of a file; None where it is not gray, or all of it is padding. `RefusedRadiograph` as for reading.

    Every error is ours: the words of pydicom and of the codecs may quote the header.
    """
    try:
        return _decoded(data, longer_px)
    except RefusedRadiograph:
        raise
    except Exception:  # noqa: BLE001 (every kind of error comes out of damaged files)
        raise damaged_pixels() from None


def _decoded(data: bytes, longer_px: int) -> PictureValues | None:
    file, pixels, _ = chest_dicom(data)
    if pixels.photometric not in GRAY:
        return None
    header = file.header
    with one_large_picture_at_a_time(pixels.rows, pixels.columns):
        stored = stored_values(file, pixels)
        found = grayscale(stored, header, little_endian=file.is_little_endian)
        by_table = bool(first_item(header, "ModalityLUTSequence"))
        unit = text(header, "RescaleType")
        return values_of_stored(
            bits_of(stored),
            found,
            stated_windows(header, found),
            slope=1.0 if by_table else number(header, "RescaleSlope") or 1.0,
            unit=unit if unit in _UNITS else "",
            longer_px=longer_px,
        )


def stated_windows(header: Dataset, found: Grayscale) -> tuple[Window, ...]:
    """The windows of the header where the picture is shown through the first; none for look-up tables and the full range.

    A SIGMOID window is as steep at its centre as the straight one of the same centre and width.
    """
    if found.warnings or first_item(header, "VOILUTSequence"):
        return ()
    exact = text(header, "VOILUTFunction") in {"SIGMOID", "LINEAR_EXACT"}
    pairs = zip(numbers(header, "WindowCenter"), numbers(header, "WindowWidth"), strict=False)
    windows = (Window(center, width, exact, stated=True) for center, width in pairs if center is not None and width)
    return tuple(dict.fromkeys(window for window in windows if window.width >= (0 if exact else 1)))[:MOST_WINDOWS]


def values_of_stored(
    index: Integer[np.ndarray, "rows columns"],
    found: Grayscale,
    stated: tuple[Window, ...],
    *,
    slope: float,
    unit: str,
    longer_px: int,
) -> PictureValues | None:
    """Of a DICOM picture: `index` are its stored values as unsigned numbers, `slope` their distance in `found.values`.

    None where all of it is padding. The longer side has `longer_px` at most.
    """
    seen = ~found.padding
    if not seen.any():
        return None
    smallest, largest = float(found.values[seen].min()), float(found.values[seen].max())
    step = abs(slope) * max(1, math.ceil((largest - smallest) / abs(slope) / MOST_STEPS))
    table = np.zeros(256**index.itemsize, np.uint16)
    codes = np.rint((found.values - smallest) / step).clip(0, MOST_STEPS) + 1
    table[found.occurring] = np.where(seen, codes, PADDING)
    below, above = hidden_shares(pixels_of_each(index)[found.occurring], found.brightness, found.padding)
    brightness = found.brightness[seen]
    falls = brightness[np.argmax(found.values[seen])] < brightness[np.argmin(found.values[seen])]
    return PictureValues(
        codes=thinned(table[index], longer_px),
        smallest=smallest,
        largest=largest,
        step=step,
        window=stated[0] if stated else nearest_window(found.values[seen], brightness),
        further_windows=stated[1:],
        inverted=found.inverted != bool(falls),
        black_share=above if found.inverted else below,
        white_share=below if found.inverted else above,
        unit=unit,
    )
