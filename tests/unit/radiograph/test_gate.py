"""Blankness, colour and size."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.gate import (
    check_colour,
    check_shown,
    levels_used,
    one_large_picture_at_a_time,
    refuse_file_size,
    refuse_picture_size,
)
from support.phantom import chest_phantom
from support.refusals import picture_bytes, refusal_of, warning_codes_of

GRAY = chest_phantom(300, 280, np.random.default_rng(3))


def png_of(gray: np.ndarray) -> bytes:
    return picture_bytes(Image.fromarray(gray), "PNG")


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_gray_level_is_blank(level: int) -> None:
    refusal = refusal_of(png_of(np.full((200, 200), level, np.uint8)))
    assert refusal.code == "blank"
    assert f"about {level} of 255" in refusal.message


def test_one_pixel_in_two_thousand_does_not_make_a_picture() -> None:
    gray = np.full((200, 200), 100, np.uint8)
    gray.ravel()[::2003] = 255
    assert refusal_of(png_of(gray)).code == "blank"


def test_faint_noise_is_blank() -> None:
    gray = np.random.default_rng(0).integers(99, 102, (200, 200), dtype=np.uint8)
    assert refusal_of(png_of(gray)).code == "blank"


def test_an_underexposed_picture_is_read_with_a_warning() -> None:
    assert warning_codes_of(png_of(GRAY // 16)) == ["low-contrast"]


def test_levels_used_are_those_of_the_middle_98_percent() -> None:
    levels = np.zeros(256, dtype=int)
    levels[[0, 10, 20, 30]] = [5, 490, 500, 5]
    assert levels_used(levels) == 11  # from 10 to 20


@pytest.mark.parametrize(("rows", "columns"), [(63, 300), (300, 63), (1, 1), (0, 100)])
def test_a_side_under_64_px_is_too_small(rows: int, columns: int) -> None:
    with pytest.raises(RefusedRadiograph, match=f"{columns} x {rows} px") as refused:
        refuse_picture_size(rows, columns)
    assert refused.value.code == "too-small"


def test_64_px_are_enough() -> None:
    assert warning_codes_of(png_of(GRAY[:64, :64])) == ["low-resolution"]


def test_more_than_100_megapixels_are_too_large() -> None:
    refuse_picture_size(10_000, 10_000)
    with pytest.raises(RefusedRadiograph, match="10,001 x 10,000") as refused:
        refuse_picture_size(10_000, 10_001)
    assert refused.value.code == "too-large"


def test_more_than_512_megabytes_are_too_large() -> None:
    refuse_file_size(512 * 1024 * 1024)
    with pytest.raises(RefusedRadiograph, match="536,870,913 bytes") as refused:
        refuse_file_size(512 * 1024 * 1024 + 1)
    assert refused.value.code == "too-large"


def test_a_side_under_224_px_is_low_resolution() -> None:
    assert [warning.code for warning in check_shown(GRAY[:223, :280])] == ["low-resolution"]
    assert check_shown(GRAY[:224, :224]) == ()


def test_more_than_two_and_a_half_to_one_is_an_odd_aspect_ratio() -> None:
    long = np.tile(GRAY, (3, 1))
    assert [warning.code for warning in check_shown(long[:701])] == ["odd-aspect-ratio"]
    assert check_shown(long[:700]) == ()


def colours(gray: np.ndarray) -> np.ndarray:
    return np.stack([gray] * 3, axis=-1)


def test_a_small_coloured_mark_passes() -> None:
    marked = colours(GRAY)
    marked[:60, :60] = (255, 0, 0)  # 4 % of the picture
    assert check_colour(marked) == ()


def test_a_large_coloured_part_is_refused() -> None:
    marked = colours(GRAY)
    marked[:150, :140] = (255, 0, 0)
    marked[150:, 140:] = (0, 0, 255)
    with pytest.raises(RefusedRadiograph) as refused:
        check_colour(marked)
    assert refused.value.code == "colour-photograph"


@pytest.mark.parametrize("tint", [(0.6, 0.75, 1.0), (1.0, 0.8, 0.5)])
def test_a_uniform_tint_passes_with_a_warning(tint: tuple[float, float, float]) -> None:
    tinted = (colours(GRAY) * np.array(tint)).astype(np.uint8)
    assert [warning.code for warning in check_colour(tinted)] == ["tinted-film"]


def test_a_tint_of_the_middle_gray_levels_alone_passes_too() -> None:
    gray = GRAY / 255
    tinted = np.stack([gray, gray**1.2, gray**1.8], axis=-1)
    assert [warning.code for warning in check_colour((tinted * 255).astype(np.uint8))] == ["tinted-film"]


@pytest.mark.parametrize(("rows", "waits"), [(5_000, False), (5_001, True)])
def test_pictures_of_many_pixels_are_decoded_one_at_a_time(rows: int, waits: bool) -> None:
    entered = threading.Event()

    def another() -> None:
        with one_large_picture_at_a_time(rows, 5_000):
            entered.set()

    with one_large_picture_at_a_time(rows, 5_000):
        thread = threading.Thread(target=another)
        thread.start()
        assert entered.wait(0.3) is not waits
    thread.join(5)
    assert entered.is_set()
