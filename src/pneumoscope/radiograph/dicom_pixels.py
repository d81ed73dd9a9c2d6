"""Decode the stored values of a DICOM picture (PS3.5 8 and Annex A, PS3.3 C.7.6.3), with pydicom's decoders and ours.

What the header says is checked first; a compressed picture must say the same of itself before a decoder sees it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.codestream import FrameHeader, frame_header, refuse_many_scans
from pneumoscope.radiograph.dicom_file import EXPLICIT_LITTLE_ENDIAN, DicomFile, integer, text, transfer_syntax_name
from pneumoscope.radiograph.gate import refuse_picture_size
from pneumoscope.radiograph.jpeg_lossless import decode_jpeg_lossless, is_read
from pneumoscope.radiograph.refusal import RefusalCode

RUN_LENGTH = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = frozenset({"1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"})  # any predictor; the first one only
NATIVE = frozenset({"1.2.840.10008.1.2", EXPLICIT_LITTLE_ENDIAN, "1.2.840.10008.1.2.2"})
DECODERS: dict[str, tuple[str, ...]] = {
    JPEG_BASELINE: ("pillow",),
    JPEG_EXTENDED: ("pillow",),
    "1.2.840.10008.1.2.4.80": ("pyjpegls",),  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81": ("pyjpegls",),  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.90": ("pylibjpeg", "pillow"),  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91": ("pylibjpeg", "pillow"),  # JPEG 2000
}
"""pydicom's plugins for each compressed transfer syntax, the preferred one first. GDCM is never among them: it ends the
process on damaged JPEG (python-gdcm 3.2.6)."""
LOSSY_JPEG_PROCESSES = frozenset({0xC0, 0xC1, 0xC2})
GRAY = frozenset({"MONOCHROME1", "MONOCHROME2"})
PALETTE = "PALETTE COLOR"
COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})

_EXPORT_UNCOMPRESSED = "Export the picture with transfer syntax Explicit VR Little Endian (uncompressed)."


@dataclass(frozen=True, slots=True)
class PixelDescription:
    """The image pixel module (PS3.3 C.7.6.3), checked."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str
    planar: bool

    @property
    def native_bytes(self) -> int:
        values = self.rows * self.columns * self.samples
        if self.photometric == "YBR_FULL_422":
            values = values * 2 // 3
        return values * self.bits_allocated // 8


def describe(header: Dataset) -> PixelDescription:
    """`RefusedRadiograph` where the description is not one of a radiograph's pixels."""
    rows, columns = (_stated(header, keyword) for keyword in ("Rows", "Columns"))
    if (frames := integer(header, "NumberOfFrames") or 1) > 1:
        raise RefusedRadiograph(
            RefusalCode.MULTI_FRAME,
            f"The DICOM file holds {frames:,} frames; one is read.",
            remedy="Export one picture a file.",
        )
    refuse_picture_size(rows, columns)
    photometric = text(header, "PhotometricInterpretation")
    samples = integer(header, "SamplesPerPixel") or (3 if photometric in COLOUR else 1)
    if photometric not in GRAY | COLOUR | {PALETTE} or samples != (3 if photometric in COLOUR else 1):
        raise _unreadable("(0028,0004) PhotometricInterpretation", "is none of those that are read")
    allocated = _stated(header, "BitsAllocated")
    stored = integer(header, "BitsStored") or allocated
    if allocated not in {8, 16} or not 2 <= stored <= allocated:
        raise _unreadable("(0028,0101) BitsStored", f"says {stored} of {allocated} bits; 8 to 16 bits are read")
    if integer(header, "HighBit") not in {None, stored - 1}:
        raise _unreadable("(0028,0102) HighBit", f"does not fit {stored} bits stored")
    return PixelDescription(
        rows,
        columns,
        samples,
        allocated,
        stored,
        signed=bool(integer(header, "PixelRepresentation")),
        photometric=photometric,
        planar=bool(integer(header, "PlanarConfiguration")),
    )


def stored_values(file: DicomFile, pixels: PixelDescription) -> np.ndarray:
    """Integers of shape (rows, columns), or RGB of shape (rows, columns, 3), in the byte order of this machine."""
    data = file.pixels["PixelData"].value
    syntax = file.transfer_syntax
    if syntax in NATIVE:
        if len(data) < pixels.native_bytes:
            raise cut_off_pixels(len(data), pixels)
        decoded = _decoded(data, syntax, pixels)
    elif syntax == RUN_LENGTH:
        planes = run_length_decoded(get_frame(data, 0, number_of_frames=1), pixels)
        decoded = _decoded(planes, EXPLICIT_LITTLE_ENDIAN, pixels, planar=True)
    elif syntax in JPEG_LOSSLESS:
        codestream = get_frame(data, 0, number_of_frames=1)
        _check_codestream(codestream, syntax, pixels)
        values = decode_jpeg_lossless(codestream).astype(f"<u{pixels.bits_allocated // 8}")
        decoded = _decoded(values.tobytes(), EXPLICIT_LITTLE_ENDIAN, pixels)
    elif syntax in DECODERS:
        _check_codestream(get_frame(data, 0, number_of_frames=1), syntax, pixels)
        decoded = _decoded(data, syntax, pixels, plugin=_installed_decoder(syntax))
    else:
        raise RefusedRadiograph(
            RefusalCode.UNSUPPORTED_TRANSFER_SYNTAX,
            f"The pixels are stored in a way that is not read: transfer syntax {transfer_syntax_name(syntax)}.",
            remedy=_EXPORT_UNCOMPRESSED,
        )
    if decoded.shape != (pixels.rows, pixels.columns, pixels.samples)[: 2 + (pixels.samples > 1)]:
        raise damaged_pixels()
    return np.ascontiguousarray(decoded.astype(decoded.dtype.newbyteorder("="), copy=False))


