"""Radiographs decoded once into a memory-mapped array, so that training never waits for files."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pneumoscope.dataset.layouts import Watched
from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.errors import RefusedRadiograph, UnusableData
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.reading import radiograph_from_bytes
from pneumoscope.whole_file import unusable

Item = TypeVar("Item")
Pictures = UInt8[np.ndarray, "radiographs size_px size_px"]

LUNG = 255


def unwatched(items: Iterable[Item], total: int) -> Iterable[Item]:  # noqa: ARG001 - the interface of Watched
    """Passes items on, and shows nothing."""
    return items


def decoded_pictures(
    rows: Sequence[ManifestRow],
    data: Path,
    preprocessing: Preprocessing,
    *,
    cache: Path,
    watched: Watched[np.ndarray] = unwatched,
) -> Pictures:
    """The sampled 8-bit pictures of `rows`, kept in `cache` under a name made of their checksums.

    `UnusableData` where a file is gone or is not the one that its row means, though it was decoded once before: what a
    command does must not depend on what is in the cache.
    """
    key = [preprocessing.to_dict(), [row.sha256 for row in rows]]
    shape = (len(rows), preprocessing.size_px, preprocessing.size_px)
    path = cache_path(cache, "pictures", key)
    if is_whole(path, shape, np.uint8):
        with ThreadPoolExecutor() as pool:
            for _ in pool.map(lambda row: content_of(data / row.path, row.sha256), rows):
                pass
    else:
        fill(path, shape, lambda row: preprocessing.sample(gray_of(data / row.path, row.sha256)), rows, watched)
    return mapped(path)


def decoded_lung_masks(
    rows: Sequence[ManifestRow],
    masks: Path,
    preprocessing: Preprocessing,
    *,
    cache: Path,
    watched: Watched[np.ndarray] = unwatched,
) -> tuple[Pictures, np.ndarray]:
    """Lung masks (255 lung, 0 elsewhere) of the same names as `.png`, and whether each row has one."""
    files = mask_files(rows, masks)
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

    shape = (len(rows), preprocessing.size_px, preprocessing.size_px)
    path = cache_path(cache, "lung-masks", [preprocessing.to_dict(), lung_masks_digest(rows, masks)])
    if not is_whole(path, shape, np.uint8):
        fill(path, shape, decode, files, watched)
    return mapped(path), known


def lung_masks_digest(rows: Sequence[ManifestRow], masks: Path) -> str:
    """SHA-256 of the content of each row's mask, in order: the same wherever the folder lies, another if one is changed."""

    def digest_of(file: Path) -> str:
        try:
            return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "none"
        except OSError as error:
            raise unreadable(f"{file} cannot be read ({error.strerror}).") from error

    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(digest_of, mask_files(rows, masks)))
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def mask_files(rows: Sequence[ManifestRow], masks: Path) -> list[Path]:
    """Where the lung mask of each row would be."""
    return [(masks / row.path).with_suffix(".png") for row in rows]


def gray_of(path: Path, sha256: str) -> UInt8[np.ndarray, "rows columns"]:
    """Gray values of the file that a manifest means; `UnusableData` as `content_of`, or where it is unreadable."""
    content = content_of(path, sha256)
    try:
        return radiograph_from_bytes(content, str(path)).gray
    except RefusedRadiograph as refused:
        raise unreadable(refused.message) from refused


def content_of(path: Path, sha256: str) -> bytes:
    """The bytes of the file that a manifest means; `UnusableData` where it is gone or another."""
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
    return content


def unreadable(message: str) -> UnusableData:
    """The error for a file that is there and cannot be used."""
    return UnusableData(
        "unreadable-picture", message, remedy="Fetch the file again, or take it out of folder and manifest."
    )


def cache_path(cache: Path, kind: str, key: object) -> Path:
    """`cache/KIND-DIGEST.npy`, the digest being of all that the array is a function of."""
    return cache / f"{kind}-{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.npy"


def is_whole(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> bool:
    """True for a cached array that can be mapped; a damaged one is made anew."""
    try:
        found: np.ndarray = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return False
    return found.shape == shape and found.dtype == dtype


def fill(
    path: Path,
    shape: tuple[int, int, int],
    decode: Callable[[Any], np.ndarray],
    items: Sequence[Any],
    watched: Watched[np.ndarray],
) -> None:
    """Decode `items` into an array in a file, written aside and renamed, so that it is never half there."""
    aside = path.with_suffix(f".{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file, ThreadPoolExecutor() as pool:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for picture in watched(pool.map(decode, items), len(items)):
                # written, not mapped: a full disk would kill a mapping
                file.write(np.ascontiguousarray(picture, np.uint8).tobytes())
        aside.replace(path)
    except OSError as error:
        raise unusable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


def mapped(path: Path) -> Pictures:
    """A whole array, without reading it."""
    array: np.ndarray = np.load(path, mmap_mode="r")
    return array
