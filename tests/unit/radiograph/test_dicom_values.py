"""The values of a DICOM radiograph before its window, and what the window leaves out: numbers worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.picture_values import PictureValues
from pneumoscope.radiograph.reading import radiograph_from_bytes
from pneumoscope.radiograph.reading_values import values_from_bytes
from support.dicom_makers import dicom_bytes
from support.phantom import chest_phantom

RAMP = np.tile(np.arange(1000, 1100, dtype=np.uint16), (100, 1))


def values_of(
    pixels: np.ndarray, *, longer_px: int = 1024, photometric: str = "MONOCHROME2", **header
) -> PictureValues:
    data = dicom_bytes(pixels, photometric=photometric, bits_stored=header.pop("bits", None), header=header)
    found = values_from_bytes(data, longer_px=longer_px)
    assert found is not None
    return found


def numbers(values: PictureValues) -> np.ndarray:
    return values.smallest + values.step * (values.codes.astype(float) - 1)


def brightness(values: PictureValues) -> np.ndarray:
    """As the page shows them: PS3.3 C.11.2.1.2.1 and C.11.2.1.3.2."""
    center, width = values.window.center, values.window.width
    found = (
        (numbers(values) - center) / width if values.window.exact else (numbers(values) - (center - 0.5)) / (width - 1)
    )
    bright = np.clip(found + 0.5, 0, 1)
    return np.where(values.codes == 0, 0, 1 - bright if values.inverted else bright)


def test_values_are_those_after_the_rescale_whatever_the_window() -> None:
    found = values_of(RAMP, bits=12, RescaleSlope="2", RescaleIntercept="-1024", WindowCenter="1000", WindowWidth="10")

    assert np.array_equal(numbers(found), RAMP * 2.0 - 1024)
    assert (found.smallest, found.largest, found.step) == (976, 1174, 2)


def test_a_falling_rescale_keeps_its_values() -> None:
    assert np.array_equal(numbers(values_of(RAMP, bits=12, RescaleSlope="-0.5", RescaleIntercept="7")), 7 - RAMP * 0.5)


def test_signed_values_stay_signed() -> None:
    signed = (RAMP.astype(np.int16) - 1050).astype(np.int16)
    assert np.array_equal(numbers(values_of(signed)), signed)


def test_16_bits_that_are_all_used_keep_their_ends_and_lose_one_bit() -> None:
    pixels = np.linspace(0, 65_535, 10_000).astype(np.uint16).reshape(100, 100)
    found = values_of(pixels, WindowCenter="32768", WindowWidth="65536")

    assert (found.smallest, found.largest, found.step) == (0, 65_535, 2)
    assert np.abs(numbers(found) - pixels).max() <= 1


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    "header",
    [
        {"WindowCenter": "1050", "WindowWidth": "61"},
        {"WindowCenter": "1050", "WindowWidth": "60", "VOILUTFunction": "LINEAR_EXACT"},
        {"RescaleSlope": "0.25", "RescaleIntercept": "3"},
        {"WindowCenter": "9000", "WindowWidth": "2"},  # shows nothing: the full range is shown instead
        {"PixelPaddingValue": 1000},
        {},
    ],
)
def test_through_the_first_window_the_values_look_as_the_picture_does(photometric: str, header: dict) -> None:
    data = dicom_bytes(RAMP, photometric=photometric, bits_stored=12, header=header)
    gray = radiograph_from_bytes(data, "x").gray
    found = values_from_bytes(data, longer_px=1024)

    assert found is not None
    assert np.abs(brightness(found) * 255 - gray).max() <= 1


def test_8_bits_without_a_window_start_from_0_to_255() -> None:
    found = values_of(np.tile(np.arange(60, 188, dtype=np.uint8), (100, 1)))

    assert (found.window.center, found.window.width) == pytest.approx((127.5, 255))
    assert not found.window.stated


def test_a_sigmoid_starts_from_the_straight_window_that_is_as_steep() -> None:
    found = values_of(RAMP, bits=12, WindowCenter="1040", WindowWidth="30", VOILUTFunction="SIGMOID")

    assert (found.window.center, found.window.width, found.window.exact) == (1040, 30, True)
    assert (found.black_share, found.white_share) == (0, 0)  # it never reaches black or white


def test_further_windows_of_the_header_are_told_but_none_that_cannot_be() -> None:
    found = values_of(RAMP, bits=12, WindowCenter=["1050", "1060", "1050", "9"], WindowWidth=["60", "20", "60", "0"])

    assert [(found.window.center, found.window.width)] == [(1050, 60)]
    assert [(window.center, window.width) for window in found.further_windows] == [(1060, 20)]
    assert values_of(RAMP, bits=12, WindowCenter="9000", WindowWidth="2").further_windows == ()


def test_padding_has_no_value_and_does_not_count() -> None:
    pixels = RAMP.copy()
    pixels[:50] = 0
    found = values_of(pixels, bits=12, PixelPaddingValue=0, WindowCenter="1075", WindowWidth="51")

    assert (found.codes[:50] == 0).all()
    assert (found.smallest, found.largest) == (1000, 1099)
    # black: up to 1074.5 - 25 = 1049.5, that is 50 of 100 columns; 49 without the commonest value
    assert found.black_share == pytest.approx(0.49)
    assert found.white_share == 0  # white from 1099.5 on


def test_what_is_cut_off_is_told_by_how_it_is_shown() -> None:
    found = values_of(RAMP, bits=12, photometric="MONOCHROME1", WindowCenter="1075", WindowWidth="51")

    assert (found.black_share, found.white_share) == (0, pytest.approx(0.49))


def test_an_area_filled_with_one_value_hides_nothing() -> None:
    pixels = RAMP.copy()
    pixels[:40] = 0
    found = values_of(pixels, bits=12, WindowCenter="1050", WindowWidth="101")

    assert (found.black_share, found.white_share) == (0, 0)


def test_smaller_values_are_means_and_padding_wins_where_it_is_more_than_half() -> None:
    pixels = np.full((200, 200), 100, np.uint16)
    pixels[:, 1::2] = 300
    pixels[:10] = 9
    found = values_of(pixels, bits=12, longer_px=100, PixelPaddingValue=9)

    assert found.codes.shape == (100, 100)
    assert (found.codes[:5] == 0).all()
    assert (numbers(found)[5:] == 200).all()


def test_a_large_picture_is_sent_with_the_longer_side_as_asked() -> None:
    pixels = chest_phantom(2400, 1800, np.random.default_rng(3)).astype(np.uint16) * 16
    assert values_of(pixels, bits=12, longer_px=512).codes.shape == (512, 384)


def test_colours_have_no_values_and_a_unit_is_told_only_where_it_is_one_of_the_standards() -> None:
    rgb = np.repeat(chest_phantom(100, 100, np.random.default_rng(3))[..., np.newaxis], 3, axis=-1)

    assert values_from_bytes(dicom_bytes(rgb, photometric="RGB"), longer_px=64) is None
    assert values_of(RAMP, bits=12, RescaleType="HU").unit == "HU"
    assert values_of(RAMP, bits=12, RescaleType="Doe^Jane").unit == ""


@pytest.mark.parametrize(
    ("header", "code"), [({"Modality": "CT"}, "unsupported-modality"), ({"RescaleSlope": "0"}, "corrupt")]
)
def test_what_is_refused_as_a_radiograph_has_no_values(header: dict, code: str) -> None:
    with pytest.raises(RefusedRadiograph) as refused:
        values_of(RAMP, bits=12, **header)
    assert refused.value.code == code
