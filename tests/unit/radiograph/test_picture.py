"""Every format, mode and turn that Pillow reads for us."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from pneumoscope.radiograph.reading import radiograph_from_bytes
from support.phantom import chest_phantom
from support.refusals import picture_bytes, refusal_of, warning_codes_of

GRAY = chest_phantom(256, 240, np.random.default_rng(1))
LOSSLESS_FORMATS = [("PNG", {}), ("TIFF", {}), ("BMP", {}), ("WEBP", {"lossless": True})]
MEDIA_TYPES = {"PNG": "image/png", "TIFF": "image/tiff", "BMP": "image/bmp", "WEBP": "image/webp"}


def gray_of(data: bytes) -> np.ndarray:
    radiograph = radiograph_from_bytes(data, "file")
    assert radiograph.gray.dtype == np.uint8
    assert radiograph.gray.flags.c_contiguous
    return radiograph.gray


@pytest.mark.parametrize(("file_format", "options"), LOSSLESS_FORMATS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_lossless_file_gives_the_very_gray_levels(file_format: str, options: dict, mode: str) -> None:
    data = picture_bytes(Image.fromarray(GRAY).convert(mode), file_format, **options)
    radiograph = radiograph_from_bytes(data, "file")
    assert np.array_equal(radiograph.gray, GRAY)
    assert radiograph.media_type == MEDIA_TYPES[file_format]
    assert radiograph.warnings == ()


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_gives_the_gray_levels_within_its_coding(options: dict, mode: str) -> None:
    gray = gray_of(picture_bytes(Image.fromarray(GRAY).convert(mode), "JPEG", quality=95, **options))
    assert np.abs(gray.astype(int) - GRAY).mean() < 3


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "tiff_deflate"])
def test_a_tiff_gives_the_same_in_every_lossless_compression(compression: str) -> None:
    assert np.array_equal(gray_of(picture_bytes(Image.fromarray(GRAY), "TIFF", compression=compression)), GRAY)


def test_a_big_tiff_is_a_tiff() -> None:
    assert np.array_equal(gray_of(picture_bytes(Image.fromarray(GRAY), "TIFF", big_tiff=True)), GRAY)


def test_ycbcr_tiff_is_read_as_its_luminance() -> None:
    picture = Image.fromarray(GRAY).convert("RGB").convert("YCbCr")
    assert np.abs(gray_of(picture_bytes(picture, "TIFF")).astype(int) - GRAY).max() <= 1


def test_a_palette_is_looked_up() -> None:
    picture = Image.fromarray(GRAY // 2).convert("P")
    picture.putpalette([value for level in range(256) for value in [min(255, 2 * level)] * 3])
    assert np.array_equal(gray_of(picture_bytes(picture, "PNG")), GRAY // 2 * 2)


def test_one_bit_pictures_are_black_and_white() -> None:
    gray = gray_of(picture_bytes(Image.fromarray(GRAY).convert("1"), "PNG"))
    assert set(np.unique(gray)) == {0, 255}


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_lies_on_black(mode: str) -> None:
    picture = Image.fromarray(GRAY).convert(mode)
    alpha = np.full(GRAY.shape, 255, np.uint8)
    alpha[:100] = 0
    alpha[100:200] = 128
    picture.putalpha(Image.fromarray(alpha))
    gray = gray_of(picture_bytes(picture, "PNG")).astype(int)
    assert (gray[:100] == 0).all()
    assert np.abs(gray[100:200] - GRAY[100:200] * (128 / 255)).max() <= 1
    assert np.array_equal(gray[200:], GRAY[200:])


def test_a_transparent_gray_level_or_palette_entry_is_black() -> None:
    level = int(np.bincount(GRAY.ravel()).argmax())
    expected = np.where(level == GRAY, 0, GRAY)
    assert np.array_equal(gray_of(picture_bytes(Image.fromarray(GRAY), "PNG", transparency=level)), expected)
    palette = Image.fromarray(GRAY).convert("P")
    palette.putpalette([value for gray in range(256) for value in [gray] * 3])
    assert np.array_equal(gray_of(picture_bytes(palette, "PNG", transparency=level)), expected)


def test_a_transparent_level_of_16_bits_is_black() -> None:
    values = GRAY.astype(np.uint16) * 257
    values[0, :10] = 12_345
    gray = gray_of(picture_bytes(Image.fromarray(values), "PNG", transparency=12_345))
    assert (gray[0, :10] == 0).all()
    assert np.array_equal(gray[1:], GRAY[1:])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_the_exif_turn_is_done_once(orientation: int, file_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100}}.get(file_format, {})
    data = picture_bytes(Image.fromarray(GRAY), file_format, exif=exif, **options)
    upright = Image.fromarray(GRAY)
    upright.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(upright))
    gray = gray_of(data)
    assert gray.shape == expected.shape
    assert np.abs(gray.astype(int) - expected).max() <= (4 if file_format == "JPEG" else 0)


def test_exif_that_cannot_be_read_turns_nothing() -> None:
    data = picture_bytes(Image.fromarray(GRAY), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert np.array_equal(gray_of(data), GRAY)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_16_bits_are_scaled_to_8(file_format: str) -> None:
    data = picture_bytes(Image.fromarray(GRAY.astype(np.uint16) * 257), file_format)
    assert np.array_equal(gray_of(data), GRAY)
    assert warning_codes_of(data) == []


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_12_bits_in_a_16_bit_file_do_not_come_out_black(file_format: str) -> None:
    data = picture_bytes(Image.fromarray(GRAY.astype(np.uint16) * 16), file_format)
    radiograph = radiograph_from_bytes(data, "file")
    assert np.array_equal(radiograph.gray, np.rint(GRAY.astype(float) * 16 * 255 / 4095).astype(np.uint8))
    (warning,) = radiograph.warnings
    assert warning.code == "pixel-range-inferred"
    assert f"{int(GRAY.max()) * 16:,}" in warning.message
    assert "12-bit" in warning.message


def test_32_bit_integers_are_scaled_by_the_bits_they_use() -> None:
    values = GRAY.astype(np.int32) * 2**14  # largest value below 2**22
    data = picture_bytes(Image.fromarray(values), "TIFF")
    assert np.array_equal(gray_of(data), np.rint(values * (255 / (2**22 - 1))).astype(np.uint8))
    assert warning_codes_of(data) == ["pixel-range-inferred"]


def test_floats_between_0_and_1_are_taken_as_they_are() -> None:
    data = picture_bytes(Image.fromarray((GRAY / 255).astype(np.float32)), "TIFF")
    assert np.array_equal(gray_of(data), GRAY)
    assert warning_codes_of(data) == []


def test_other_floats_are_stretched_with_a_warning() -> None:
    data = picture_bytes(Image.fromarray(GRAY.astype(np.float32) * 10 - 500), "TIFF")
    low, high = int(GRAY.min()), int(GRAY.max())
    assert np.abs(gray_of(data) - (GRAY.astype(float) - low) * 255 / (high - low)).max() <= 0.51
    assert warning_codes_of(data) == ["pixel-range-inferred"]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_float_that_is_no_number_is_corrupt(bad: float) -> None:
    values = (GRAY / 255).astype(np.float32)
    values[3, 4] = bad
    assert refusal_of(picture_bytes(Image.fromarray(values), "TIFF")).code == "corrupt"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_whose_white_is_zero_is_turned(dtype: type) -> None:
    values = GRAY.astype(dtype) * (257 if dtype is np.uint16 else 1)
    values[0, 0] = np.iinfo(dtype).max
    data = picture_bytes(Image.fromarray(values), "TIFF")
    photometric = (262).to_bytes(2, "little") + b"\3\0\1\0\0\0" + b"\1\0"
    assert data.count(photometric) == 1
    turned = data.replace(photometric, photometric[:-2] + b"\0\0")
    assert np.array_equal(gray_of(turned), 255 - gray_of(data))


def test_lab_colours_are_not_read() -> None:
    refusal = refusal_of(picture_bytes(Image.new("LAB", (100, 100)), "TIFF"))
    assert refusal.code == "unsupported-format"
    assert "LAB" in refusal.message


def test_a_tinted_film_is_read_as_gray_with_a_warning() -> None:
    gray = GRAY.astype(float)
    tinted = np.stack([gray * 0.6, gray * 0.75, gray], axis=-1).astype(np.uint8)
    assert warning_codes_of(picture_bytes(Image.fromarray(tinted), "PNG")) == ["tinted-film"]


def test_a_colour_photograph_is_refused_with_its_share() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    refusal = refusal_of(picture_bytes(Image.fromarray(noise), "PNG"))
    assert refusal.code == "colour-photograph"
    assert "%" in refusal.message
