"""Encode JPEG Lossless (ITU-T T.81 Annex H), plainly: every predictor, restarts, point transform, 2 to 16 bits."""

from __future__ import annotations

import struct

import numpy as np

CODE_LENGTHS = (2, 3, 3, 3, *range(4, 17))
"""Of the 17 categories, the most frequent one first; the code of ones only stays unused, as T.81 C asks."""


def jpeg_lossless_bytes(
    pixels: np.ndarray, bits: int, *, predictor: int = 1, rows_a_restart: int = 0, point_transform: int = 0
) -> bytes:
    """A codestream of gray pixels; signed ones are stored as two's complement."""
    rows, columns = pixels.shape
    values = (pixels.astype(np.int64) & (2**bits - 1)) >> point_transform
    bands = np.split(values, range(rows_a_restart, rows, rows_a_restart)) if rows_a_restart else [values]
    first = 1 << (bits - point_transform - 1)
    differences = [(band - predicted(band, predictor, first)) & 0xFFFF for band in bands]
    categories = np.concatenate([_categories(band).ravel() for band in differences])
    order = np.argsort(-np.bincount(categories, minlength=17), kind="stable")
    codes = _codes(order.tolist())
    counts = np.bincount(CODE_LENGTHS, minlength=17)[1:]
    scans = [_entropy_coded(band, codes) for band in differences]
    restarts = [bytes([0xFF, 0xD0 + number % 8]) for number in range(len(bands) - 1)]
    return b"".join(
        [
            b"\xff\xd8",
            _segment(0xC3, struct.pack(">BHHBBBB", bits, rows, columns, 1, 1, 0x11, 0)),
            _segment(0xC4, bytes([0, *counts, *order])),
            _segment(0xDD, struct.pack(">H", rows_a_restart * columns)) if rows_a_restart else b"",
            _segment(0xDA, bytes([1, 1, 0, predictor, 0, point_transform])),
            *(part for pair in zip(scans, [*restarts, b"\xff\xd9"], strict=True) for part in pair),
        ]
    )


def predicted(values: np.ndarray, predictor: int, first: int) -> np.ndarray:
    """T.81 table H.1, with the first row predicted from the left and the first column from above."""
    left, above, corner = values[1:, :-1], values[:-1, 1:], values[:-1, :-1]
    inside = {
        1: left,
        2: above,
        3: corner,
        4: left + above - corner,
        5: left + ((above - corner) >> 1),
        6: above + ((left - corner) >> 1),
        7: (left + above) >> 1,
    }[predictor]
    prediction = np.empty_like(values)
    prediction[0, 0] = first
    prediction[0, 1:], prediction[1:, 0], prediction[1:, 1:] = values[0, :-1], values[:-1, 0], inside
    return prediction


def _signed(differences: np.ndarray) -> np.ndarray:
    return np.where(differences > 0x8000, differences - 0x10000, differences)


def _categories(differences: np.ndarray) -> np.ndarray:
    """How many bits the size of each difference has."""
    return np.ceil(np.log2(np.abs(_signed(differences)) + 1)).astype(int)


def _codes(order: list[int]) -> dict[int, str]:
    codes, code, before = {}, 0, 0
    for category, length in zip(order, CODE_LENGTHS, strict=True):
        code <<= length - before
        codes[category] = format(code, f"0{length}b")
        code, before = code + 1, length
    return codes


def _entropy_coded(differences: np.ndarray, codes: dict[int, str]) -> bytes:
    texts = []
    for value, size in zip(
        _signed(differences).ravel().tolist(), _categories(differences).ravel().tolist(), strict=True
    ):
        number = value if value > 0 else value + (1 << size) - 1
        texts.append(codes[size] + (format(number, f"0{size}b") if 0 < size < 16 else ""))
    text = "".join(texts)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
