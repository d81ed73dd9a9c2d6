"""A TIFF file's directories (TIFF 6.0 section 2, and BigTIFF), read before Pillow reads them.

Pillow copies every tag's data, and several tags may point at the same bytes; libtiff allocates a tile whatever its
size. Both are bounded here, and the pages are counted.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.gate import MOST_PIXELS, refuse_picture_size
from pneumoscope.radiograph.refusal import RefusalCode, cut_off

MOST_TAGS = 1_000
MOST_PAGES = 1_000
_SIZES_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_NEW_SUBFILE_TYPE, _COLUMNS, _ROWS, _COMPRESSION = 254, 256, 257, 259
_FAX_CODINGS = frozenset({2, 3, 4})
_STRIP_OFFSETS, _STRIP_BYTES, _TILE_COLUMNS, _TILE_ROWS, _TILE_OFFSETS, _TILE_BYTES = 273, 279, 322, 323, 324, 325


def check_tiff(data: bytes) -> None:
    """`RefusedRadiograph` for several pages, too many pixels, data beyond the end of the file, tags without end."""
    layout = _Layout.of(data)
    offset, pages = layout.first, 0
    seen: set[int] = set()
    while offset and offset not in seen and len(seen) < MOST_PAGES:
        seen.add(offset)
        directory = _directory(data, offset, layout)
        if directory is None:
            if pages:
                break  # what follows the first page is no directory: Pillow will not go there
            raise cut_off(len(data))
        tags, offset = directory
        if pages == 0:
            _check_page(data, tags)
        pages += not (pages and _first(tags, _NEW_SUBFILE_TYPE) & 1)  # 1: a smaller copy of another page
    if pages > 1:
        raise RefusedRadiograph(
            RefusalCode.MULTI_FRAME,
            f"The TIFF holds {pages:,} pages; one is read.",
            remedy="Export one picture a file.",
        )


@dataclass(frozen=True, slots=True)
class _Layout:
    """Byte order, and how a directory is laid out: classic TIFF or BigTIFF."""

    order: str
    count: struct.Struct
    entry: struct.Struct
    pointer: struct.Struct
    first: int

    @classmethod
    def of(cls, data: bytes) -> _Layout:
        order = "<" if data[:2] == b"II" else ">"
        big = 43 in data[2:4]
        pointer = struct.Struct(order + ("Q" if big else "I"))
        if len(data) < 16:
            raise cut_off(len(data))
        first = pointer.unpack_from(data, 8 if big else 4)[0]
        return cls(
            order,
            struct.Struct(order + ("Q" if big else "H")),
            struct.Struct(order + ("HHQ8s" if big else "HHI4s")),
            pointer,
            first,
        )


def _directory(data: bytes, offset: int, layout: _Layout) -> tuple[dict[int, np.ndarray], int] | None:
    """The integer tags of one directory and the offset of the next; None where it lies beyond the end of the file."""
    start = offset + layout.count.size
    if start > len(data):
        return None
    entries = layout.count.unpack_from(data, offset)[0]
    if entries > MOST_TAGS:
        raise RefusedRadiograph(
            RefusalCode.CORRUPT,
            f"The TIFF has {entries:,} tags on one page; at most {MOST_TAGS:,} are read.",
            remedy="Export the file once more.",
        )
    end = start + entries * layout.entry.size
    if end + layout.pointer.size > len(data):
        return None
    tags: dict[int, np.ndarray] = {}
    declared_bytes = 0
    for tag, kind, count, inline in layout.entry.iter_unpack(memoryview(data)[start:end]):
        size = count * _SIZES_BYTES.get(kind, 0)
        outside = size > len(inline)
        declared_bytes += size if outside else 0
        if kind in _INTEGERS and tag not in tags:
            at = layout.pointer.unpack(inline)[0] if outside else None
            values = inline[:size] if at is None else data[at : at + size]
            whole = len(values) - len(values) % _SIZES_BYTES[kind]
            tags[tag] = np.frombuffer(values[:whole], dtype=layout.order + _INTEGERS[kind])
    if declared_bytes > 2 * len(data):
        raise RefusedRadiograph(
            RefusalCode.CORRUPT,
            f"The TIFF's tags claim {declared_bytes:,} bytes in a file of {len(data):,}.",
            remedy="Export the file once more.",
        )
    return tags, layout.pointer.unpack_from(data, end)[0]


def _check_page(data: bytes, tags: dict[int, np.ndarray]) -> None:
    refuse_picture_size(_first(tags, _ROWS), _first(tags, _COLUMNS))
    if _first(tags, _COMPRESSION) in _FAX_CODINGS:
        raise RefusedRadiograph(
            RefusalCode.UNSUPPORTED_FORMAT,
            "The TIFF is fax-coded, which knows black and white only.",
            remedy="Export the radiograph in gray, 8 or 16 bits.",
        )
    if _first(tags, _TILE_ROWS) * _first(tags, _TILE_COLUMNS) > MOST_PIXELS:
        raise RefusedRadiograph(
            RefusalCode.TOO_LARGE,
            f"The TIFF's tiles are {_first(tags, _TILE_COLUMNS):,} x {_first(tags, _TILE_ROWS):,} px.",
            remedy="Export it with smaller tiles, or in strips.",
        )
    for offsets, sizes in ((_STRIP_OFFSETS, _STRIP_BYTES), (_TILE_OFFSETS, _TILE_BYTES)):
        starts, lengths = (tags.get(tag, np.empty(0)).astype(np.float64) for tag in (offsets, sizes))
        if 0 < len(starts) == len(lengths) and (starts + lengths).max() > len(data):
            raise cut_off(len(data))


def _first(tags: dict[int, np.ndarray], tag: int) -> int:
    values = tags.get(tag)
    return 0 if values is None or not len(values) else int(values[0])
