"""A synthetic chest radiograph: air around it, a bright mediastinum between two dark lungs, ribs, noise."""

from __future__ import annotations

import numpy as np


def chest_phantom(rows: int, columns: int, generator: np.random.Generator) -> np.ndarray:
    """Gray levels (uint8) of shape (rows, columns), bright = dense; the generator moves and noises it a little."""
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    shift = generator.uniform(-0.05, 0.05)
    x = x - shift
    body = 1 / (1 + np.exp(25 * (np.abs(x) ** 2.5 + 0.2 * np.abs(y) ** 4 - 0.85)))
    density = 0.62 * body
    for side, width in ((-1, 0.27), (1, 0.25)):
        lung = _soft_ellipse(x - 0.42 * side, y + 0.08, width + generator.uniform(-0.02, 0.02), 0.68)
        ribs = 0.5 + 0.5 * np.cos(2 * np.pi * (4.5 * y + 1.6 * np.abs(x)))
        density -= lung * (0.45 - 0.10 * ribs)
    density += 0.25 * np.exp(-((x / 0.12) ** 2)) * body
    density += 0.20 * _soft_ellipse(x - 0.12, y - 0.35, 0.26, 0.30)
    density += generator.normal(0, 0.015, size=(rows, columns))
    return np.rint(np.clip(density, 0, 1) * 255).astype(np.uint8)


def _soft_ellipse(x: np.ndarray, y: np.ndarray, half_width: float, half_height: float) -> np.ndarray:
    return 1 / (1 + np.exp(np.minimum(18 * ((x / half_width) ** 2 + (y / half_height) ** 2 - 1), 500)))
