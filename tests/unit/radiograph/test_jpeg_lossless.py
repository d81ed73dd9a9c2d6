"""JPEG Lossless, bit for bit: against libjpeg-turbo's streams, Pillow's decoder and an encoder that follows T.81."""

from __future__ import annotations

import struct
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, features

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.jpeg_lossless import code_table, decode_jpeg_lossless
from support.jpeg_lossless_maker import jpeg_lossless_bytes
from support.phantom import chest_phantom

GRAY = chest_phantom(70, 90, np.random.default_rng(9))
NOISE = np.random.default_rng(0).integers(0, 0x10000, (31, 23), dtype=np.uint16)
TURBO_STREAMS = {  # libjpeg-turbo 3.1, `jpeg8_encode(lossless=True)` of imagecodecs 2026.3.6: (bits, predictor)
    (
        12,
        7,
    ): "ffd8ffe000104a46494600010100000100010000ffc3000b0c0009000b01011100ffc4001900000301010100000000000000000000"
    "000a0b0c090807ffda00080101000700009fff00dbf5348acc24f9d98b2d13a0675ea0f74bfbdb5e77ec9f8c02382602b220425b1a71a4725"
    "7667c7812213315a912e4b9366ce6f59bd9ff0032025026c2b822689786cf1d40921202f44fc709c8b363f24bf3509d469254eaa77004d05c"
    "09e0f405223343e992509aa58413909f8a847ecad4da73d4a25a8b56af6798ba1742131241a51f1889ca305c26251bdc1dc824a5661a79e90"
    "29b35e5586ee62eff00ffd9",
    (
        16,
        6,
    ): "ffd8ffe000104a46494600010100000100010000ffc3000b100009000b01011100ffc4001b000003010100030000000000000000000"
    "00d0e0f0c0b070a10ffda0008010100060000fbb9d15ae64227296a08553dfabbe56c66bd6d425349dd6c67db59bbc481b117b25805014aa5"
    "168f2fa8f65cc042c2ccc556c7e0ca6b267967bf6904952435c758a89cf6dd481d9966f5338ee7a347b799e5ebf01cfd1e142a8f2891b2943"
    "d4b64a654a6f6a799541e146f2a6053189ada7ae49aeec2f8e8062b0d402ec086215d835dac7e8f08b8276192c5af90732b0e6a6cfd7c4c39"
    "3af9cbdb0fa04754ded25df5f48e6a61d74db3af71833f3167d8be0990734986e4639aa786cfb03052b0f57fffd9",
}


def refused(codestream: bytes) -> RefusedRadiograph:
    with pytest.raises(RefusedRadiograph) as refusal:
        decode_jpeg_lossless(codestream)
    return refusal.value


@pytest.mark.parametrize(("bits", "predictor"), TURBO_STREAMS)
def test_a_stream_of_libjpeg_turbo_gives_the_picture_that_went_in(bits: int, predictor: int) -> None:
    y, x = np.mgrid[:9, :11]
    picture = (x * x * 37 + y * y * 101 + x * y * 13) * (2**bits // 1300) % 2**bits
    assert np.array_equal(decode_jpeg_lossless(bytes.fromhex(TURBO_STREAMS[bits, predictor])), picture)


@pytest.mark.skipif(
    (features.version("libjpeg_turbo") or "2") < "3", reason="libjpeg-turbo reads JPEG Lossless from version 3 on"
)
@pytest.mark.parametrize("rows_a_restart", [0, 16])
@pytest.mark.parametrize("predictor", range(1, 8))
def test_pillow_reads_the_same_of_8_bits(predictor: int, rows_a_restart: int) -> None:
    codestream = jpeg_lossless_bytes(GRAY, 8, predictor=predictor, rows_a_restart=rows_a_restart)
    assert np.array_equal(np.asarray(Image.open(BytesIO(codestream))), GRAY)
    assert np.array_equal(decode_jpeg_lossless(codestream), GRAY)


@pytest.mark.parametrize("bits", range(2, 17))
@pytest.mark.parametrize("predictor", range(1, 8))
def test_noise_of_every_depth_comes_back(bits: int, predictor: int) -> None:
    values = NOISE >> (16 - bits)
    for rows_a_restart in (0, 1, 7, 31):
        codestream = jpeg_lossless_bytes(values, bits, predictor=predictor, rows_a_restart=rows_a_restart)
        assert np.array_equal(decode_jpeg_lossless(codestream), values)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 300), (300, 3)])
@pytest.mark.parametrize("predictor", range(1, 8))
def test_narrow_pictures_come_back(shape: tuple[int, int], predictor: int) -> None:
    values = np.random.default_rng(1).integers(0, 4096, shape, dtype=np.uint16)
    assert np.array_equal(decode_jpeg_lossless(jpeg_lossless_bytes(values, 12, predictor=predictor)), values)


def test_more_codes_than_are_looked_up_at_once_come_back() -> None:
    values = np.random.default_rng(1).integers(0, 0x10000, (300, 301), dtype=np.uint16)  # 200 KB
    assert np.array_equal(decode_jpeg_lossless(jpeg_lossless_bytes(values, 16, predictor=4)), values)


