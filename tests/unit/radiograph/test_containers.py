"""What is refused before a decoder is let near a file."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pneumoscope.radiograph.reading import radiograph_from_bytes
from support.phantom import chest_phantom
from support.refusals import picture_bytes, refusal_of

GRAY = chest_phantom(128, 120, np.random.default_rng(2))
PICTURE = Image.fromarray(GRAY)
FORMATS = ["JPEG", "PNG", "TIFF", "WEBP", "BMP"]


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_a_file_without_its_end_is_truncated(file_format: str, kept: float) -> None:
    whole = picture_bytes(PICTURE, file_format)
    cut = whole[: int(len(whole) * kept)]
    refusal = refusal_of(cut)
    assert refusal.code == "truncated"
    assert f"{len(cut):,} bytes" in refusal.message


def test_a_file_cut_in_its_header_is_truncated() -> None:
    for file_format in ("JPEG", "PNG", "WEBP"):
        assert refusal_of(picture_bytes(PICTURE, file_format)[:20]).code == "truncated"


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP"])
def test_several_pictures_in_a_file_are_refused_with_their_number(file_format: str) -> None:
    others = [Image.fromarray(np.roll(GRAY, shift)) for shift in (5, 10)]
    refusal = refusal_of(picture_bytes(PICTURE, file_format, save_all=True, append_images=others))
    assert refusal.code == "multi-frame"
    assert " 3 " in refusal.message


def test_a_thumbnail_page_is_no_second_picture() -> None:
    thumbnail = PICTURE.resize((64, 64))
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    data = picture_bytes(PICTURE, "TIFF", save_all=True, append_images=[thumbnail])
    assert np.array_equal(radiograph_from_bytes(data, "file").gray, GRAY)


def png(columns: int, rows: int, *chunks: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND", b"")


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_a_decompression_bomb_is_refused_from_the_header() -> None:
    bomb = png(50_000, 50_000, png_chunk(b"IDAT", zlib.compress(bytes(1_000_000))))
    refusal = refusal_of(bomb)
    assert refusal.code == "too-large"
    assert "50,000 x 50,000" in refusal.message


def test_every_format_is_refused_from_its_header_when_too_large() -> None:
    jpeg = bytearray(picture_bytes(PICTURE, "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", 20_000, 30_000)
    bmp = bytearray(picture_bytes(PICTURE, "BMP"))
    bmp[18:26] = struct.pack("<ii", 20_000, 30_000)
    tiff = picture_bytes(PICTURE, "TIFF")
    sides = [struct.pack("<HHII", tag, 4, 1, side) for tag, side in ((256, 120), (257, 128))]
    for side in sides:
        assert tiff.count(side) == 1
        tiff = tiff.replace(side, side[:8] + struct.pack("<I", 30_000))
    exif = Image.Exif()
    exif[0x0112] = 1
    webp = bytearray(picture_bytes(PICTURE, "WEBP", exif=exif))
    assert webp[12:16] == b"VP8X"
    webp[24:30] = (29_999).to_bytes(3, "little") * 2
    for data in (jpeg, bmp, tiff, webp):
        refusal = refusal_of(bytes(data))
        assert refusal.code == "too-large"
        assert "30,000" in refusal.message


def test_the_largest_picture_that_is_read_needs_no_warning_of_pillow() -> None:
    data = picture_bytes(Image.fromarray(np.tile(GRAY, (80, 80))[:10_000, :9_500]), "TIFF", compression="tiff_lzw")
    assert radiograph_from_bytes(data, "file").gray.shape == (10_000, 9_500)


def test_a_png_whose_checksum_fails_is_corrupt() -> None:
    data = bytearray(picture_bytes(PICTURE, "PNG"))
    start = data.index(b"IDAT")
    data[start + 100] ^= 1
    refusal = refusal_of(bytes(data))
    assert refusal.code == "corrupt"
    assert "IDAT" in refusal.message
    assert f"byte {start - 4:,}" in refusal.message


def test_a_png_of_endless_text_is_refused() -> None:
    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000), 9))
    pixels = png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in GRAY)))
    assert refusal_of(png(120, 128, text, pixels)).code == "corrupt"
    assert refusal_of(png(120, 128, *[png_chunk(b"tEXt", b"a\0")] * 100_001, pixels)).code == "corrupt"


def test_a_png_that_does_not_begin_with_its_header_is_corrupt() -> None:
    assert refusal_of(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IDAT", b"") * 3).code == "corrupt"


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = picture_bytes(Image.fromarray(np.tile(GRAY, (20, 20))), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    refusal = refusal_of(data[:-2] + data[start:-2] * 300 + b"\xff\xd9")
    assert refusal.code == "corrupt"
    assert "scans" in refusal.message


def test_a_jpeg_without_a_frame_is_corrupt() -> None:
    assert refusal_of(b"\xff\xd8\xff\xdb" + b"\0\x43" + bytes(65) + b"\xff\xd9").code == "corrupt"


def test_a_jpeg_of_12_bits_is_not_read() -> None:
    data = bytearray(picture_bytes(PICTURE, "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    refusal = refusal_of(bytes(data))
    assert refusal.code == "unsupported-format"
    assert "12 bits" in refusal.message


def test_a_run_length_bmp_is_not_read() -> None:
    data = bytearray(picture_bytes(PICTURE, "BMP"))
    data[30:34] = struct.pack("<I", 1)
    assert refusal_of(bytes(data)).code == "unsupported-format"


def test_a_webp_of_unknown_content_is_corrupt() -> None:
    data = bytearray(picture_bytes(PICTURE, "WEBP"))
    data[12:16] = b"ABCD"
    assert refusal_of(bytes(data)).code == "corrupt"


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF", "BMP"])
def test_a_header_that_contradicts_itself_is_refused_as_one_of_ours(file_format: str) -> None:
    data = bytearray(picture_bytes(PICTURE, file_format))
    data[18:70] = bytes(52)
    assert refusal_of(bytes(data)).code in {"corrupt", "truncated", "too-small", "unsupported-format"}
