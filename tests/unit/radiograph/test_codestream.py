"""Sizes read from compressed pictures, against what made them."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.uid import JPEGLSLossless

from pneumoscope.radiograph.codestream import FrameHeader, frame_header
from pneumoscope.radiograph.dicom_file import open_dicom
from support.dicom_makers import dicom_bytes, jpeg_bytes
from support.phantom import chest_phantom

GRAY = chest_phantom(70, 90, np.random.default_rng(9))


@pytest.mark.parametrize(("options", "process"), [({}, 0xC0), ({"progressive": True}, 0xC2)])
def test_jpeg_names_rows_columns_channels_and_bits(options: dict, process: int) -> None:
    assert frame_header(jpeg_bytes(GRAY, **options)) == FrameHeader(70, 90, 1, 8, process)
    assert frame_header(jpeg_bytes(np.stack([GRAY] * 3, axis=-1), **options)) == FrameHeader(70, 90, 3, 8, process)


@pytest.mark.parametrize("container", [True, False])
def test_jpeg_2000_names_them_with_and_without_its_file_format(container: bool) -> None:
    file = BytesIO()
    Image.fromarray(GRAY).save(file, "JPEG2000", no_jp2=not container)
    assert frame_header(file.getvalue()) == FrameHeader(70, 90, 1, 8, 0x51)


def test_jpeg_ls_names_them() -> None:
    file = open_dicom(dicom_bytes(GRAY.astype(np.uint16) * 16, transfer_syntax=JPEGLSLossless, bits_stored=12))
    codestream = get_frame(file.pixels["PixelData"].value, 0, number_of_frames=1)
    assert frame_header(codestream) == FrameHeader(70, 90, 1, 12, 0xF7)


def test_stray_and_fill_bytes_between_segments_are_passed_over() -> None:
    jpeg = jpeg_bytes(GRAY)
    assert frame_header(jpeg[:2] + b"\0\x01\xff\xff\xff\xd0" + jpeg[2:]) == FrameHeader(70, 90, 1, 8, 0xC0)


@pytest.mark.parametrize("length", [0, 1, 2, 5, 20])
def test_what_is_cut_off_or_none_names_nothing(length: int) -> None:
    assert frame_header(jpeg_bytes(GRAY)[:length]) is None
    assert frame_header((b"\xff\x4f\xff\x51" + bytes(30))[:length]) is None
    assert frame_header(b"\xff\xd8\xff\xda\0\x08\xff\xd9") is None
    assert frame_header(b"no picture") is None
