"""Phantoms to train on, with lung masks: on disk as people have them, or decoded already. Pneumonia is a bright patch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pneumoscope.dataset.manifest import Label, ManifestRow, Split
from pneumoscope.training.data import TrainingData
from support.phantom import chest_phantom

ROWS, COLUMNS = 80, 96


def film(label: str, generator: np.random.Generator, rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """A phantom; with pneumonia its left lung is dense."""
    gray = chest_phantom(rows, columns, generator).astype(int)
    if label == "PNEUMONIA":
        gray[3 * rows // 8 : 3 * rows // 4, columns // 10 : 2 * columns // 5] += 70
    return gray.clip(0, 255).astype(np.uint8)


def lung_mask(rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """255 in two upright rectangles, 0 elsewhere."""
    mask = np.zeros((rows, columns), np.uint8)
    for left in (columns // 12, 13 * columns // 24):
        mask[rows // 5 : 7 * rows // 8, left : left + 3 * columns // 8] = 255
    return mask


def write_films(folder: Path, generator: np.random.Generator, *, patients: int) -> Path:
    """`films/train/LABEL/` in the Kermany layout with `patients` of each label, and `masks/` of the same names."""
    for label, name in {"NORMAL": "IM-{:04}-0001.png", "PNEUMONIA": "person{}_virus_1.png"}.items():
        for part in ("films", "masks"):
            (folder / part / "train" / label).mkdir(parents=True)
        for number in range(patients):
            path = Path("train") / label / name.format(number)
            Image.fromarray(film(label, generator)).save(folder / "films" / path)
            Image.fromarray(lung_mask()).save(folder / "masks" / path)
    return folder


def decoded_films(split: Split, count: int, generator: np.random.Generator, *, size_px: int = 64) -> TrainingData:
    """`count` radiographs, every third normal, decoded; each is of a patient of its own and has lung masks."""
    labels = [Label.NORMAL if index % 3 == 0 else Label.PNEUMONIA for index in range(count)]
    rows = [
        ManifestRow(f"{split}/{index}.png", f"{split}{index:060}", label, "", f"p{index}", split, 96, 80, "L")
        for index, label in enumerate(labels)
    ]
    pictures = np.stack([film(label, generator, size_px, size_px) for label in labels])
    return TrainingData(rows, pictures, np.stack([lung_mask(size_px, size_px)] * count))