def _decoded(
    data: bytes, syntax: str, pixels: PixelDescription, *, planar: bool | None = None, plugin: str = ""
) -> np.ndarray:
    options: dict[str, Any] = {
        "rows": pixels.rows,
        "columns": pixels.columns,
        "number_of_frames": 1,
        "allow_excess_frames": False,
        "samples_per_pixel": pixels.samples,
        "bits_allocated": pixels.bits_allocated,
        "bits_stored": pixels.bits_stored,
        "pixel_representation": int(pixels.signed),
        "photometric_interpretation": pixels.photometric,
        "planar_configuration": int(pixels.planar if planar is None else planar),
        "pixel_keyword": "PixelData",
    }
    values, _ = get_decoder(UID(syntax)).as_array(data, decoding_plugin=plugin, **options)
    return np.asarray(values)


def _check_codestream(codestream: bytes, syntax: str, pixels: PixelDescription) -> None:
    """The compressed picture must be what the header says, before a decoder allocates what it says of itself."""
    stated = frame_header(codestream)
    if stated is None:
        raise damaged_pixels()
    if (stated.rows, stated.columns) != (pixels.rows, pixels.columns):
        raise RefusedRadiograph(
            RefusalCode.CORRUPT,
            f"The DICOM header says {pixels.columns:,} x {pixels.rows:,} px, the compressed picture in it "
            f"{stated.columns:,} x {stated.rows:,} px.",
            remedy="Export the picture once more.",
        )
    if stated.channels != pixels.samples or stated.bits > pixels.bits_allocated:
        raise RefusedRadiograph(
            RefusalCode.CORRUPT,
            f"The compressed picture has {stated.channels} channels of {stated.bits} bits, the DICOM header says "
            f"{pixels.samples} of {pixels.bits_allocated}.",
            remedy="Export the picture once more.",
        )
    _refuse_unread_jpeg(stated, syntax)
    refuse_many_scans(codestream, pixels.rows, pixels.columns)


def _refuse_unread_jpeg(stated: FrameHeader, syntax: str) -> None:
    if syntax in {JPEG_BASELINE, JPEG_EXTENDED} and (stated.bits > 8 or stated.process not in LOSSY_JPEG_PROCESSES):
        message = (
            f"The JPEG in the DICOM file has {stated.bits} bits or a lossless coding; lossy JPEG of 8 bits is read."
        )
    elif syntax in JPEG_LOSSLESS and not is_read(stated):
        message = (
            "The JPEG in the DICOM file is in colour or not coded as lossless Huffman; JPEG Lossless is read in gray."
        )
    else:
        return
    raise RefusedRadiograph(RefusalCode.UNSUPPORTED_TRANSFER_SYNTAX, message, remedy=_EXPORT_UNCOMPRESSED)


def _installed_decoder(syntax: str) -> str:
    available = get_decoder(UID(syntax)).available_plugins
    for plugin in DECODERS[syntax]:
        if plugin in available:
            return plugin
    raise RefusedRadiograph(
        RefusalCode.CODEC_MISSING,
        f"The pixels are compressed as {transfer_syntax_name(syntax)}, and its decoder is not installed.",
        remedy=f"Install it: pip install '.[dicom]' in a copy of the repository. Or: {_EXPORT_UNCOMPRESSED}",
    )


def run_length_decoded(frame: bytes, pixels: PixelDescription) -> bytes:
    """The byte planes of RLE Lossless (PS3.5 Annex G), put together as colour planes of little-endian values.

    Pillow's PackBits decoder stops at the size of the picture; pydicom's goes on for as long as there are runs.
    """
    width = pixels.bits_allocated // 8
    segments = struct.unpack_from("<16I", frame)
    count, starts = segments[0], (*segments[1 : 1 + segments[0]], len(frame))
    if count != width * pixels.samples:
        raise damaged_pixels()
    planes = [
        Image.frombytes("L", (pixels.rows * pixels.columns, 1), frame[start:end], "packbits", "L").tobytes()
        for start, end in pairwise(starts)
    ]
    values = np.empty((pixels.samples, pixels.rows * pixels.columns, width), dtype=np.uint8)
    for number, plane in enumerate(planes):  # the most significant byte of each sample comes first
        values[number // width, :, width - 1 - number % width] = np.frombuffer(plane, dtype=np.uint8)
    return values.tobytes()


def damaged_pixels() -> RefusedRadiograph:
    """The refusal of pixel data that no decoder understands."""
    return RefusedRadiograph(
        RefusalCode.CORRUPT,
        "The pixel data of the DICOM file is damaged and cannot be decoded.",
        remedy="Copy or export the file once more.",
    )


def cut_off_pixels(size_bytes: int, pixels: PixelDescription) -> RefusedRadiograph:
    """The refusal of pixel data shorter than the picture."""
    return RefusedRadiograph(
        RefusalCode.TRUNCATED,
        f"The pixel data has {size_bytes:,} bytes; {pixels.columns:,} x {pixels.rows:,} px need {pixels.native_bytes:,}.",
        remedy="Copy or download the file once more; it was not transferred whole.",
    )


def _stated(header: Dataset, keyword: str) -> int:
    value = integer(header, keyword)
    if value is None or value < 0:
        raise RefusedRadiograph(
            RefusalCode.CORRUPT,
            f"The DICOM header does not say {keyword}, or not as a number.",
            remedy="Export the picture once more.",
        )
    return value


def _unreadable(tag: str, what: str) -> RefusedRadiograph:
    return RefusedRadiograph(
        RefusalCode.CORRUPT,
        f"The DICOM element {tag} {what}.",
        remedy="Export the picture as MONOCHROME2 with 8 to 16 bits.",
    )
