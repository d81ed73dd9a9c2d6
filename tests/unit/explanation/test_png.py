"""Another program reads back exactly the pixels that were written."""

from __future__ import annotations

import importlib
import io
import sys

import numpy as np
import pytest
from PIL import Image

from pneumoscope.explanation import png


@pytest.fixture(params=["as installed", "without isal"], name="deflate")
def _deflate_both_ways(request, monkeypatch):
    """Both ways to compress; where `isal` is not installed the two are one."""
    if request.param == "without isal":
        monkeypatch.setitem(sys.modules, "isal", None)
        monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    png._deflate.cache_clear()
    yield
    png._deflate.cache_clear()


@pytest.mark.usefixtures("deflate")
@pytest.mark.parametrize("size", [(1, 1), (5, 64), (130, 200), (3, 129)])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pixels_come_back_as_they_were(mode, size):
    columns, rows = size
    pixels = np.random.default_rng(4).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels).convert(mode)
    again = Image.open(io.BytesIO(png.png_bytes(picture)))
    again.load()
    assert (again.format, again.mode, again.size) == ("PNG", mode, size)
    assert again.tobytes() == picture.tobytes()


@pytest.mark.usefixtures("deflate")
def test_palette_and_transparency_come_back():
    picture = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    picture.putpalette(bytes(range(256)) * 3)
    picture.info["transparency"] = bytes(range(256))
    again = Image.open(io.BytesIO(png.png_bytes(picture)))
    assert again.mode == "P"
    assert again.convert("RGBA").tobytes() == picture.convert("RGBA").tobytes()


@pytest.mark.usefixtures("deflate")
def test_other_modes_are_written_as_red_green_blue():
    again = Image.open(io.BytesIO(png.png_bytes(Image.new("1", (9, 9), 1))))
    assert again.mode == "RGB"
    assert again.getpixel((4, 4)) == (255, 255, 255)


def test_without_isal_zlib_compresses(monkeypatch):
    monkeypatch.setitem(sys.modules, "isal", None)
    monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    png._deflate.cache_clear()
    assert png._deflate() is importlib.import_module("zlib")
    png._deflate.cache_clear()
