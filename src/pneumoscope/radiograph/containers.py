"""What a JPEG, PNG, TIFF, WebP or BMP file says of itself, checked before its decoder is let near it.

Refused here: more than one picture, more pixels than are read, checksums that fail, files cut off, and headers that
would make a decoder allocate or work far beyond the picture's size.
"""

from __future__ import annotations

import struct
import zlib

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.codestream import frame_header, refuse_many_scans
from pneumoscope.radiograph.gate import refuse_picture_size
from pneumoscope.radiograph.refusal import RefusalCode, cut_off
from pneumoscope.radiograph.sniffing import BMP, JPEG, PNG, TIFF, WEBP
from pneumoscope.radiograph.tiff_directory import check_tiff

MOST_PNG_CHUNKS = 100_000
DRAWN_MARK = b"Software\0Pneumoscope overlay"
"""Content of the tEXt chunk (PNG third edition, 11.3.3.2) in every picture that Pneumoscope draws."""
_EXPORT_AGAIN = "Copy or export the file once more."
_ONE_PICTURE = "Export one picture a file."


def check_container(data: bytes, media_type: str) -> None:
    """`RefusedRadiograph` where the file's own headers forbid to decode it."""
    {JPEG: _check_jpeg, PNG: _check_png, TIFF: check_tiff, WEBP: _check_webp, BMP: _check_bmp}[media_type](data)


def _check_jpeg(data: bytes) -> None:
    header = frame_header(data)
    if header is None:
        if data.rfind(b"\xff\xd9") < 0:
            raise cut_off(len(data))
        raise RefusedRadiograph(RefusalCode.CORRUPT, "The JPEG has no frame header.", remedy=_EXPORT_AGAIN)
    refuse_picture_size(header.rows, header.columns)
    if header.bits != 8 or header.process in {0xC3, 0xF7}:
        raise RefusedRadiograph(
            RefusalCode.UNSUPPORTED_FORMAT,
            f"The JPEG has {header.bits} bits a channel or a lossless coding; only 8-bit lossy JPEG is read.",
            remedy="Export it as PNG or TIFF with 16 bits, or as DICOM.",
        )
    refuse_many_scans(data, header.rows, header.columns)


def _check_png(data: bytes) -> None:
    """Walk the chunks (PNG third edition, 5.3): Pillow does not verify the checksums of the pixel chunks."""
    position, chunks = 8, 0
    while True:
        if position + 12 > len(data):
            raise cut_off(len(data))
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise cut_off(len(data))
        if kind in {b"IHDR", b"PLTE", b"IDAT", b"tRNS"}:
            _check_png_checksum(data, kind, position, end)
        chunks += 1
        if (chunks == 1 and (kind != b"IHDR" or length != 13)) or chunks > MOST_PNG_CHUNKS:
            raise RefusedRadiograph(
                RefusalCode.CORRUPT, f"The PNG's chunk {chunks:,} should not be there.", remedy=_EXPORT_AGAIN
            )
        if kind == b"IHDR":
            columns, rows = struct.unpack_from(">II", data, position + 8)
            refuse_picture_size(rows, columns)
        if kind == b"acTL" and length >= 4 and (frames := struct.unpack_from(">I", data, position + 8)[0]) > 1:
            raise _several(frames, "frames of an animation")
        if kind == b"tEXt" and data[position + 8 : position + 8 + length] == DRAWN_MARK:
            raise RefusedRadiograph(
                RefusalCode.OWN_OVERLAY,
                "The picture is an overlay that Pneumoscope drew, not a radiograph.",
                remedy="Give the radiograph itself; keep results in a folder apart from the radiographs.",
            )
        if kind == b"IEND":
            return
        position = end


def _check_png_checksum(data: bytes, kind: bytes, position: int, end: int) -> None:
    if zlib.crc32(memoryview(data)[position + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
        raise RefusedRadiograph(
            RefusalCode.CORRUPT,
            f"The PNG's {kind.decode()} chunk at byte {position:,} fails its checksum.",
            remedy=_EXPORT_AGAIN,
        )


def _check_webp(data: bytes) -> None:
    """RFC 9649 2.3 to 2.7. Pillow's decoder allocates the canvas when it opens the file."""
    if len(data) < 30 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data) + 1:
        raise cut_off(len(data))
    kind = data[12:16]
    if kind == b"VP8X":
        columns, rows = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        if data[20] & 0x02 and (frames := data.count(b"ANMF")) > 1:
            raise _several(frames, "frames of an animation")
    elif kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        columns, rows = (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    elif kind == b"VP8 ":
        columns, rows = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise RefusedRadiograph(
            RefusalCode.CORRUPT, "The WebP file begins with a chunk that is not known.", remedy=_EXPORT_AGAIN
        )
    refuse_picture_size(rows, columns)


def _check_bmp(data: bytes) -> None:
    if data[14] >= 40 and len(data) >= 34 and struct.unpack_from("<I", data, 30)[0] in {1, 2}:
        raise RefusedRadiograph(
            RefusalCode.UNSUPPORTED_FORMAT,
            "The BMP is run-length coded, which is not read.",
            remedy="Save it as PNG, or as BMP without compression.",
        )


def _several(pictures: int, what: str) -> RefusedRadiograph:
    return RefusedRadiograph(
        RefusalCode.MULTI_FRAME, f"The file holds {pictures:,} {what}; one is read.", remedy=_ONE_PICTURE
    )
