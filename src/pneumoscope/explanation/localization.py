"""Is the evidence where the lungs are?"""

from __future__ import annotations

import numpy as np

from pneumoscope.arrays import LungMask, SaliencyMap


def share_inside(saliency_map: SaliencyMap, lung_mask: LungMask) -> float:
    """Share of the positive evidence inside the mask (energy-based pointing game, Wang 2020, arXiv:1910.01279).

    Each map pixel counts by the share of its area that the mask covers; NaN where there is no positive evidence.
    """
    positive = np.maximum(saliency_map, 0).astype(np.float64)
    total = positive.sum()
    if total == 0:
        return float("nan")
    return float((positive * mask_share(lung_mask, saliency_map.shape)).sum() / total)


def mask_share(lung_mask: LungMask, shape: tuple[int, ...]) -> np.ndarray:
    """Share of each map pixel that the mask covers; the mask's sides must be whole multiples of the map's."""
    rows, columns = shape
    blocks = lung_mask.reshape(rows, lung_mask.shape[0] // rows, columns, lung_mask.shape[1] // columns)
    share: np.ndarray = blocks.mean(axis=(1, 3))
    return share
