"""The grayscale pipeline: numbers worked by hand, and pydicom as another implementation."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.dicom_grayscale import modality_values, shown, windowed
from pneumoscope.radiograph.reading import radiograph_from_bytes
from support.dicom_makers import dicom_bytes, sequence_item
from support.phantom import chest_phantom
from support.refusals import refusal_of, warning_codes_of

GRAY = chest_phantom(230, 240, np.random.default_rng(8))
TWELVE_BITS = GRAY.astype(np.uint16) * 16


def header_of(bits: int = 12, photometric: str = "MONOCHROME2", **elements: object) -> Dataset:
    return sequence_item(PhotometricInterpretation=photometric, BitsStored=bits, PixelRepresentation=0, **elements)


def shown_levels(stored: list[int], header: Dataset, dtype: type = np.uint16) -> list[int]:
    gray, _ = shown(np.array([stored], dtype=dtype), header, little_endian=True)
    return gray[0].tolist()


def shown_codes(stored: list[int], header: Dataset) -> list[str]:
    _, warnings = shown(np.array([stored], dtype=np.uint16), header, little_endian=True)
    return [warning.code for warning in warnings]


def test_without_a_window_the_full_range_is_shown() -> None:
    assert shown_levels([100, 200, 300], header_of()) == [0, 128, 255]  # 127.5 goes to the even neighbour


def test_8_bits_without_a_window_are_gray_levels_already() -> None:
    assert shown_levels([10, 20, 200], header_of(bits=8), np.uint8) == [10, 20, 200]


def test_a_linear_window_follows_the_formula_of_the_standard() -> None:
    # C.11.2.1.2.1: c = 100, w = 51: black up to 99.5 - 25 = 74.5, white from 124.5, y = ((x - 99.5) / 50 + 0.5) * 255
    header = header_of(WindowCenter="100", WindowWidth="51")
    assert shown_levels([0, 74, 75, 99, 100, 124, 125, 4095], header) == [0, 0, 3, 125, 130, 252, 255, 255]


def test_a_linear_exact_window_follows_the_formula_of_the_standard() -> None:
    # C.11.2.1.3.2: y = ((x - 100) / 50 + 0.5) * 255
    header = header_of(WindowCenter="100", WindowWidth="50", VOILUTFunction="LINEAR_EXACT")
    assert shown_levels([75, 85, 105, 115, 125], header) == [0, 51, 153, 204, 255]


def test_a_sigmoid_window_follows_the_formula_of_the_standard() -> None:
    # C.11.2.1.3.1: y = 255 / (1 + exp(-4 (x - 100) / 50)); at 125: 255 / (1 + e^-2) = 224.6
    header = header_of(WindowCenter="100", WindowWidth="50", VOILUTFunction="SIGMOID")
    assert shown_levels([75, 100, 125, 4095], header) == [30, 128, 225, 255]


def test_a_window_of_width_1_is_a_threshold() -> None:
    assert shown_levels([99, 100, 101], header_of(WindowCenter="100.5", WindowWidth="1")) == [0, 0, 255]


def test_the_first_of_several_windows_is_shown() -> None:
    one = header_of(WindowCenter="100", WindowWidth="51")
    several = header_of(WindowCenter=["100", "2000"], WindowWidth=["51", "9"])
    several["WindowCenter"].VR = several["WindowWidth"].VR = "DS"
    assert shown_levels([75, 99, 124], several) == shown_levels([75, 99, 124], one)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("center", "width"), [(2047.5, 4096), (300, 1.5), (-20, 4000), (1234.5, 77.25)])
def test_windows_agree_with_pydicom(function: str, center: float, width: float) -> None:
    values = np.arange(4096)
    header = header_of(WindowCenter=str(center), WindowWidth=str(width), VOILUTFunction=function)
    with np.errstate(over="ignore"):
        theirs = apply_voi_lut(values, header) / 4095
    ours = windowed(values.astype(float), center, width, function)
    assert ours is not None
    assert np.abs(ours - theirs).max() < 1e-9


def test_rescale_comes_before_the_window() -> None:
    header = header_of(RescaleSlope="2", RescaleIntercept="-100", WindowCenter="100", WindowWidth="51")
    # stored 100 is 100 after rescaling: ((100 - 99.5) / 50 + 0.5) * 255 = 130.05
    assert shown_levels([87, 100, 112, 113], header) == [0, 130, 252, 255]


def test_rescale_and_modality_lut_agree_with_pydicom() -> None:
    values = np.arange(0, 300, dtype=np.uint16)
    rescaled = header_of(RescaleSlope="-1.5", RescaleIntercept="7")
    lut = sequence_item(LUTDescriptor=[200, 50, 16], LUTData=[int(entry**2) % 65_536 for entry in range(200)])
    looked_up = header_of(ModalityLUTSequence=[lut])
    looked_up["ModalityLUTSequence"].VR = "SQ"
    for header in (rescaled, looked_up):
        ours = modality_values(values.astype(float), header, little_endian=True)
        assert np.array_equal(ours, apply_modality_lut(values, header))


def sequence_header(keyword: str, item: Dataset, **elements: object) -> Dataset:
    header = header_of(**elements)
    setattr(header, keyword, [item])
    header[keyword].VR = "SQ"
    return header


def test_a_voi_lut_is_looked_up_and_clamped_at_its_ends() -> None:
    lut = sequence_item(LUTDescriptor=[3, 100, 10], LUTData=[0, 511, 1023])
    header = sequence_header("VOILUTSequence", lut, WindowCenter="5", WindowWidth="2")
    assert shown_levels([0, 100, 101, 102, 4000], header) == [0, 0, 127, 255, 255]


def test_a_voi_lut_of_8_bits_with_more_than_256_entries_is_not_wrapped() -> None:
    lut = sequence_item(LUTDescriptor=[4096, 0, 8], LUTData=[entry // 16 for entry in range(4096)])
    assert shown_levels([0, 1600, 4095], sequence_header("VOILUTSequence", lut)) == [0, 100, 255]


def test_two_8_bit_entries_in_a_word_are_told_apart() -> None:
    lut = sequence_item(LUTDescriptor=[4, 0, 8], LUTData=[0x4000, 0xFF80])
    assert shown_levels([0, 1, 2, 3], sequence_header("VOILUTSequence", lut)) == [0, 64, 128, 255]


def test_a_lut_of_65536_entries_has_a_descriptor_of_0() -> None:
    lut = sequence_item(LUTDescriptor=[0, 0, 16], LUTData=list(range(65_536)))
    assert shown_levels([0, 257, 65_535], sequence_header("VOILUTSequence", lut, bits=16)) == [0, 1, 255]


def test_the_first_value_of_a_lut_may_be_negative() -> None:
    lut = sequence_item(LUTDescriptor=[3, 65_535, 8], LUTData=[10, 20, 30])  # 65,535 is -1
    header = sequence_header("ModalityLUTSequence", lut)
    header.PixelRepresentation = 1
    values = modality_values(np.array([-5.0, -1, 0, 1, 9]), header, little_endian=True)
    assert values.tolist() == [10, 10, 20, 30, 30]


@pytest.mark.parametrize("transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_lut_is_read_in_the_byte_order_of_the_file(transfer_syntax: str) -> None:
    table = np.linspace(0, 4095, 4096).astype(np.uint16)[::-1]
    order = ">" if transfer_syntax == ExplicitVRBigEndian else "<"
    lut = sequence_item(LUTDescriptor=[4096, 0, 12])
    lut.LUTData = table.astype(f"{order}u2").tobytes()
    lut["LUTData"].VR = "OW"
    data = dicom_bytes(TWELVE_BITS, transfer_syntax=transfer_syntax, bits_stored=12, header={"VOILUTSequence": [lut]})
    expected = np.rint((4095 - TWELVE_BITS.astype(float)) * 255 / 4095)
    assert np.array_equal(radiograph_from_bytes(data, "file").gray, expected)


@pytest.mark.parametrize(
    ("center", "width", "function"),
    [
        ("100", "0", ""), ("100", "0.5", "LINEAR"), ("100", "-5", "SIGMOID"), ("100", "0", "LINEAR_EXACT"),
        ("", "50", ""), ("100", "50", "CUBIC"), ("90000", "10", ""),
    ],
)  # fmt: skip
def test_a_window_that_cannot_be_is_replaced_with_a_warning(center: str, width: str, function: str) -> None:
    header = header_of(WindowCenter=center or None, WindowWidth=width, VOILUTFunction=function)
    assert shown_levels([100, 200, 300], header) == [0, 128, 255]
    assert shown_codes([100, 200, 300], header) == ["window-unusable"]


@pytest.mark.parametrize(
    "lut", [{"LUTDescriptor": [3, 0], "LUTData": [1, 2, 3]}, {"LUTDescriptor": [9, 0, 8], "LUTData": [1, 2, 3]}]
)
def test_a_voi_lut_that_cannot_be_is_replaced_with_a_warning(lut: dict) -> None:
    header = sequence_header("VOILUTSequence", sequence_item(**lut))
    assert shown_levels([100, 200, 300], header) == [0, 128, 255]
    assert shown_codes([100, 200, 300], header) == ["window-unusable"]


def test_a_modality_lut_or_slope_that_cannot_be_is_corrupt() -> None:
    broken = sequence_item(LUTDescriptor=[9, 0, 8], LUTData=[1])
    for header in (sequence_header("ModalityLUTSequence", broken), header_of(RescaleSlope="0", RescaleIntercept="1")):
        with pytest.raises(RefusedRadiograph) as refused:
            modality_values(np.zeros(3), header, little_endian=True)
        assert refused.value.code == "corrupt"


def test_padding_is_black_and_does_not_stretch_the_range() -> None:
    header = header_of(PixelPaddingValue=4000)
    assert shown_levels([100, 200, 300, 4000], header) == [0, 128, 255, 0]
    header = header_of(PixelPaddingValue=3900, PixelPaddingRangeLimit=4095)
    assert shown_levels([100, 200, 300, 4000], header) == [0, 128, 255, 0]
    assert shown_levels([300, 200, 100, 4000], header_of(photometric="MONOCHROME1", PixelPaddingValue=4000)) == [
        0, 128, 255, 0,
    ]  # fmt: skip


def test_a_negative_padding_value_is_understood() -> None:
    header = header_of(PixelPaddingValue=65_536 - 2_000)
    header.PixelRepresentation = 1
    assert shown_levels([-2000, -100, 0, 100], header, np.int16) == [0, 0, 128, 255]


def test_a_picture_of_padding_alone_is_blank() -> None:
    assert refusal_of(dicom_bytes(np.full((100, 100), 7, np.uint16), header={"PixelPaddingValue": 7})).code == "blank"


@pytest.mark.parametrize("window", [{}, {"WindowCenter": "2048", "WindowWidth": "4096"}])
def test_monochrome1_of_turned_values_gives_the_same_picture(window: dict) -> None:
    turned = dicom_bytes(4095 - TWELVE_BITS, photometric="MONOCHROME1", bits_stored=12, header=window)
    straight = dicom_bytes(TWELVE_BITS, bits_stored=12, header=window)
    difference = radiograph_from_bytes(turned, "file").gray.astype(int) - radiograph_from_bytes(straight, "file").gray
    assert np.abs(difference).max() <= (1 if window else 0)  # a window of even width has no middle value


def test_8_bit_monochrome1_is_255_less_the_value() -> None:
    data = dicom_bytes(GRAY, photometric="MONOCHROME1")
    assert np.array_equal(radiograph_from_bytes(data, "file").gray, 255 - GRAY)


def test_an_inverse_presentation_lut_turns_once() -> None:
    inverse = {"PresentationLUTShape": "INVERSE"}
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        data = dicom_bytes(GRAY, photometric=photometric, header=inverse)
        assert np.array_equal(radiograph_from_bytes(data, "file").gray, 255 - GRAY)
    data = dicom_bytes(GRAY, header={"PresentationLUTShape": "IDENTITY"})
    assert np.array_equal(radiograph_from_bytes(data, "file").gray, GRAY)


def test_the_warning_names_the_element() -> None:
    data = dicom_bytes(TWELVE_BITS, bits_stored=12, header={"WindowCenter": "100", "WindowWidth": "0"})
    assert warning_codes_of(data) == ["window-unusable"]
    (warning,) = radiograph_from_bytes(data, "file").warnings
    assert warning.to_dict()["tag"] == "(0028,1051) WindowWidth"
