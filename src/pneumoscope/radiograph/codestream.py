"""What a compressed picture says of itself: size, channels and bits, read from its own header without decoding it.

JPEG (ITU-T T.81 B.2.2) and JPEG-LS (ITU-T T.87 C.2.2) name them in a start-of-frame segment, JPEG 2000 (ITU-T T.800
A.5.1) in the SIZ segment. A decoder allocates what is written there, whatever the file around it says.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.refusal import RefusalCode

MOST_SCAN_PIXELS = 1_000_000_000
"""Ten scans, as progressive JPEG has them, of the largest picture."""
MOST_SCANS_OF_SMALL_PICTURES = 20
START_OF_SCAN = 0xDA

_JPEG_2000_START = b"\xff\x4f\xff\x51"
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # F7 is JPEG-LS
_END_OF_IMAGE = 0xD9


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """A codestream's own size. `process` is the JPEG marker (0xC0 baseline, 0xC3 lossless, ...); 0x51 for JPEG 2000."""

    rows: int
    columns: int
    channels: int
    bits: int
    process: int


@dataclass(frozen=True, slots=True)
class JpegSegment:
    """A marker and where its parameters stand; `end` may lie beyond the end of a codestream that is cut off."""

    marker: int
    start: int
    end: int


def frame_header(codestream: bytes) -> FrameHeader | None:
    """The header of a JPEG, JPEG-LS or JPEG 2000 codestream; None where there is none to be found."""
    try:
        if codestream.startswith(b"\xff\xd8"):
            return _jpeg_frame_header(codestream)
        start = codestream[:4096].find(_JPEG_2000_START)  # a JP2 file's boxes may stand before it
        return None if start < 0 else _jpeg_2000_frame_header(codestream, start)
    except struct.error:
        return None


def jpeg_segments(codestream: bytes) -> Iterator[JpegSegment]:
    """The marker segments of a JPEG (T.81 B.1.1.4) from its start to its first scan, that one included."""
    position = 2
    while position + 4 <= len(codestream):
        if codestream[position] != 0xFF:
            position += 1  # stray bytes between segments are skipped, as libjpeg does
            continue
        marker = codestream[position + 1]
        if marker in {0xFF, 0x00}:
            position += 1
        elif marker in _WITHOUT_LENGTH:
            position += 2
        elif marker == _END_OF_IMAGE:
            return
        else:
            end = position + 2 + max(2, struct.unpack_from(">H", codestream, position + 2)[0])
            yield JpegSegment(marker, position + 4, end)
            if marker == START_OF_SCAN:
                return
            position = end


def refuse_many_scans(codestream: bytes, rows: int, columns: int) -> None:
    """Refuse a JPEG whose scans each go over the whole picture again and again: a few bytes a scan, much work."""
    scans = codestream.count(bytes([0xFF, START_OF_SCAN]))
    if scans > MOST_SCANS_OF_SMALL_PICTURES and scans * rows * columns > MOST_SCAN_PIXELS:
        raise RefusedRadiograph(
            RefusalCode.CORRUPT,
            f"The JPEG has {scans:,} scans; no encoder writes so many.",
            remedy="Export the picture once more, as baseline JPEG or PNG.",
        )


def _jpeg_frame_header(codestream: bytes) -> FrameHeader | None:
    for segment in jpeg_segments(codestream):
        if segment.marker in _START_OF_FRAME:
            bits, rows, columns, channels = struct.unpack_from(">BHHB", codestream, segment.start)
            return FrameHeader(rows, columns, channels, bits, segment.marker)
    return None


def _jpeg_2000_frame_header(codestream: bytes, start: int) -> FrameHeader:
    right, bottom, left, top = struct.unpack_from(">4I", codestream, start + 8)
    channels, precision = struct.unpack_from(">HB", codestream, start + 40)
    return FrameHeader(bottom - top, right - left, channels, (precision & 0x7F) + 1, 0x51)
