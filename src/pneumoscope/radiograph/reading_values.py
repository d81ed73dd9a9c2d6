"""From the bytes of a file to its values before any window, where it holds more than the 256 levels of a `Radiograph`."""

from __future__ import annotations

from pneumoscope.radiograph.gate import refuse_file_size
from pneumoscope.radiograph.picture import decode_levels
from pneumoscope.radiograph.picture_values import PictureValues, values_of_levels
from pneumoscope.radiograph.quiet import quiet_libraries
from pneumoscope.radiograph.sniffing import DICOM, PNG, TIFF, media_type_of

_PNG_BIT_DEPTH_AT = 24


def may_hold_values(data: bytes, media_type: str) -> bool:
    """Whether it is worth while to ask a file for its values: told from its first bytes."""
    if media_type == PNG:
        return data[_PNG_BIT_DEPTH_AT : _PNG_BIT_DEPTH_AT + 1] == b"\x10"
    return media_type in {DICOM, TIFF}


def values_from_bytes(data: bytes, *, longer_px: int) -> PictureValues | None:
    """Values with at most `longer_px` a side; None where the file has no more than 256 levels, or colours.

    A gray DICOM file has them with 8 bits too: its window may cut some of them off. `RefusedRadiograph` as for reading.
    """
    refuse_file_size(len(data))
    media_type = media_type_of(data)
    with quiet_libraries():
        if media_type == DICOM:
            from pneumoscope.radiograph.dicom_values import values_of_dicom  # noqa: PLC0415 (pydicom takes 0.2 s to import)

            return values_of_dicom(data, longer_px=longer_px)
        levels = decode_levels(data, media_type) if may_hold_values(data, media_type) else None
        return None if levels is None else values_of_levels(levels, longer_px=longer_px)
