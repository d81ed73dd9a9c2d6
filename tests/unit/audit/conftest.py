"""A small labelled folder with lung masks, original sizes and a manifest, and the program to run on it."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.dataset.manifest import ManifestRow, Split, read_kermany, write_manifest
from support.labelled_folders import write_kermany


@dataclass(frozen=True)
class LabelledFolder:
    data: Path
    masks: Path
    manifest: Path
    sizes: Path
    rows: tuple[ManifestRow, ...]


@pytest.fixture(scope="session")
def labelled(tmp_path_factory) -> LabelledFolder:
    """Twelve train and eight validation phantoms; the two lungs of every mask are ellipses."""
    root = tmp_path_factory.mktemp("labelled")
    generator = np.random.default_rng(7)
    data = write_kermany(root / "data", generator, patients=10)
    rows = read_kermany(data, splits={Split.TRAIN})
    numbers = [int("".join(c for c in row.patient if c.isdigit())) for row in rows]  # patients are numbered from 0
    rows = [
        replace(row, split=Split.VALIDATION if number >= 6 else Split.TRAIN)
        for row, number in zip(rows, numbers, strict=True)
    ]
    for row in rows:
        path = (root / "masks" / row.path).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(lungs(row.height_px, row.width_px, generator)).save(path)
    write_manifest(rows, root / "manifest.csv")
    with (root / "sizes.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["split", "label", "file", "original_width_px", "original_height_px"])
        for row in rows:
            writer.writerow([*row.path.split("/"), 10 * row.width_px, 10 * row.height_px])
    return LabelledFolder(data, root / "masks", root / "manifest.csv", root / "sizes.csv", tuple(rows))


def lungs(rows: int, columns: int, generator: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    width = generator.uniform(0.22, 0.3)
    inside = (((np.abs(x) - 0.42) / width) ** 2 + (y / 0.65) ** 2) < 1
    return inside.astype(np.uint8) * 255
