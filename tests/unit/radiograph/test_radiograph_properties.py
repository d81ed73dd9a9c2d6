"""Properties over chance pictures, bytes and windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.dicom_grayscale import windowed
from pneumoscope.radiograph.reading import radiograph_from_bytes
from support.dicom_makers import dicom_bytes
from support.refusals import picture_bytes

repeatable = settings(deadline=None, derandomize=True, max_examples=30, database=None)
sides = st.integers(64, 90)


@st.composite
def gray_pictures(draw: st.DrawFn) -> np.ndarray:
    """Noise of a drawn seed, with a drawn block in it: large arrays of drawn elements would be slow."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    picture = generator.integers(0, 256, (draw(sides), draw(sides)), dtype=np.uint8)
    block = draw(arrays(np.uint8, (4, 4)))
    row, column = draw(st.integers(0, 60)), draw(st.integers(0, 60))
    picture[row : row + 4, column : column + 4] = block
    return picture


@repeatable
@given(gray_pictures(), st.sampled_from(["PNG", "TIFF", "BMP"]))
def test_any_gray_picture_survives_a_lossless_file(picture: np.ndarray, file_format: str) -> None:
    data = picture_bytes(Image.fromarray(picture), file_format)
    assert np.array_equal(radiograph_from_bytes(data, "file").gray, picture)


@repeatable
@given(gray_pictures(), st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]))
def test_any_gray_picture_survives_uncompressed_dicom(picture: np.ndarray, transfer_syntax: str) -> None:
    data = dicom_bytes(picture, transfer_syntax=transfer_syntax)
    assert np.array_equal(radiograph_from_bytes(data, "file").gray, picture)


MAGICS = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"II*\0",
    b"MM\0+",
    b"RIFF\x40\0\0\0WEBP",
    b"BM",
    bytes(128) + b"DICM",
]


@settings(repeatable, max_examples=200)
@given(st.sampled_from(MAGICS), st.binary(max_size=400))
def test_chance_bytes_are_always_refused(magic: bytes, data: bytes) -> None:
    with pytest.raises(RefusedRadiograph):
        radiograph_from_bytes(magic + data, "file")


@repeatable
@given(
    st.floats(-1e6, 1e6),
    st.floats(1, 1e6),
    st.sampled_from(["", "LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_any_window_keeps_the_order_of_the_values(center: float, width: float, function: str) -> None:
    brightness = windowed(np.linspace(-70_000, 70_000, 2_001), center, width, function)
    assert brightness is not None
    assert (np.diff(brightness) >= 0).all()
    assert brightness.min() >= 0
    assert brightness.max() <= 1
