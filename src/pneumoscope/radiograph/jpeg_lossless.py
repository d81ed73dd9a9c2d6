"""Decode JPEG Lossless (ITU-T T.81 Annex H, Huffman coding) of one channel of 2 to 16 bits.

Decoders that may be had are under the GPL, end the process on damaged data, or fill in what is missing in silence. This
one refuses a stream that is cut off or contradicts itself. It is NumPy but for one loop: which bit the next code begins
at is known only after the code before it, so the length of the code that would begin at each bit is looked up for many
bits at once, and the loop hops from code to code.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer, UInt8, UInt16

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.codestream import START_OF_SCAN, FrameHeader, frame_header, jpeg_segments
from pneumoscope.radiograph.refusal import RefusalCode

MOST_SURPLUS_BYTES = 4
"""What may stand between the last pixel and the next marker; more is a sign that codes were lost."""

_LOSSLESS_HUFFMAN = 0xC3
_DEFINE_HUFFMAN_TABLES, _DEFINE_RESTART_INTERVAL = 0xC4, 0xDD
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_FIRST_RESTART = 0xD0
_CHUNK_BYTES = 32 * 1024
_NO_CODE_BITS = 255
"""A hop from where no code begins: more than any code and its difference have."""

_Samples = UInt16[np.ndarray, "bands rows columns"]
_Neighbours = Integer[np.ndarray, "bands diagonal"]

PREDICTIONS: dict[int, Callable[[_Neighbours, _Neighbours, _Neighbours], _Neighbours]] = {
    1: lambda left, _above, _corner: left,
    2: lambda _left, above, _corner: above,
    3: lambda _left, _above, corner: corner,
    4: lambda left, above, corner: left + above - corner,
    5: lambda left, above, corner: left + ((above - corner) >> 1),
    6: lambda left, above, corner: above + ((left - corner) >> 1),
    7: lambda left, above, _corner: (left + above) >> 1,
}
"""T.81 table H.1: a pixel from those to its left, above it, and at the corner between them."""


def decode_jpeg_lossless(codestream: bytes) -> UInt16[np.ndarray, "rows columns"]:
    """The values of a picture whose header has been found fit; `RefusedRadiograph` where the rest of it is not."""
    frame = frame_header(codestream)
    if frame is None or not is_read(frame):
        raise _corrupt("it is not a lossless JPEG of one channel of 2 to 16 bits")
    scan = _scan(codestream, frame)
    bands = _differences(codestream, scan, frame)
    add_predictions(bands, scan.predictor, 1 << (frame.bits - scan.point_transform - 1))
    values = bands.reshape(-1, frame.columns)[: frame.rows]
    if values.max() >> (frame.bits - scan.point_transform):
        raise _corrupt(f"a pixel has more than {frame.bits} bits")
    values <<= np.uint16(scan.point_transform)
    return values


def is_read(frame: FrameHeader) -> bool:
    """Whether this kind of JPEG is decoded here."""
    one_picture = min(frame.rows, frame.columns) > 0 and frame.channels == 1
    return frame.process == _LOSSLESS_HUFFMAN and one_picture and 2 <= frame.bits <= 16


@dataclass(frozen=True, slots=True, eq=False)
class CodeTable:
    """What the code at the start of each sequence of 16 bits says (T.81 Annex C and F.2.2.3).

    A code names the number of bits of a difference; the difference follows in so many bits.
    """

    code_bits: UInt8[np.ndarray, " sequences"]
    difference_bits: UInt8[np.ndarray, " sequences"]
    hop_bits: UInt8[np.ndarray, " sequences"]
    """From the first bit of a code to the first of the next one."""


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """The scan header and what applies to it (T.81 B.2.3, table B.5)."""

    table: CodeTable
    predictor: int
    point_transform: int
    rows_a_band: int
    """How many rows stand between two restarts; all of them where there are none."""
    start: int
    """Where the codes begin."""


def _scan(codestream: bytes, frame: FrameHeader) -> _Scan:
    tables: dict[int, tuple[bytes, bytes]] = {}  # the one that is selected is built: a stream may hold millions
    interval = 0
    for segment in jpeg_segments(codestream):
        content = codestream[segment.start : segment.end]
        if segment.marker == _DEFINE_HUFFMAN_TABLES:
            tables |= _code_tables(content)
        elif segment.marker == _DEFINE_RESTART_INTERVAL and len(content) == 2:
            (interval,) = struct.unpack(">H", content)
        elif segment.marker == START_OF_SCAN and len(content) == 6 and content[0] == 1:
            selected, predictor, point_transform = content[2] >> 4, content[3], content[5] & 0x0F
            if selected not in tables:
                raise _corrupt("a code table is missing")
            if predictor not in PREDICTIONS or point_transform >= frame.bits or interval % frame.columns:
                raise _corrupt("its scan header cannot be")
            rows_a_band = min(interval // frame.columns or frame.rows, frame.rows)
            return _Scan(code_table(*tables[selected]), predictor, point_transform, rows_a_band, segment.end)
    raise _truncated(0, frame)


def _code_tables(content: bytes) -> dict[int, tuple[bytes, bytes]]:
    """How many codes of each length there are, and what they stand for, by the number of the table (T.81 B.2.4.2)."""
    tables = {}
    while len(content) > 16:
        counts = content[1:17]
        size = 17 + sum(counts)
        if len(content) < size:
            raise _corrupt("a code table is cut off")
        tables[content[0]] = counts, content[17:size]
        content = content[size:]
    return tables


def code_table(counts: bytes, categories: bytes) -> CodeTable:
    """Canonical Huffman codes: how many there are of each length from 1 to 16 bits, and what they stand for in order."""
    code_bits, difference_bits = np.zeros((2, 0x10000), dtype=np.uint8)
    lengths = np.repeat(np.arange(1, 17), list(counts))
    start = 0
    for length, category in zip(lengths.tolist(), categories, strict=True):
        end = start + (1 << (16 - length))
        if end > 0x10000 or category > 16:
            raise _corrupt("a code table cannot be")
        code_bits[start:end] = length
        difference_bits[start:end] = category
        start = end
    hop_bits = code_bits + np.where(difference_bits == 16, 0, difference_bits)  # 16 stands for one difference only
    hop_bits[start:] = _NO_CODE_BITS
    return CodeTable(code_bits, difference_bits, hop_bits.astype(np.uint8))


def _differences(codestream: bytes, scan: _Scan, frame: FrameHeader) -> _Samples:
    """Modulo 2**16, in bands of rows between restarts; the last band may be longer than the picture."""
    if (len(codestream) - scan.start) * 8 < frame.rows * frame.columns:
        raise _truncated(0, frame)  # before memory is taken for them: a pixel has at least one bit
    count, pixels_a_band = -(-frame.rows // scan.rows_a_band), scan.rows_a_band * frame.columns
    bands = np.zeros((count, pixels_a_band), dtype=np.uint16)
    position = scan.start
    for number, band in enumerate(bands):
        codes, marker, position = _codes(codestream, position)
        wanted = min(pixels_a_band, frame.rows * frame.columns - number * pixels_a_band)
        found, spare_bits = _read_differences(codes, scan.table, band[:wanted])
        goes_on = number == count - 1 or marker == _FIRST_RESTART + number % 8
        if marker is None and (found < wanted or not goes_on):
            raise _truncated(number * pixels_a_band + found, frame)
        if found < wanted or not goes_on or spare_bits // 8 > MOST_SURPLUS_BYTES:
            raise _corrupt("codes are wrong, missing or too many")
    return bands.reshape(count, scan.rows_a_band, frame.columns)


def _codes(codestream: bytes, start: int) -> tuple[bytes, int | None, int]:
    """The codes up to the next marker, without stuffed and fill bytes (T.81 B.1.1.5); that marker; where it ends."""
    marker = _MARKER.search(codestream, start)
    if marker is None:
        return codestream[start:].replace(b"\xff\x00", b"\xff"), None, len(codestream)
    codes = codestream[start : marker.start()].rstrip(b"\xff").replace(b"\xff\x00", b"\xff")
    return codes, codestream[marker.end() - 1], marker.end()


def _read_differences(codes: bytes, table: CodeTable, differences: UInt16[np.ndarray, " pixels"]) -> tuple[int, int]:
    """Fill in as many as there are codes for; that number, and the bits left over."""
    padded = np.frombuffer(codes + bytes(8), dtype=np.uint8)
    total, bit, found = 8 * len(codes), 0, 0
    while found < len(differences) and bit < total:
        first = bit // 8
        beginnings = _beginnings(padded[first : first + _CHUNK_BYTES + 8])
        hops = table.hop_bits[beginnings[: min(8 * _CHUNK_BYTES, total - 8 * first)]]
        places = np.array(_walked(hops.tobytes(), bit - 8 * first)[: len(differences) - found])
        ends = places + hops[places]
        whole = (hops[places] != _NO_CODE_BITS) & (ends <= total - 8 * first)
        read = len(places) if whole.all() else int(whole.argmin())
        differences[found : found + read] = _differences_at(places[:read], beginnings, table)
        found += read
        if read < len(places):
            break
        bit = 8 * first + int(ends[-1])
    return found, total - bit


def _beginnings(data: UInt8[np.ndarray, " bytes"]) -> UInt16[np.ndarray, " bits"]:
    """The 16 bits that begin at each bit."""
    wide = data.astype(np.uint32)
    three_bytes = wide[:-2] << 16 | wide[1:-1] << 8 | wide[2:]
    return (three_bytes[:, np.newaxis] >> np.arange(8, 0, -1, dtype=np.uint32)).astype(np.uint16).ravel()


def _walked(hops: bytes, place: int) -> list[int]:
    places = []
    while place < len(hops):
        places.append(place)
        place += hops[place]
    return places


def _differences_at(
    places: Integer[np.ndarray, " codes"], beginnings: UInt16[np.ndarray, " bits"], table: CodeTable
) -> UInt16[np.ndarray, " codes"]:
    """T.81 table H.2: k bits stand for a number from 2**(k-1) on, or with a first bit of 0 for its negative."""
    said = beginnings[places]
    bits = table.difference_bits[said].astype(np.int32)
    number = beginnings[places + table.code_bits[said]].astype(np.int32) >> (16 - bits)
    negative = (number >> np.maximum(bits - 1, 0)) == 0
    return np.where(bits == 16, 0x8000, np.where(negative, number - (1 << bits) + 1, number)).astype(np.uint16)


def add_predictions(bands: _Samples, predictor: int, first: int) -> None:
    """Turn differences into values, modulo 2**16, in place (T.81 H.1.2.1).

    The first row of a band is predicted from the left, the first column from above. What else a pixel is predicted
    from stands on the two diagonals before its own, so a diagonal of all bands is one step.
    """
    count, rows, columns = bands.shape
    bands[:, 0, 0] += np.uint16(first)
    np.cumsum(bands[:, 0, :], axis=1, dtype=np.uint16, out=bands[:, 0, :])
    np.cumsum(bands[:, :, 0], axis=1, dtype=np.uint16, out=bands[:, :, 0])
    if columns == 1:
        return
    predict, flat, step = PREDICTIONS[predictor], bands.reshape(count, rows * columns), columns - 1
    for diagonal in range(2, rows + columns - 1):
        top, bottom = max(1, diagonal - step), min(rows, diagonal)
        start, stop = top * step + diagonal, (bottom - 1) * step + diagonal + 1
        left, above, corner = (
            flat[:, start - back : stop - back : step].astype(np.int32) for back in (1, columns, columns + 1)
        )
        flat[:, start:stop:step] += predict(left, above, corner).astype(np.uint16)


def _corrupt(what: str) -> RefusedRadiograph:
    return RefusedRadiograph(
        RefusalCode.CORRUPT,
        f"The JPEG Lossless picture in the DICOM file is damaged: {what}.",
        remedy="Copy or export the file once more.",
    )


def _truncated(pixels: int, frame: FrameHeader) -> RefusedRadiograph:
    return RefusedRadiograph(
        RefusalCode.TRUNCATED,
        f"The JPEG Lossless picture in the DICOM file is cut off: it holds {pixels:,} of "
        f"{frame.rows * frame.columns:,} pixels.",
        remedy="Copy or download the file once more; it was not transferred whole.",
    )
