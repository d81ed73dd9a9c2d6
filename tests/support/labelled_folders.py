"""Small folders of labelled phantoms, in the layouts that people have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from support.phantom import chest_phantom


def write_phantom(path: Path, generator: np.random.Generator, *, rows: int = 80, columns: int = 96) -> Path:
    """Write one phantom, its folders too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(chest_phantom(rows, columns, generator)).save(path)
    return path


def write_kermany(data: Path, generator: np.random.Generator, *, patients: int = 6) -> Path:
    """`train` and `test` in the Kermany layout; pneumonia is wider than normal, as in the real data."""
    for split, first in (("train", 0), ("test", 100)):
        for number in range(first, first + patients):
            normal = data / split / "NORMAL" / f"IM-{number:04}-0001.png"
            pneumonia = data / split / "PNEUMONIA" / f"person{number}_{('bacteria', 'virus')[number % 2]}_{number}.png"
            write_phantom(normal, generator, rows=80, columns=80 + number % 7)
            write_phantom(pneumonia, generator, rows=80, columns=100 + number % 7)
    return data