def test_the_largest_difference_has_no_bits_of_its_own() -> None:
    values = np.array([[0x8000, 0, 0x8000, 0x8000, 0]], dtype=np.uint16)
    assert np.array_equal(decode_jpeg_lossless(jpeg_lossless_bytes(values, 16)), values)


def test_a_point_transform_leaves_the_low_bits_zero() -> None:
    codestream = jpeg_lossless_bytes(NOISE, 16, predictor=5, point_transform=3)
    assert np.array_equal(decode_jpeg_lossless(codestream), NOISE & 0xFFF8)


def test_codes_are_canonical() -> None:
    """T.81 Annex C worked by hand: 0 is one code, 10 another, 110 the third; 111 is none."""
    table = code_table(bytes([1, 1, 1, *[0] * 13]), bytes([5, 16, 0]))
    firsts = [0x0000, 0x7FFF, 0x8000, 0xBFFF, 0xC000, 0xDFFF, 0xE000, 0xFFFF]
    assert table.code_bits[firsts].tolist() == [1, 1, 2, 2, 3, 3, 0, 0]
    assert table.difference_bits[firsts].tolist() == [5, 5, 16, 16, 0, 0, 0, 0]
    assert table.hop_bits[firsts].tolist() == [6, 6, 2, 2, 3, 3, 255, 255]


@pytest.mark.parametrize(("counts", "categories"), [([3, *[0] * 15], [0, 1, 2]), ([2, 1, *[0] * 14], [0, 1, 2])])
def test_more_codes_than_their_lengths_allow_are_corrupt(counts: list[int], categories: list[int]) -> None:
    with pytest.raises(RefusedRadiograph, match="a code table cannot be"):
        code_table(bytes(counts), bytes(categories))


def test_fill_bytes_and_a_missing_end_are_passed_over() -> None:
    codestream = jpeg_lossless_bytes(GRAY, 8, rows_a_restart=16)
    filled = codestream.replace(b"\xff\xd0", b"\xff\xff\xff\xd0").replace(b"\xff\xd9", b"\xff\xff\xff\xd9\0")
    assert np.array_equal(decode_jpeg_lossless(filled), GRAY)
    assert np.array_equal(decode_jpeg_lossless(codestream.removesuffix(b"\xff\xd9")), GRAY)


def test_a_stream_that_is_cut_off_says_how_many_pixels_it_holds() -> None:
    for rows_a_restart in (0, 16):
        codestream = jpeg_lossless_bytes(GRAY, 8, rows_a_restart=rows_a_restart)
        scan = codestream.index(b"\xff\xda") + 10
        said = []
        for length in range(20, len(codestream) - 3, 67):
            refusal = refused(codestream[:length])
            assert refusal.code == "truncated" or length < scan
            said.append(int(refusal.message.partition("holds ")[2].partition(" of")[0].replace(",", "") or 0))
        assert all(earlier <= later for earlier, later in pairwise(said))
        assert GRAY.size * 0.9 < said[-1] < GRAY.size


def test_a_small_file_that_claims_a_large_picture_takes_no_memory() -> None:
    codestream = bytearray(jpeg_lossless_bytes(GRAY, 8))
    size = codestream.index(b"\xff\xc3") + 5
    codestream[size : size + 4] = struct.pack(">HH", 65_000, 65_000)
    assert refused(bytes(codestream)).code == "truncated"


@pytest.mark.parametrize(
    ("marker", "at", "value", "said"),
    [
        (0xC3, 9, 3, "one channel"),
        (0xC3, 4, 17, "one channel"),
        (0xC3, 1, 0xC0, "one channel"),
        (0xC4, 4, 1, "a code table is missing"),
        (0xC4, 5, 200, "a code table is cut off"),
        (0xC4, 21, 17, "a code table cannot be"),
        (0xDD, 5, 1, "its scan header cannot be"),
        (0xDA, 6, 0x10, "a code table is missing"),
        (0xDA, 7, 0, "its scan header cannot be"),
        (0xDA, 7, 8, "its scan header cannot be"),
        (0xDA, 9, 8, "its scan header cannot be"),
        (0xD0, 1, 0xD1, "codes are wrong, missing or too many"),
        (0xD0, 1, 0xD9, "codes are wrong, missing or too many"),
    ],
)
def test_what_cannot_be_is_corrupt_and_says_why(marker: int, at: int, value: int, said: str) -> None:
    codestream = bytearray(jpeg_lossless_bytes(GRAY, 8, rows_a_restart=16))
    codestream[codestream.index(bytes([0xFF, marker])) + at] = value
    refusal = refused(bytes(codestream))
    assert refusal.code == "corrupt"
    assert said in refusal.message


def test_wrong_codes_too_many_codes_and_values_out_of_range_are_corrupt() -> None:
    codestream = jpeg_lossless_bytes(GRAY, 8)
    scan = codestream.index(b"\xff\xda") + 10
    no_code = codestream[:scan] + b"\xff\x00" * 3000 + b"\xff\xd9"
    too_many = codestream[:-2] + bytes(5) + b"\xff\xd9"
    assert {refused(no_code).code, refused(too_many).code} == {"corrupt"}
    shallow = bytearray(codestream)
    shallow[shallow.index(b"\xff\xc3") + 4] = 6
    assert "more than 6 bits" in refused(bytes(shallow)).message
