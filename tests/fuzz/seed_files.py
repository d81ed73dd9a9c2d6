"""Small files of every format and variant that is read, to be damaged."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image
from pydicom.uid import JPEG2000, JPEGLSNearLossless

from support.dicom_makers import LOSSLESS_GRAY, LOSSY_8_BIT, dicom_bytes, sequence_item
from support.phantom import chest_phantom


def seed_files() -> list[bytes]:
    generator = np.random.default_rng(20240607)
    gray = chest_phantom(96, 80, generator)
    twelve_bits = gray.astype(np.uint16) * 16 + 7
    return [*_pictures(gray, twelve_bits), *_dicom_files(gray, twelve_bits)]


def _pictures(gray: np.ndarray, twelve_bits: np.ndarray) -> list[bytes]:
    shown = Image.fromarray(gray)
    wide = Image.fromarray(twelve_bits)
    colours = shown.convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        _saved(shown, "JPEG", exif=exif),
        _saved(colours, "JPEG", progressive=True),
        _saved(colours.convert("CMYK"), "JPEG"),
        _saved(shown, "PNG"),
        _saved(wide, "PNG"),
        _saved(shown.convert("P"), "PNG", transparency=3),
        _saved(colours.convert("RGBA"), "PNG", exif=exif),
        _saved(shown.convert("1"), "PNG"),
        _saved(shown, "TIFF"),
        _saved(wide, "TIFF", compression="tiff_lzw"),
        _saved(wide, "TIFF", big_tiff=True),
        _saved(shown, "TIFF", compression="tiff_adobe_deflate"),
        _saved(colours, "TIFF", compression="jpeg"),
        _saved(Image.fromarray(gray.astype(np.float32) / 255), "TIFF"),
        _saved(shown, "WEBP", lossless=True),
        _saved(colours.convert("RGBA"), "WEBP", exif=exif),
        _saved(shown, "BMP"),
        _saved(colours, "BMP"),
    ]


def _dicom_files(gray: np.ndarray, twelve_bits: np.ndarray) -> list[bytes]:
    colours = np.stack([gray] * 3, axis=-1)
    lut = sequence_item(LUTDescriptor=[256, 0, 8], LUTData=list(range(256)))
    return [
        *(dicom_bytes(gray, transfer_syntax=syntax) for syntax in (*LOSSLESS_GRAY, *LOSSY_8_BIT, JPEGLSNearLossless)),
        *(dicom_bytes(twelve_bits, transfer_syntax=syntax, bits_stored=12) for syntax in (*LOSSLESS_GRAY, JPEG2000)),
        dicom_bytes(twelve_bits, bits_stored=12, header={"WindowCenter": "2048", "WindowWidth": "3000"}),
        dicom_bytes(gray, photometric="MONOCHROME1", header={"VOILUTSequence": [lut]}),
        dicom_bytes(colours, photometric="RGB"),
        dicom_bytes(gray, preamble=False),
    ]


def _saved(picture: Image.Image, file_format: str, **options: object) -> bytes:
    file = BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()
