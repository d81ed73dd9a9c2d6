"""What the frozen parts of a backbone make of every radiograph, computed once and kept on disk while a stage lasts.

Float16, several augmented views of each radiograph, computed with ONNX Runtime (faster than PyTorch where no gradient is
needed). The files are in pieces, each whole or not there, so that a killed run goes on with the piece it was at.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from jaxtyping import Float32

from pneumoscope.arrays import INPUT_NAME
from pneumoscope.dataset.pictures import is_whole
from pneumoscope.errors import FailedTraining, UnusableOutput
from pneumoscope.model.backbone import Backbone
from pneumoscope.model.export import export_prefix
from pneumoscope.whole_file import unusable

PIECE = 512
BATCH = 16
HEADROOM_BYTES = 200 * 2**20
MOST_IN_HALF = 65504.0

PicturesOfView = Callable[[int, np.ndarray], Float32[np.ndarray, "batch 1 rows columns"]]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a display is told after each batch of activations."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class CachedActivations:
    """Views of each radiograph as memory-mapped pieces of (radiographs, channels, rows, columns) in float16."""

    views: tuple[tuple[np.ndarray, ...], ...]

    def rows(self, view: int, chosen: np.ndarray) -> Float32[np.ndarray, "batch channels rows columns"]:
        """The activations of these radiographs (by index) in one view."""
        pieces = self.views[view % len(self.views)]
        return np.stack([pieces[index // PIECE][index % PIECE] for index in chosen]).astype(np.float32)


def cached_activations(
    backbone: Backbone,
    part: str,
    pictures_of: PicturesOfView,
    *,
    count: int,
    views: int,
    size_px: int,
    folder: Path,
    key: object,
    on_progress: Callable[[Progress], None],
) -> CachedActivations:
    """Compute what is not in `folder` yet; pieces that another `key` made are thrown away.

    `UnusableOutput` before anything is computed where the disk is too small; `FailedTraining` where an activation does
    not fit into float16.
    """
    session = prefix_session(backbone, part, size_px=size_px)
    example = session.run(None, {INPUT_NAME: pictures_of(0, np.arange(1))})[0]
    digest = hashlib.sha256(repr([key, part, size_px, count, views]).encode()).hexdigest()
    keep_only(folder, digest)
    ends = [min(start + PIECE, count) for start in range(0, count, PIECE)]
    shapes = [(end - number * PIECE, *example.shape[1:]) for number, end in enumerate(ends)]
    wanted = [(view, number) for view in range(views) for number in range(len(ends))]
    missing = [place for place in wanted if not is_whole(piece_path(folder, *place), shapes[place[1]], np.float16)]
    sizes = [(ends[number] - number * PIECE) * example[0].size * 2 for _, number in missing]
    check_space(folder, sum(sizes))
    done, total = 0, sum(ends[number] - number * PIECE for _, number in missing)
    for view, number in missing:
        indices = np.arange(number * PIECE, ends[number])
        parts = []
        for batch in batches(indices):
            parts.append(halved(session.run(None, {INPUT_NAME: pictures_of(view, batch)})[0], part))
            done += len(batch)
            on_progress(Progress(done, total))
        save_piece(piece_path(folder, view, number), np.concatenate(parts))
    mapped = [
        [np.load(piece_path(folder, view, number), mmap_mode="r") for number in range(len(ends))]
        for view in range(views)
    ]
    return CachedActivations(tuple(tuple(pieces) for pieces in mapped))


def prefix_session(backbone: Backbone, part: str, *, size_px: int) -> onnxruntime.InferenceSession:
    """The backbone up to `part` in ONNX Runtime."""
    graph = export_prefix(backbone, part, size_px=size_px)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


def batches(indices: np.ndarray) -> Iterator[np.ndarray]:
    """Consecutive indices, `BATCH` at a time."""
    for start in range(0, len(indices), BATCH):
        yield indices[start : start + BATCH]


def halved(activations: np.ndarray, part: str) -> np.ndarray:
    """In float16; `FailedTraining` where a value is too large for it."""
    largest = float(np.abs(activations).max())
    if not largest <= MOST_IN_HALF:
        raise FailedTraining(
            "activations-overflow",
            f"An activation after {part} is {largest:g}, more than float16 holds ({MOST_IN_HALF:g}).",
            remedy="Train with --set stages.cached_views=0, which computes the frozen parts in each step.",
        )
    return activations.astype(np.float16)


def piece_path(folder: Path, view: int, number: int) -> Path:
    """Where `PIECE` radiographs of a view are."""
    return folder / f"view{view}-piece{number:04}.npy"


def save_piece(path: Path, activations: np.ndarray) -> None:
    """Whole or not there."""
    aside = path.with_suffix(".partial")
    try:
        with aside.open("wb") as file:
            np.save(file, activations)
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        reason = error if error.strerror else OSError(None, str(error))  # NumPy's own, without a number
        raise unusable(path, reason) from error


def keep_only(folder: Path, digest: str) -> None:
    """Empty the folder unless it was made for the same key."""
    note = folder / "made-for.json"
    try:
        same = json.loads(note.read_text("utf-8")) == digest
    except (OSError, ValueError):
        same = False
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        note.write_text(json.dumps(digest), encoding="utf-8")


def check_space(folder: Path, needed_bytes: int) -> None:
    """`UnusableOutput` where the disk cannot hold what is to be cached."""
    free_bytes = shutil.disk_usage(folder).free
    if needed_bytes + HEADROOM_BYTES > free_bytes:
        raise UnusableOutput(
            "activations-no-space",
            f"The cached activations need {needed_bytes / 2**30:.2f} GiB in {folder}; {free_bytes / 2**30:.2f} GiB are free.",
            remedy="Free space, give --output on another disk, or set fewer views: --set stages.cached_views=1 (0: none).",
        )
