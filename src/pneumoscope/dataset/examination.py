"""What an audit looks at in each radiograph: its pixels' digest, a perceptual hash, and cues that need no medicine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from pneumoscope.arrays import GrayPicture
from pneumoscope.dataset.layouts import LabelledFile, Watched
from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.dataset.reading import UnreadableFile, read_apart, row_of_radiograph, unreadable_file
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.reading import read_radiograph

THUMBNAIL_PX = 28
SKETCH_PX = 32
HASH_SIDE = 8
FRAME_SHARE = 1 / 16

Sketch = UInt8[np.ndarray, "32 32"]
PerceptualHash = Bool[np.ndarray, " 64"]


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One radiograph and what was seen in it. `border_gray` is the mean gray level of the outer frame, 0 to 255."""

    row: ManifestRow
    pixels_sha256: str
    perceptual_hash: PerceptualHash
    sketch: Sketch
    thumbnail: UInt8[np.ndarray, "28 28"]
    border_gray: float
    file_size_bytes: int


def examine_files(
    data: Path, files: Sequence[LabelledFile], *, workers: int, watched: Watched[Examined | UnreadableFile]
) -> tuple[list[Examined], list[UnreadableFile]]:
    """Read and examine every file; those that can be read, and the others with their reasons, in order."""
    return read_apart(lambda file: examine(data, file), files, workers=workers, watched=watched)


def examine(data: Path, file: LabelledFile) -> Examined | UnreadableFile:
    """Read one file once and take everything from it."""
    try:
        radiograph = read_radiograph(data / file.path)
    except RefusedRadiograph as refusal:
        return unreadable_file(data, file, refusal)
    gray = radiograph.gray
    picture = Image.fromarray(gray)
    sketch = np.asarray(picture.resize((SKETCH_PX, SKETCH_PX), Image.Resampling.BOX))
    return Examined(
        row=row_of_radiograph(data, file, radiograph),
        pixels_sha256=pixel_digest(gray),
        perceptual_hash=perceptual_hash(sketch),
        sketch=sketch,
        thumbnail=np.asarray(picture.resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)),
        border_gray=border_gray(gray),
        file_size_bytes=(data / file.path).stat().st_size,
    )


def pixel_digest(gray: GrayPicture) -> str:
    """SHA-256 of size and decoded pixels: the same for two files that show the very same picture."""
    return hashlib.sha256(repr(gray.shape).encode() + gray.tobytes()).hexdigest()


def perceptual_hash(sketch: Sketch) -> PerceptualHash:
    """64 bits: which of the lowest 8 x 8 frequencies (without the mean's row and column) lie above their median.

    The discrete-cosine hash of Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions (2010).
    """
    basis = cosine_basis()
    low = (basis @ sketch @ basis.T).ravel()
    bits: PerceptualHash = low > np.median(low)
    return bits


@lru_cache
def cosine_basis() -> Float[np.ndarray, "8 32"]:
    """Frequencies 1 to 8 of the discrete cosine transform (type II) over 32 samples."""
    frequency = np.arange(1, HASH_SIDE + 1)[:, np.newaxis]
    return np.cos(np.pi * frequency * (np.arange(SKETCH_PX) + 0.5) / SKETCH_PX)


def border_gray(gray: GrayPicture) -> float:
    """Mean gray level of the outer frame, a sixteenth of each side wide."""
    rows, columns = (max(1, round(length * FRAME_SHARE)) for length in gray.shape)
    inner = gray[rows:-rows, columns:-columns]
    return float((gray.sum(dtype=np.float64) - inner.sum(dtype=np.float64)) / (gray.size - inner.size))
