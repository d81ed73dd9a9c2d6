"""TIFF directories that would make a reader allocate or walk without end."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from pneumoscope.radiograph.reading import radiograph_from_bytes
from support.refusals import picture_bytes, refusal_of

SHORT, LONG, BYTE = 3, 4, 1


def tiff(*tags: tuple[int, int, int, int], following: int = 0, tail: bytes = bytes(12_000)) -> bytes:
    """A classic little-endian TIFF of one directory; each tag is (number, type, count, value or offset)."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following) + tail


SIZE = ((256, LONG, 1, 100), (257, LONG, 1, 110))
STORED = ((258, SHORT, 1, 8), (259, SHORT, 1, 1), (262, SHORT, 1, 1), (277, SHORT, 1, 1), (278, LONG, 1, 110))


def test_tags_that_claim_the_same_bytes_again_and_again_are_corrupt() -> None:
    refusal = refusal_of(tiff(*SIZE, *((40_000 + number, BYTE, 12_000, 8) for number in range(50))))
    assert refusal.code == "corrupt"
    assert "600,000 bytes" in refusal.message


def test_too_many_tags_are_corrupt() -> None:
    refusal = refusal_of(tiff(*SIZE, *((40_000 + number, SHORT, 1, 1) for number in range(1_001))))
    assert refusal.code == "corrupt"
    assert "1,003 tags" in refusal.message


def test_giant_tiles_are_too_large() -> None:
    refusal = refusal_of(tiff(*SIZE, (322, LONG, 1, 100_000), (323, LONG, 1, 100_000)))
    assert refusal.code == "too-large"
    assert "100,000 x 100,000" in refusal.message


def test_strips_beyond_the_end_of_the_file_are_truncated() -> None:
    assert refusal_of(tiff(*SIZE, *STORED, (273, LONG, 1, 5_000), (279, LONG, 1, 11_000))).code == "truncated"


def test_a_directory_beyond_the_end_of_the_file_is_truncated() -> None:
    assert refusal_of(b"II*\0" + struct.pack("<I", 1_000) + bytes(100)).code == "truncated"


@pytest.mark.parametrize("following", [8, 5_000_000])
def test_a_next_page_that_leads_round_or_nowhere_is_no_page(following: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, 11_000, dtype=np.uint8).tobytes()
    tags = (*SIZE, *STORED, (279, LONG, 1, 11_000))
    offset = 8 + 2 + 12 * (len(tags) + 1) + 4
    data = tiff(*tags, (273, LONG, 1, offset), following=following, tail=pixels)
    assert radiograph_from_bytes(data, "file").gray.tobytes() == pixels


def test_a_picture_without_a_size_is_too_small() -> None:
    assert refusal_of(tiff(*STORED)).code == "too-small"


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_a_fax_is_no_radiograph(compression: str) -> None:
    data = picture_bytes(Image.new("1", (100, 110)), "TIFF", compression=compression)
    refusal = refusal_of(data)
    assert refusal.code == "unsupported-format"
    assert "fax" in refusal.message


def test_a_variant_that_pillow_does_not_know_is_unsupported() -> None:
    eleven_bits = ((258, SHORT, 1, 11), *STORED[1:])
    refusal = refusal_of(tiff(*SIZE, *eleven_bits, (273, LONG, 1, 100), (279, LONG, 1, 10_000)))
    assert refusal.code == "unsupported-format"
