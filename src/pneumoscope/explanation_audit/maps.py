"""What is done with saliency maps alone: stretch, compare, find the hottest place; and the maps that any good one must beat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float
from PIL import Image

from pneumoscope.arrays import LungMask, SaliencyMap
from pneumoscope.explanation.correlation import AnyMap, correlation, rank_correlation, shared_top
from pneumoscope.explanation.localization import share_inside

PRIOR_WIDTH = 0.25
"""Standard deviation of the centred prior, as a share of the map's side."""

FineMap = Float[np.ndarray, "size_px size_px"]


def centred_prior(shape: tuple[int, int]) -> SaliencyMap:
    """A Gaussian about the middle of the picture: what one would draw without looking at it."""
    rows, columns = ((np.arange(count) + 0.5) / count - 0.5 for count in shape)
    distance = rows[:, np.newaxis] ** 2 + columns[np.newaxis, :] ** 2
    prior: SaliencyMap = np.exp(-distance / (2 * PRIOR_WIDTH**2)).astype(np.float32)
    return prior


def random_map(shape: tuple[int, int], generator: np.random.Generator) -> SaliencyMap:
    """Each place drawn evenly from 0 to 1."""
    return generator.random(shape, dtype=np.float32)


def stretched(saliency_map: SaliencyMap, size_px: int) -> FineMap:
    """The map at the size of the model's picture, linear between the centres of its places."""
    picture = Image.fromarray(np.ascontiguousarray(saliency_map, np.float32))
    return np.asarray(picture.resize((size_px, size_px), Image.Resampling.BILINEAR))


def hottest_pixel(saliency_map: SaliencyMap, size_px: int) -> tuple[int, int]:
    """Row and column, in the model's picture, of the centre of the map's hottest place."""
    rows, columns = saliency_map.shape
    row, column = np.unravel_index(int(saliency_map.argmax()), saliency_map.shape)
    return int((row + 0.5) * size_px / rows), int((column + 0.5) * size_px / columns)


def points_into(saliency_map: SaliencyMap, mask: LungMask) -> float:
    """1 where the hottest place lies in the mask, else 0 (pointing game, Zhang 2018, doi:10.1007/s11263-017-1059-x).

    Without the tolerance of the original; NaN where nothing in the map speaks for the finding.
    """
    if saliency_map.max() <= 0:
        return float("nan")
    return float(mask[hottest_pixel(saliency_map, len(mask))])


def times_chance(saliency_map: SaliencyMap, mask: LungMask) -> float:
    """Share of the positive evidence in the mask over the share of the picture that the mask takes."""
    return share_inside(saliency_map, mask) / float(mask.mean())


KINDS: Final[dict[str, Callable[[AnyMap, AnyMap], float]]] = {
    "ranks": rank_correlation,
    "values": correlation,
    "top": shared_top,
}
"""Ranks, as published; values and the top places, where most places of a map are next to zero and their order is chance."""
