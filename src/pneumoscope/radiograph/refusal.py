"""Why a file is refused: stable, machine-readable reasons, each with one line on when it is given."""

from __future__ import annotations

from enum import StrEnum

from pneumoscope.errors import RefusedRadiograph


class RefusalCode(StrEnum):
    """The `code` of every `RefusedRadiograph` that reading, and looking for lungs after it, raises."""

    NOT_FOUND = "not-found"
    """No file of that name."""
    IS_A_FOLDER = "is-a-folder"
    """A folder stands where a file was expected."""
    NOT_PERMITTED = "not-permitted"
    """The file is there, but may not be read."""
    EMPTY_FILE = "empty-file"
    """The file has no bytes."""
    NOT_A_PICTURE = "not-a-picture"
    """The bytes are no picture that is known here."""
    UNSUPPORTED_FORMAT = "unsupported-format"
    """A picture, but in a format or variant that is not read (GIF, PDF, HEIC, ...)."""
    TRUNCATED = "truncated"
    """The file ends before the picture does."""
    CORRUPT = "corrupt"
    """The file contradicts itself or cannot be decoded."""
    BLANK = "blank"
    """Nearly all of the picture is one gray level."""
    TOO_SMALL = "too-small"
    """A side is shorter than the shortest that can show a chest."""
    TOO_LARGE = "too-large"
    """More pixels or bytes than are read; told from the header, before anything is decoded."""
    COLOUR_PHOTOGRAPH = "colour-photograph"
    """The picture has colours that no radiograph has."""
    OWN_OVERLAY = "own-overlay"
    """The picture was drawn by Pneumoscope."""
    UNSUPPORTED_MODALITY = "unsupported-modality"
    """DICOM: not a projection radiograph (CT, MR, US, ...)."""
    UNSUPPORTED_BODY_PART = "unsupported-body-part"
    """DICOM: the header names another part of the body than the chest."""
    MULTI_FRAME = "multi-frame"
    """More than one picture in the file: frames, pages or an animation."""
    NO_PIXEL_DATA = "no-pixel-data"
    """DICOM without a picture: a report, a directory, measurements."""
    CODEC_MISSING = "codec-missing"
    """DICOM: the decoder for this compression is an optional part that is not installed."""
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported-transfer-syntax"
    """DICOM: a way of storing pixels that is not read here."""
    NO_LUNGS = "no-lungs"
    """The bundle's lung segmentation finds hardly any lung: this is no upright frontal chest radiograph."""


def cut_off(size_bytes: int) -> RefusedRadiograph:
    """The refusal of a file whose end is missing."""
    return RefusedRadiograph(
        RefusalCode.TRUNCATED,
        f"The file is cut off: it ends after {size_bytes:,} bytes, before the picture does.",
        remedy="Copy or download the file once more; it was not transferred whole.",
    )
