"""Opening DICOM bytes: encodings, missing preambles, cut ends, elements that are not what they say."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pneumoscope.radiograph.dicom_file import integer, number, sixteen_bit_values, text, transfer_syntax_name
from pneumoscope.radiograph.reading import radiograph_from_bytes
from support.dicom_makers import dicom_bytes
from support.phantom import chest_phantom
from support.refusals import refusal_of

GRAY = chest_phantom(230, 240, np.random.default_rng(6))


@pytest.mark.parametrize("transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_a_file_without_preamble_and_file_meta_is_recognised(transfer_syntax: str) -> None:
    data = dicom_bytes(GRAY, transfer_syntax=transfer_syntax, preamble=False)
    assert data[:2] == b"\x08\0"
    assert np.array_equal(radiograph_from_bytes(data, "file").gray, GRAY)


def test_a_file_that_begins_with_its_file_meta_is_recognised() -> None:
    assert np.array_equal(radiograph_from_bytes(dicom_bytes(GRAY)[132:], "file").gray, GRAY)


def test_a_file_that_does_not_name_its_transfer_syntax_is_guessed() -> None:
    for transfer_syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian):
        bare = dicom_bytes(GRAY, transfer_syntax=transfer_syntax, preamble=False)
        assert np.array_equal(radiograph_from_bytes(bytes(128) + b"DICM" + bare, "file").gray, GRAY)


@pytest.mark.parametrize("transfer_syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("lost", [1_000, 40_000])
def test_a_file_without_its_end_is_truncated(transfer_syntax: str, lost: int) -> None:
    data = dicom_bytes(GRAY, transfer_syntax=transfer_syntax)[:-lost]
    refusal = refusal_of(data)
    assert refusal.code == "truncated"
    assert f"{len(data):,} bytes" in refusal.message


def test_an_encapsulated_file_without_its_end_is_truncated() -> None:
    data = dicom_bytes(GRAY, transfer_syntax="1.2.840.10008.1.2.4.50")
    assert refusal_of(data[: len(data) - 3_000]).code == "truncated"


def test_a_header_without_end_is_corrupt() -> None:
    private = b"".join(
        b"\x09\0" + (0x1000 + number % 0xE000).to_bytes(2, "little") + b"LO\2\0ab" for number in range(20_001)
    )
    data = dicom_bytes(GRAY)
    start = data.index(b"\x18\0\x15\0CS")
    refusal = refusal_of(data[:start] + private + data[start:])
    assert refusal.code == "corrupt"
    assert "20,000 elements" in refusal.message


def dataset_of(**elements: object) -> Dataset:
    dataset = Dataset()
    with disable_value_validation():
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
    return dataset


def test_the_first_of_several_values_counts() -> None:
    dataset = dataset_of(WindowCenter=["100.5", "7"], Modality=["cr", "CT"])
    assert number(dataset, "WindowCenter") == 100.5
    assert text(dataset, "Modality") == "CR"


def test_what_cannot_be_understood_counts_as_absent() -> None:
    assert number(dataset_of(ImageComments="four"), "ImageComments") is None
    assert number(dataset_of(ImageComments="nan"), "ImageComments") is None
    assert integer(dataset_of(ImageComments="4.5"), "ImageComments") is None
    assert integer(dataset_of(ImageComments="4"), "ImageComments") == 4
    assert text(Dataset(), "Modality") == ""
    assert (
        len(sixteen_bit_values(dataset_of(ImageComments="x"), "ImageComments", little_endian=True, signed=False)) == 0
    )


def test_16_bit_values_are_the_same_as_words_bytes_and_signed() -> None:
    words = dataset_of(LUTData=[1, 0xFFFF])
    for data, little_endian in ((b"\1\0\xff\xff", True), (b"\0\1\xff\xff", False)):
        as_bytes = dataset_of(LUTData=data)
        assert sixteen_bit_values(as_bytes, "LUTData", little_endian=little_endian, signed=False).tolist() == [
            1,
            65_535,
        ]
    assert sixteen_bit_values(words, "LUTData", little_endian=True, signed=True).tolist() == [1, -1]


def test_only_names_of_the_standard_are_repeated() -> None:
    assert transfer_syntax_name("1.2.840.10008.1.2.5") == "RLE Lossless"
    assert transfer_syntax_name("1.2.3.DOE^JANET") == "a private or unknown one"
