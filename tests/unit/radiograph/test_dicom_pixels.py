"""Every transfer syntax gives the same picture; what contradicts itself is refused before it is decoded."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    JPEG2000,
    MPEG2MPML,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from pneumoscope.radiograph.reading import radiograph_from_bytes
from support.dicom_makers import LOSSLESS, LOSSLESS_GRAY, LOSSY_8_BIT, dicom_bytes, jpeg_bytes
from support.jpeg_lossless_maker import jpeg_lossless_bytes
from support.phantom import chest_phantom
from support.refusals import picture_bytes, refusal_of

GRAY = chest_phantom(230, 241, np.random.default_rng(7))  # an odd number of bytes
TWELVE_BITS = GRAY.astype(np.uint16) * 16 + np.arange(241, dtype=np.uint16) % 16
ARRAYS = {
    "8 bits": (GRAY, 8),
    "12 bits": (TWELVE_BITS, 12),
    "16 bits": (TWELVE_BITS * np.uint16(16), 16),
    "8 bits signed": ((GRAY.astype(np.int16) - 128).astype(np.int8), 8),
    "12 bits signed": (TWELVE_BITS.astype(np.int16) - 2048, 12),
    "16 bits signed": ((TWELVE_BITS.astype(np.int32) * 16 - 32768).astype(np.int16), 16),
}
SPECTRAL_SELECTION = "1.2.840.10008.1.2.4.53"  # retired from the standard


def gray_of(data: bytes) -> np.ndarray:
    return radiograph_from_bytes(data, "file").gray


def full_range(values: np.ndarray) -> np.ndarray:
    low, high = int(values.min()), int(values.max())
    return np.rint((values.astype(float) - low) * 255 / (high - low)).astype(np.uint8)


@pytest.mark.parametrize("transfer_syntax", LOSSLESS_GRAY)
@pytest.mark.parametrize("name", ARRAYS)
def test_a_lossless_syntax_gives_the_very_values(transfer_syntax: str, name: str) -> None:
    values, bits = ARRAYS[name]
    gray = gray_of(dicom_bytes(values, transfer_syntax=transfer_syntax, bits_stored=bits))
    assert np.array_equal(gray, GRAY if name == "8 bits" else full_range(values))


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("name", ARRAYS)
def test_jpeg_lossless_in_fragments_gives_the_picture_of_the_uncompressed_file(name: str, predictor: int) -> None:
    values, bits = ARRAYS[name]
    codestream = jpeg_lossless_bytes(values, bits, predictor=predictor, rows_a_restart=50)
    fragments = {"PixelData": encapsulate([codestream], fragments_per_frame=3)}
    compressed = dicom_bytes(values, transfer_syntax=JPEGLossless, bits_stored=bits, header=fragments)
    assert np.array_equal(gray_of(compressed), gray_of(dicom_bytes(values, bits_stored=bits)))


def test_jpeg_lossless_may_keep_8_bits_in_16_and_has_no_need_of_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Decoder, "available_plugins", property(lambda _decoder: ()))
    wide = {"PixelData": encapsulate([jpeg_lossless_bytes(GRAY, 8)])}
    data = dicom_bytes(GRAY.astype(np.uint16), transfer_syntax=JPEGLosslessSV1, bits_stored=8, header=wide)
    assert np.array_equal(gray_of(data), full_range(GRAY))


def test_jpeg_lossless_that_is_in_colour_or_lossy_is_refused() -> None:
    lossy = {"PixelData": encapsulate([jpeg_bytes(GRAY)])}
    coloured = bytearray(jpeg_lossless_bytes(GRAY, 8))
    coloured[coloured.index(b"\xff\xc3") + 9] = 3
    refusals = [
        refusal_of(dicom_bytes(GRAY, transfer_syntax=JPEGLosslessSV1, header=lossy)),
        refusal_of(
            dicom_bytes(
                GRAY,
                transfer_syntax=JPEGLosslessSV1,
                header={
                    "SamplesPerPixel": 3,
                    "PhotometricInterpretation": "RGB",
                    "PixelData": encapsulate([bytes(coloured)]),
                },
            )
        ),
    ]
    for refusal in refusals:
        assert refusal.code == "unsupported-transfer-syntax"
        assert "JPEG Lossless" in refusal.message
        assert "Explicit VR Little Endian" in refusal.remedy


@pytest.mark.parametrize("transfer_syntax", [*LOSSY_8_BIT, JPEGLSNearLossless, JPEG2000])
def test_a_lossy_syntax_gives_nearly_the_values(transfer_syntax: str) -> None:
    gray = gray_of(dicom_bytes(GRAY, transfer_syntax=transfer_syntax)).astype(int)
    assert 0 < np.abs(gray - GRAY).mean() < 2.5


@pytest.mark.parametrize("transfer_syntax", [*LOSSLESS, JPEGBaseline8Bit])
def test_rgb_of_gray_is_read_as_gray(transfer_syntax: str) -> None:
    colours = np.stack([GRAY] * 3, axis=-1)
    photometric = "YBR_FULL_422" if transfer_syntax == JPEGBaseline8Bit else "RGB"
    gray = gray_of(dicom_bytes(colours, transfer_syntax=transfer_syntax, photometric=photometric)).astype(int)
    assert np.abs(gray - GRAY).mean() < (3 if transfer_syntax == JPEGBaseline8Bit else 1e-9)


def test_colours_by_plane_and_in_ybr_are_read_as_gray() -> None:
    colours = np.stack([GRAY] * 3, axis=-1)
    planes = np.ascontiguousarray(colours.transpose(2, 0, 1)).tobytes() + b"\0"
    assert np.array_equal(
        gray_of(dicom_bytes(colours, photometric="RGB", header={"PlanarConfiguration": 1, "PixelData": planes})), GRAY
    )
    ybr = np.stack([GRAY, np.full_like(GRAY, 128), np.full_like(GRAY, 128)], axis=-1)
    assert np.abs(gray_of(dicom_bytes(ybr, photometric="YBR_FULL")).astype(int) - GRAY).max() <= 1


def test_16_bit_rgb_is_read_as_gray() -> None:
    colours = np.stack([GRAY.astype(np.uint16) * 257] * 3, axis=-1)
    assert np.array_equal(gray_of(dicom_bytes(colours, photometric="RGB")), GRAY)


def test_a_colour_picture_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    assert refusal_of(dicom_bytes(noise, photometric="RGB")).code == "colour-photograph"


@pytest.mark.parametrize("bits", [8, 16])
def test_palette_colour_is_looked_up(bits: int) -> None:
    entries = (np.arange(256)[::-1] * (257 if bits == 16 else 1)).astype("<u2" if bits == 16 else "u1").tobytes()
    palette = {}
    for colour in ("Red", "Green", "Blue"):
        palette[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, bits]
        palette[f"{colour}PaletteColorLookupTableData"] = entries
    gray = gray_of(dicom_bytes(GRAY, photometric="PALETTE COLOR", header=palette))
    assert np.array_equal(gray, 255 - GRAY)


@pytest.mark.parametrize(
    "transfer_syntax", [RLELossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, JPEGBaseline8Bit]
)
def test_a_compressed_picture_must_have_the_size_that_the_header_says(transfer_syntax: str) -> None:
    data = dicom_bytes(GRAY, transfer_syntax=transfer_syntax, header={"Rows": 231})
    refusal = refusal_of(data)
    assert refusal.code == "corrupt"
    if transfer_syntax != RLELossless:
        assert "241 x 231 px" in refusal.message
        assert "241 x 230 px" in refusal.message


def test_a_codestream_that_claims_a_giant_picture_is_never_decoded() -> None:
    data = bytearray(dicom_bytes(GRAY, transfer_syntax=JPEG2000Lossless))
    size = data.index(b"\xff\x4f\xff\x51") + 8
    data[size : size + 8] = struct.pack(">II", 60_000, 60_000)
    refusal = refusal_of(bytes(data))
    assert refusal.code == "corrupt"
    assert "60,000 x 60,000" in refusal.message


def test_a_header_that_claims_a_giant_picture_is_too_large() -> None:
    refusal = refusal_of(dicom_bytes(GRAY, header={"Rows": 60_000, "Columns": 60_000}))
    assert refusal.code == "too-large"
    assert "60,000 x 60,000" in refusal.message


def test_a_compressed_picture_must_have_the_channels_and_bits_that_the_header_says() -> None:
    colours = np.stack([GRAY] * 3, axis=-1)
    gray = dicom_bytes(
        colours,
        transfer_syntax=JPEG2000Lossless,
        photometric="RGB",
        header={"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"},
    )
    assert refusal_of(gray).code == "corrupt"
    deep = dicom_bytes(
        TWELVE_BITS,
        transfer_syntax=JPEGLSLossless,
        bits_stored=12,
        header={"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
    )
    refusal = refusal_of(deep)
    assert refusal.code == "corrupt"
    assert "12 bits" in refusal.message


def test_pixel_data_shorter_than_the_picture_is_truncated() -> None:
    refusal = refusal_of(dicom_bytes(GRAY, header={"PixelData": GRAY.tobytes()[:50_000]}))
    assert refusal.code == "truncated"
    assert "50,000 bytes" in refusal.message
    assert f"need {230 * 241:,}" in refusal.message


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ({"PhotometricInterpretation": "ARGB"}, "PhotometricInterpretation"),
        ({"PhotometricInterpretation": None}, "PhotometricInterpretation"),
        ({"SamplesPerPixel": 3}, "PhotometricInterpretation"),
        ({"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31}, "32 of 32 bits"),
        ({"BitsStored": 9}, "9 of 8 bits"),
        ({"HighBit": 6}, "HighBit"),
        ({"Rows": None}, "Rows"),
    ],
)
def test_a_description_that_cannot_be_is_corrupt_and_names_the_element(header: dict, named: str) -> None:
    refusal = refusal_of(dicom_bytes(GRAY, header=header))
    assert refusal.code == "corrupt"
    assert named in refusal.message


def test_damaged_pixel_data_is_corrupt() -> None:
    for transfer_syntax in (RLELossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, JPEGBaseline8Bit):
        data = bytearray(dicom_bytes(GRAY, transfer_syntax=transfer_syntax))
        start = data.index(b"\xe0\x7f\x10\0") + 28
        data[start : start + 300] = bytes(300)
        assert refusal_of(bytes(data)).code == "corrupt"


@pytest.mark.parametrize("transfer_syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_a_missing_decoder_is_named_with_what_to_install(transfer_syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = dicom_bytes(GRAY, transfer_syntax=transfer_syntax)
    monkeypatch.setattr(Decoder, "available_plugins", property(lambda _decoder: ("gdcm",)))
    refusal = refusal_of(data)
    assert refusal.code == "codec-missing"
    assert "pip install '.[dicom]' in a copy of the repository" in refusal.remedy


def test_jpeg_2000_is_read_by_pillow_where_the_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dicom_bytes(TWELVE_BITS, transfer_syntax=JPEG2000Lossless, bits_stored=12)
    monkeypatch.setattr(Decoder, "available_plugins", property(lambda _decoder: ("pillow",)))
    assert np.array_equal(gray_of(data), full_range(TWELVE_BITS))


@pytest.mark.parametrize("uid", [SPECTRAL_SELECTION, MPEG2MPML, "1.2.3.4.5"])
def test_a_syntax_that_is_not_read_is_refused(uid: str) -> None:
    data = dicom_bytes(GRAY, transfer_syntax=JPEGBaseline8Bit)
    padded = uid + "\0" * (len(JPEGBaseline8Bit) - len(uid)) if len(uid) < len(JPEGBaseline8Bit) else uid
    renamed = data.replace(JPEGBaseline8Bit.encode(), padded.encode()[: len(JPEGBaseline8Bit)], 1)
    refusal = refusal_of(renamed)
    assert refusal.code == "unsupported-transfer-syntax"
    assert "Explicit VR Little Endian" in refusal.remedy


def test_a_12_bit_jpeg_is_refused() -> None:
    jpeg = bytearray(jpeg_bytes(GRAY))
    jpeg[jpeg.index(b"\xff\xc0") + 4] = 12
    encapsulated = encapsulate([bytes(jpeg)])
    data = dicom_bytes(
        GRAY, transfer_syntax=JPEGExtended12Bit, header={"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
    )
    start = data.index(b"\xe0\x7f\x10\0") + 12
    refusal = refusal_of(data[:start] + encapsulated + b"\xfe\xff\xdd\xe0\0\0\0\0")
    assert refusal.code == "unsupported-transfer-syntax"
    assert "12 bits" in refusal.message


def test_run_lengths_beyond_the_picture_do_not_take_memory() -> None:
    runs = struct.pack("<16L", 1, 64, *[0] * 14) + b"\x81\xff" * 500_000  # 64,000,000 pixels
    data = dicom_bytes(GRAY, transfer_syntax=RLELossless)
    start = data.index(b"\xe0\x7f\x10\0") + 12
    refusal = refusal_of(data[:start] + encapsulate([runs]) + b"\xfe\xff\xdd\xe0\0\0\0\0")
    assert refusal.code in {"blank", "corrupt"}


def test_the_same_file_as_png_and_as_dicom_gives_the_same_picture() -> None:
    assert np.array_equal(gray_of(picture_bytes(Image.fromarray(GRAY), "PNG")), gray_of(dicom_bytes(GRAY)))
