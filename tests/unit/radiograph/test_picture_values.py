"""The values of PNG and TIFF files of more than 8 bits, and whether a file is worth asking for them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pneumoscope.radiograph.picture_values import PictureValues, nearest_window
from pneumoscope.radiograph.reading import radiograph_from_bytes
from pneumoscope.radiograph.reading_values import may_hold_values, values_from_bytes
from pneumoscope.radiograph.sniffing import media_type_of
from support.phantom import chest_phantom
from support.refusals import picture_bytes

GRAY = chest_phantom(100, 120, np.random.default_rng(8))


def values_of(data: bytes) -> PictureValues:
    found = values_from_bytes(data, longer_px=1024)
    assert found is not None
    return found


def numbers(values: PictureValues) -> np.ndarray:
    return values.smallest + values.step * (values.codes.astype(float) - 1)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_a_16_bit_file_of_12_bits_is_windowed_as_it_was_read(file_format: str) -> None:
    pixels = GRAY.astype(np.uint16) * 16
    data = picture_bytes(Image.fromarray(pixels), file_format)
    found = values_of(data)

    assert np.array_equal(numbers(found), pixels)
    assert (found.window.center, found.window.width, found.window.exact) == (2047.5, 4095, True)
    gray = np.rint((numbers(found) / 4095).clip(0, 1) * 255)
    assert np.abs(gray - radiograph_from_bytes(data, "x").gray).max() <= 1


def test_values_that_are_no_whole_numbers_keep_16_bits() -> None:
    pixels = GRAY.astype(np.float32) / 255
    found = values_of(picture_bytes(Image.fromarray(pixels), "TIFF"))

    assert np.abs(numbers(found) - pixels).max() <= (pixels.max() - pixels.min()) / 65_534
    assert (found.window.center, found.window.width) == (0.5, 1)


def test_a_file_of_one_value_does_not_divide_by_zero() -> None:
    found = values_of(picture_bytes(Image.fromarray(np.full((80, 80), 500, np.uint16)), "TIFF"))
    assert (found.step, set(found.codes.ravel())) == (1, {1})


@pytest.mark.parametrize(
    ("pixels", "file_format", "worth"),
    [
        (GRAY, "JPEG", False),
        (GRAY, "PNG", False),
        (GRAY.astype(np.uint16) * 16, "PNG", True),
        (GRAY, "TIFF", True),  # told only when it is opened
    ],
)
def test_only_files_that_may_hold_more_than_8_bits_are_worth_asking(pixels, file_format, worth) -> None:
    data = picture_bytes(Image.fromarray(pixels), file_format)

    assert may_hold_values(data, media_type_of(data)) is worth
    assert (values_from_bytes(data, longer_px=1024) is None) is (pixels.dtype == np.uint8)


def test_the_window_nearest_to_a_curve_is_the_line_between_dark_gray_and_light_gray() -> None:
    values = np.array([0.0, 10, 20, 30, 40])
    found = nearest_window(values, np.array([0.0, 0.25, 0.6, 0.75, 1.0]))  # slope 0.5 / 20: 0 at 0, 1 at 40

    assert (found.center, found.width) == (20, 40)


def test_the_window_of_a_falling_curve_runs_upwards() -> None:
    found = nearest_window(np.array([0.0, 10, 20, 30, 40]), np.array([1.0, 0.75, 0.5, 0.25, 0.0]))

    assert (found.center, found.width) == (20, 40)


def test_two_values_that_are_shown_alike_give_their_range() -> None:
    found = nearest_window(np.array([5.0, 9.0]), np.array([0.5, 0.5]))

    assert (found.center, found.width) == (7, 4)
