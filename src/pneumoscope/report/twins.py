"""Radiographs of an evaluation that are the same as one in its error gallery: to the byte, or nearly the same picture."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from pneumoscope.dataset.duplicates import near_pairs
from pneumoscope.dataset.examination import SKETCH_PX, PerceptualHash, Sketch, perceptual_hash
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.inference.pool import ordered_results, worker_count
from pneumoscope.radiograph.reading import read_radiograph
from pneumoscope.report.error_pictures import inside

MOST_COMPARED: Final = 2000
"""Files that are decoded to look for near duplicates; in larger evaluations only equal files are found."""
MOST_TWINS: Final = 3

Seen = tuple[int, PerceptualHash, Sketch]


@dataclass(frozen=True, slots=True)
class Twin:
    """Another row of the same table. `identical`: the files are the same, byte for byte."""

    row: int
    identical: bool


def twins_of(columns: ScoreColumns, rows: Sequence[int], data: Path) -> dict[int, list[Twin]]:
    """For each of `rows` its twins, equal files first, three at most."""
    files = {row: place for row in range(len(columns)) if (place := inside(data, columns.paths[row]))}
    found: dict[int, list[Twin]] = defaultdict(list)
    for row, other in equal_files(files, rows):
        found[row].append(Twin(other, identical=True))
    for row, other in near_duplicates(files, rows) if len(files) <= MOST_COMPARED else []:
        if other not in {twin.row for twin in found[row]}:
            found[row].append(Twin(other, identical=False))
    return {row: twins[:MOST_TWINS] for row, twins in found.items()}


def equal_files(files: dict[int, Path], rows: Sequence[int]) -> list[tuple[int, int]]:
    """(row, other) with the same SHA-256; only files of the same length are read."""
    by_size: dict[int, list[int]] = defaultdict(list)
    for row, place in files.items():
        by_size[place.stat().st_size].append(row)
    pairs = []
    for row in rows:
        others = [other for other in by_size[files[row].stat().st_size] if other != row] if row in files else []
        if others:
            own = digest(files[row])
            pairs += [(row, other) for other in others if digest(files[other]) == own]
    return pairs


def digest(place: Path) -> str:
    """SHA-256 of the file."""
    return hashlib.sha256(place.read_bytes()).hexdigest()


def near_duplicates(files: dict[int, Path], rows: Sequence[int]) -> list[tuple[int, int]]:
    """(row, other) by perceptual hash and sketch, as the audit of a data set finds them."""
    seen = [sketched for _, sketched in ordered_results(sketch_of, files.items(), workers=worker_count()) if sketched]
    if not seen:
        return []
    numbers = [number for number, _, _ in seen]
    wanted = set(rows)
    pairs = near_pairs(np.stack([each[1] for each in seen]), np.stack([each[2] for each in seen]))
    named = [(numbers[one], numbers[other]) for one, other in pairs]
    return [pair for one, other in named for pair in ((one, other), (other, one)) if pair[0] in wanted]


def sketch_of(file: tuple[int, Path]) -> Seen | None:
    """A coarse picture and its hash; None where the file cannot be read."""
    row, place = file
    try:
        gray = read_radiograph(place).gray
    except RefusedRadiograph:
        return None
    sketch: Sketch = np.asarray(Image.fromarray(gray).resize((SKETCH_PX, SKETCH_PX), Image.Resampling.BOX))
    return row, perceptual_hash(sketch), sketch
