"""More than 8 bits to 8, with numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.radiograph.gray_levels import gray_from_floats, gray_from_integers, scaled


@pytest.mark.parametrize(
    ("largest", "bits"), [(1, 8), (255, 8), (256, 9), (1023, 10), (4095, 12), (32_768, 16), (65_535, 16)]
)
def test_the_fewest_bits_that_hold_the_largest_value_are_taken(largest: int, bits: int) -> None:
    gray, warnings = gray_from_integers(np.array([[0, largest]], dtype=np.uint16), stated_bits=16)
    assert gray.tolist() == [[0, round(largest * 255 / (2**bits - 1))]]
    assert [warning.code for warning in warnings] == ["pixel-range-inferred"] * (bits != 16)


def test_stated_bits_need_no_warning() -> None:
    assert gray_from_integers(np.array([[0, 4000]], dtype=np.uint16), stated_bits=12)[1] == ()


def test_negative_integers_are_stretched_with_a_warning() -> None:
    gray, warnings = gray_from_integers(np.array([[-100, 0, 100]], dtype=np.int32), stated_bits=16)
    assert gray.tolist() == [[0, 128, 255]]
    assert "-100 to 100" in warnings[0].message


def test_floats_of_one_value_do_not_divide_by_zero() -> None:
    gray, _ = gray_from_floats(np.full((2, 2), 7, dtype=np.float32))
    assert (gray == 0).all()


def test_blocks_are_scaled_as_the_whole() -> None:
    values = np.arange(3_000_000, dtype=np.int32).reshape(3_000, 1_000)
    assert np.array_equal(scaled(values, 0, 2_999_999), np.rint(values * (255 / 2_999_999)).astype(np.uint8))
