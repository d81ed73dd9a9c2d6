"""The content decides what a file is."""

from __future__ import annotations

import pytest

from support.refusals import refusal_of

NOT_READ = {
    b"GIF89a": "GIF",
    b"%PDF-1.7": "PDF",
    b"<svg xmlns=": "SVG",
    b'<?xml version="1.0"?>\n<!-- drawn --><svg ': "SVG",
    b"\0\0\0\x18ftypheic": "HEIC",
    b"\0\0\0\x18ftypavif": "AVIF",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"8BPS": "Photoshop",
    bytes(344) + b"n+1\0": "NIfTI",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b\x08": "gzip",
}


@pytest.mark.parametrize(("magic", "name"), NOT_READ.items())
def test_a_known_format_that_is_not_read_is_named(magic: bytes, name: str) -> None:
    refusal = refusal_of(magic + bytes(500))
    assert refusal.code == "unsupported-format"
    assert name in refusal.message
    assert "DICOM, PNG" in refusal.remedy


@pytest.mark.parametrize("data", [b"hello, world\n" * 20, bytes(1_000), b"BMW and other words", b"\x08", b"RIFF"])
def test_anything_else_is_not_a_picture(data: bytes) -> None:
    refusal = refusal_of(data)
    assert refusal.code == "not-a-picture"
    assert f"{len(data):,} bytes" in refusal.message


def test_no_bytes_are_an_empty_file() -> None:
    refusal = refusal_of(b"")
    assert refusal.code == "empty-file"
    assert "0 bytes" in refusal.message
