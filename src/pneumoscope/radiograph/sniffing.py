"""What kind of file the bytes are. The content decides, never the name."""

from __future__ import annotations

import struct

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.refusal import RefusalCode

DICOM = "application/dicom"
JPEG = "image/jpeg"
PNG = "image/png"
TIFF = "image/tiff"
WEBP = "image/webp"
BMP = "image/bmp"

_READABLE: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
)
_KNOWN_BUT_NOT_READ: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "GIF"),
    (0, b"%PDF", "PDF"),
    (0, b"<svg", "SVG"),
    (4, b"ftypheic", "HEIC"),
    (4, b"ftypheix", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftyp", "video"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"JXL \r\n\x87\n", "JPEG XL"),
    (0, b"II\xbc\x01", "JPEG XR"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\0\0\1\0", "icon"),
    (0, b"DDS ", "DirectDraw surface"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"NRRD", "NRRD"),
    (344, b"n+1\0", "NIfTI"),
    (344, b"ni1\0", "NIfTI"),
    (0, b"\x89HDF\r\n", "HDF5"),
    (0, b"\x93NUMPY", "NumPy array"),
    (0, b"PK\x03\x04", "ZIP archive"),
    (0, b"\x1f\x8b", "gzip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (0, b"Rar!", "RAR archive"),
)
_PICTURE_REMEDY = "Export the radiograph as DICOM, PNG, JPEG, TIFF, WebP or BMP."

# PS3.5 6.2: the value representations that may stand in the first elements of a data set without a preamble.
FIRST_VALUE_REPRESENTATIONS = frozenset({b"UL", b"OB", b"UI", b"SH", b"CS", b"DA", b"TM", b"LO", b"DT", b"SQ", b"AE"})


def media_type_of(data: bytes) -> str:
    """The media type, one of the six above; `RefusedRadiograph` for anything else."""
    if data[128:132] == b"DICM":
        return DICOM
    for magic, media_type in _READABLE:
        if data.startswith(magic):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[:2] == b"BM" and _is_bmp(data):
        return BMP
    if is_dicom_without_preamble(data):
        return DICOM
    for offset, magic, name in _KNOWN_BUT_NOT_READ:
        if data.startswith(magic, offset):
            raise RefusedRadiograph(
                RefusalCode.UNSUPPORTED_FORMAT, f"{name} files are not read.", remedy=_PICTURE_REMEDY
            )
    if b"<svg" in data[:4096].lower():
        raise RefusedRadiograph(RefusalCode.UNSUPPORTED_FORMAT, "SVG files are not read.", remedy=_PICTURE_REMEDY)
    raise RefusedRadiograph(
        RefusalCode.NOT_A_PICTURE,
        f"Its {len(data):,} bytes are no picture: they begin like no format that is known here.",
        remedy=_PICTURE_REMEDY,
    )


def _is_bmp(data: bytes) -> bool:
    """The letters BM begin ordinary words too: the size of the second header must be one that exists."""
    return len(data) >= 18 and struct.unpack_from("<I", data, 14)[0] in {12, 16, 40, 52, 56, 64, 108, 124}


def is_dicom_without_preamble(data: bytes) -> bool:
    """Whether the bytes begin like a DICOM data set that lost its preamble: a plausible first element of group 2 or 8."""
    if len(data) < 16:
        return False
    group, element, length = struct.unpack_from("<HHI", data)
    if group not in {0x0002, 0x0008} or element > 0x0100:
        return False
    if data[4:6] in FIRST_VALUE_REPRESENTATIONS:
        return True
    return element in {0x0000, 0x0001, 0x0005, 0x0008, 0x0012, 0x0016} and 0 < length <= 256 and length % 2 == 0
