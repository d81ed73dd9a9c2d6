"""Radiographs decoded once into a memory-mapped array, so that training never waits for files."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.errors import RefusedRadiograph, UnusableData
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.reading import radiograph_from_bytes
from pneumoscope.whole_file import unusable

Pictures = UInt8[np.ndarray, "radiographs size_px size_px"]

LUNG = 255


def decoded_pictures(rows: Sequence[ManifestRow], data: Path, preprocessing: Preprocessing, *, cache: Path) -> Pictures:
    """The sampled 8-bit pictures of `rows`, kept in `cache` under a name made of their checksums."""

    def decode(row: ManifestRow) -> np.ndarray:
        return preprocessing.sample(gray_of(data / row.path, row.sha256))

    key = [preprocessing.to_dict(), [row.sha256 for row in rows]]
    return cached_array(cache, "pictures", key, len(rows), preprocessing.size_px, (decode, rows))


def decoded_lung_masks(
    rows: Sequence[ManifestRow], masks: Path, preprocessing: Preprocessing, *, cache: Path
) -> tuple[Pictures, np.ndarray]:
    """Lung masks (255 lung, 0 elsewhere) of the same names as `.png`, and whether each row has one."""
    files = [(masks / row.path).with_suffix(".png") for row in rows]
    known = np.array([file.is_file() for file in files])

    def decode(file: Path) -> np.ndarray:
        if not file.is_file():
            return np.zeros((preprocessing.size_px,) * 2, np.uint8)
        try:
            with Image.open(file) as picture:
                lungs = np.asarray(picture.convert("L")) == LUNG
        except OSError as error:
            raise unreadable(f"{file} is not a picture that can be read.") from error
        return preprocessing.sample(lungs.astype(np.uint8) * LUNG)

    states = [
        (file.stat().st_size, file.stat().st_mtime_ns) if there else None
        for file, there in zip(files, known, strict=True)
    ]
    key = [preprocessing.to_dict(), str(masks.resolve()), [row.sha256 for row in rows], states]
    return cached_array(cache, "lung-masks", key, len(rows), preprocessing.size_px, (decode, files)), known


def gray_of(path: Path, sha256: str) -> UInt8[np.ndarray, "rows columns"]:
    """Gray values of the file that a manifest means; `UnusableData` where it is gone, another, or unreadable."""
    if not path.is_file():
        raise UnusableData(
            "radiograph-gone",
            f"{path} is in the manifest, but there is no such file.",
            remedy="Put it back or check --data; `pneumoscope data import` makes a manifest of what is there.",
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unreadable(f"{path} cannot be read ({error.strerror}).") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UnusableData(
            "radiograph-changed",
            f"{path} is not the file that the manifest means: its SHA-256 is another.",
            remedy="Fetch it again; `pneumoscope data import` makes a manifest of what is there.",
        )
    try:
        return radiograph_from_bytes(content, str(path)).gray
    except RefusedRadiograph as refused:
        raise unreadable(refused.message) from refused


def unreadable(message: str) -> UnusableData:
    """The error for a file that is there and cannot be used."""
    return UnusableData(
        "unreadable-picture", message, remedy="Fetch the file again, or take it out of folder and manifest."
    )


def is_whole(path: Path, shape: tuple[int, int, int]) -> bool:
    """True for a cached array that can be mapped; a damaged one is made anew."""
    try:
        found: np.ndarray = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return False
    return found.shape == shape and found.dtype == np.uint8


def cached_array(cache: Path, kind: str, key: object, count: int, size_px: int, work: tuple) -> Pictures:  # type: ignore[type-arg]
    """Fill `cache/KIND-DIGEST.npy` once (written aside and renamed, so never half there) and map it."""
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    path = cache / f"{kind}-{digest}.npy"
    if not is_whole(path, (count, size_px, size_px)):
        aside = path.with_suffix(f".{os.getpid()}.partial")
        decode, items = work
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file, ThreadPoolExecutor() as pool:
                np.lib.format.write_array_header_1_0(
                    file, {"descr": "|u1", "fortran_order": False, "shape": (count, size_px, size_px)}
                )
                for picture in pool.map(decode, items):  # written, not mapped: a full disk would kill a mapping
                    file.write(np.ascontiguousarray(picture, np.uint8).tobytes())
            aside.replace(path)
        except OSError as error:
            raise unusable(path, error) from error
        finally:
            with contextlib.suppress(OSError):
                aside.unlink()
    mapped: np.ndarray = np.load(path, mmap_mode="r")
    return mapped
