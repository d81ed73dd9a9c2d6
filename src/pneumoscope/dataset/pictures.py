"""Radiographs decoded once into a memory-mapped array, so that training never waits for files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.reading import read_radiograph

Pictures = UInt8[np.ndarray, "radiographs size_px size_px"]

LUNG = 255


def decoded_pictures(rows: Sequence[ManifestRow], data: Path, preprocessing: Preprocessing, *, cache: Path) -> Pictures:
    """The sampled 8-bit pictures of `rows`, kept in `cache` under a name made of their checksums."""

    def decode(row: ManifestRow) -> np.ndarray:
        return preprocessing.sample(read_radiograph(data / row.path).gray)

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
        with Image.open(file) as picture:
            lungs = np.asarray(picture.convert("L")) == LUNG
        return preprocessing.sample(lungs.astype(np.uint8) * LUNG)

    states = [
        (file.stat().st_size, file.stat().st_mtime_ns) if there else None
        for file, there in zip(files, known, strict=True)
    ]
    key = [preprocessing.to_dict(), str(masks.resolve()), [row.sha256 for row in rows], states]
    return cached_array(cache, "lung-masks", key, len(rows), preprocessing.size_px, (decode, files)), known


def cached_array(cache: Path, kind: str, key: object, count: int, size_px: int, work: tuple) -> Pictures:  # type: ignore[type-arg]
    """Fill `cache/KIND-DIGEST.npy` once (written aside and renamed, so never half there) and map it."""
    digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    path = cache / f"{kind}-{digest}.npy"
    if not path.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.partial")
        array = np.lib.format.open_memmap(aside, mode="w+", dtype=np.uint8, shape=(count, size_px, size_px))
        decode, items = work
        with ThreadPoolExecutor() as pool:
            for index, picture in enumerate(pool.map(decode, items)):
                array[index] = picture
        array.flush()
        del array
        aside.replace(path)
    mapped: np.ndarray = np.load(path, mmap_mode="r")
    return mapped
