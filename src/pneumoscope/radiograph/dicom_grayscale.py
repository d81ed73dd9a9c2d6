"""Turn stored DICOM values into a picture where bright means dense (PS3.3 C.7.6.3, C.11).

Every step is a function of the stored value alone, so it is computed once for each value that occurs (65,536 at most)
and the pixels are looked up in the resulting table: fast, and in little memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Integer, UInt8
from pydicom.dataset import Dataset

from pneumoscope.arrays import GrayPicture
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.dicom_file import integer, number, sixteen_bit_values, text
from pneumoscope.radiograph.radiograph import RadiographWarning, WarningCode
from pneumoscope.radiograph.refusal import RefusalCode

Values = Float64[np.ndarray, " values"]
"""One number for each stored value that occurs."""

Brightness = Float64[np.ndarray, " values"]
"""0 is black, 1 is white."""

_WINDOW_WARNING = "The window in the header cannot be or shows nothing; the full range of values was shown instead."
_LUT_WARNING = "The look-up table in the header cannot be or shows nothing; the full range of values was shown instead."
_LEAST_SHOWN = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Grayscale:
    """The pipeline for each stored value that occurs, in ascending order of its bits (`occurring`).

    `values` are those after the modality LUT or rescale, `brightness` that of the file's own window or LUT before
    `inverted` turns it round. `padding` marks values that stand for "no picture here".
    """

    occurring: Integer[np.ndarray, " values"]
    padding: Bool[np.ndarray, " values"]
    values: Values
    brightness: Brightness
    inverted: bool
    warnings: tuple[RadiographWarning, ...]


def shown(
    stored: Integer[np.ndarray, "rows columns"], header: Dataset, *, little_endian: bool
) -> tuple[GrayPicture, tuple[RadiographWarning, ...]]:
    """The grayscale pipeline for 8 and 16-bit stored values, MONOCHROME1 and MONOCHROME2."""
    found = grayscale(stored, header, little_endian=little_endian)
    brightness = 1 - found.brightness if found.inverted else found.brightness
    table = np.zeros(256**stored.itemsize, dtype=np.uint8)
    table[found.occurring] = eight_bits(np.where(found.padding, 0.0, brightness))
    return table[bits_of(stored)], found.warnings


def grayscale(stored: Integer[np.ndarray, "rows columns"], header: Dataset, *, little_endian: bool) -> Grayscale:
    """Each step for the values that occur; `RefusedRadiograph` where the modality LUT or rescale cannot be."""
    index = bits_of(stored)
    occurs = np.zeros(256**stored.itemsize, dtype=bool)
    occurs[index] = True
    occurring = np.flatnonzero(occurs)
    values = occurring.astype(index.dtype).view(stored.dtype).astype(np.float64)
    padding = is_padding(values, header)
    modality = modality_values(values, header, little_endian=little_endian)
    brightness, warnings = value_of_interest(modality, header, padding, little_endian=little_endian)
    return Grayscale(occurring, padding, modality, brightness, is_inverted(header), warnings)


def bits_of(stored: Integer[np.ndarray, "rows columns"]) -> Integer[np.ndarray, "rows columns"]:
    """Stored values as unsigned numbers of the same bits, to look them up in a table."""
    return stored.view(f"u{stored.itemsize}")


def is_padding(values: Values, header: Dataset) -> np.ndarray:
    """Stored values that stand for "no picture here": a value or a range of them (PS3.3 C.7.5.1.1.2)."""
    signed = bool(integer(header, "PixelRepresentation"))
    first, last = (
        sixteen_bit_values(header, keyword, little_endian=True, signed=signed)
        for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")
    )
    if not len(first):
        return np.zeros(len(values), dtype=bool)
    ends = (first[0], last[0] if len(last) else first[0])
    return np.asarray((values >= min(ends)) & (values <= max(ends)))


def modality_values(values: Values, header: Dataset, *, little_endian: bool) -> Values:
    """Modality LUT, or rescale slope and intercept (PS3.3 C.11.1)."""
    if item := first_item(header, "ModalityLUTSequence"):
        signed = bool(integer(header, "PixelRepresentation"))
        if (mapped := looked_up(values, item, little_endian=little_endian, signed=signed)) is None:
            raise _impossible("(0028,3000) ModalityLUTSequence")
        return mapped[0]
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    if slope == 0 or (slope is None and "RescaleSlope" in header and text(header, "RescaleSlope")):
        raise _impossible("(0028,1053) RescaleSlope")
    return values * (1.0 if slope is None else slope) + (intercept or 0.0)


def value_of_interest(
    values: Values, header: Dataset, padding: np.ndarray, *, little_endian: bool
) -> tuple[Brightness, tuple[RadiographWarning, ...]]:
    """VOI LUT or window, the first of several (PS3.3 C.11.2); without one, the full range of the values."""
    brightness: Brightness | None = None
    warnings: tuple[RadiographWarning, ...] = ()
    if item := first_item(header, "VOILUTSequence"):
        signed = bool(len(values) and values.min() < 0)
        mapped = looked_up(values, item, little_endian=little_endian, signed=signed)
        brightness = None if mapped is None else mapped[0] / (2.0 ** mapped[1] - 1)
        warnings = _unless_shown(brightness, padding, _LUT_WARNING, "(0028,3010) VOILUTSequence")
    elif text(header, "WindowCenter") or text(header, "WindowWidth"):
        brightness = windowed(
            values, number(header, "WindowCenter"), number(header, "WindowWidth"), text(header, "VOILUTFunction")
        )
        warnings = _unless_shown(brightness, padding, _WINDOW_WARNING, "(0028,1051) WindowWidth")
    if brightness is None or warnings:
        brightness = _full_range(values, header, padding)
    return brightness, warnings


def looked_up(values: Values, item: Dataset, *, little_endian: bool, signed: bool) -> tuple[Values, int] | None:
    """The values through a LUT, and its bits (PS3.3 C.11.1.1.1); values beyond its ends take its first or last entry."""
    descriptor = sixteen_bit_values(item, "LUTDescriptor", little_endian=little_endian, signed=False)
    table = sixteen_bit_values(item, "LUTData", little_endian=little_endian, signed=False)
    if len(descriptor) != 3:
        return None
    entries, first, bits = (int(part) for part in descriptor)
    entries = entries or 65_536
    if signed and first >= 0x8000:
        first -= 0x10000
    if bits <= 8 and len(table) == (entries + 1) // 2:  # two 8-bit entries in each 16-bit word
        table = np.stack([table & 0xFF, table >> 8], axis=1).ravel()
    if not 1 <= bits <= 16 or len(table) < entries:
        return None
    position = np.clip(np.rint(values) - first, 0, entries - 1).astype(np.intp)
    return table[position].astype(np.float64), bits


def windowed(values: Values, center: float | None, width: float | None, function: str) -> Brightness | None:
    """LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2 and C.11.2.1.3); None where the window cannot be."""
    if center is None or width is None or width <= 0:
        return None
    if function == "SIGMOID":
        return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700))))
    if function == "LINEAR_EXACT":
        return np.asarray(np.clip((values - center) / width + 0.5, 0, 1))
    if function not in {"", "LINEAR"} or width < 1:
        return None
    if width == 1:
        return (values > center - 0.5).astype(np.float64)
    return np.asarray(np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1))


def _full_range(values: Values, header: Dataset, padding: np.ndarray) -> Brightness:
    """From the smallest to the largest value, padding apart; unsigned 8-bit values are gray levels already."""
    as_stored = not any(keyword in header for keyword in ("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept"))
    if as_stored and integer(header, "BitsStored") == 8 and not integer(header, "PixelRepresentation"):
        return values / 255
    if padding.all():
        return np.zeros(len(values))
    smallest, largest = values[~padding].min(), values[~padding].max()
    return np.asarray(np.clip((values - smallest) / ((largest - smallest) or 1.0), 0, 1))


def is_inverted(header: Dataset) -> bool:
    """Whether the smallest value is to be shown white (PS3.3 C.7.6.3.1.2, and C.11.4 for the presentation LUT)."""
    photometric = text(header, "PhotometricInterpretation")
    return photometric == "MONOCHROME1" or text(header, "PresentationLUTShape") == "INVERSE"


def eight_bits(brightness: Brightness) -> UInt8[np.ndarray, " values"]:
    """Rounded to the nearest of 256 gray levels."""
    return np.asarray(np.rint(brightness * 255).astype(np.uint8))


def _unless_shown(
    brightness: Brightness | None, padding: np.ndarray, message: str, tag: str
) -> tuple[RadiographWarning, ...]:
    """The warning where there is no brightness, or all pixels would be alike while their values are not."""
    seen = np.empty(0) if brightness is None else brightness[~padding]
    if brightness is not None and (len(seen) < 2 or seen.max() - seen.min() >= _LEAST_SHOWN):
        return ()
    return (RadiographWarning(WarningCode.WINDOW_UNUSABLE, message, tag),)


def first_item(header: Dataset, keyword: str) -> Dataset | None:
    """The first item of a sequence; None where it is absent or none."""
    try:
        sequence = header.get(keyword)
        return sequence[0] if sequence else None
    except Exception:  # noqa: BLE001 (pydicom raises many kinds on a sequence that is none)
        return None


def _impossible(tag: str) -> RefusedRadiograph:
    return RefusedRadiograph(
        RefusalCode.CORRUPT,
        f"The DICOM element {tag} cannot be as it is; the values of the pixels stay unknown.",
        remedy="Export the picture once more, or from the archive instead of the viewer.",
    )
