"""What lung masks tell by themselves, and where lungs usually are.

A mask drawn for one film has an outline of its own, which stays to be seen when the lungs are filled. The usual lungs,
the same region for every film, have none: filling them takes the lungs away and draws nothing in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32
from PIL import Image

from pneumoscope.arrays import LungMask
from pneumoscope.audit.lungs import LungMasks
from pneumoscope.dataset.examination import THUMBNAIL_PX
from pneumoscope.dataset.layouts import Watched
from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.inference.pool import ordered_results
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.reading import read_radiograph

LEAST_SHARE_OF_MASKS = 0.05

Outline = Float32[np.ndarray, " places"]
"""A lung mask as a thumbnail of 28 x 28: the share of each place that is lung; NaN where there is no mask."""

Outlines = Float32[np.ndarray, "radiographs places"]
UsualLungs = Bool[np.ndarray, "28 28"]
"""Where, on a thumbnail of any film, a lung may be expected."""

NO_OUTLINE = np.full(THUMBNAIL_PX**2, np.nan, np.float32)


def outlines_of(
    rows: Sequence[ManifestRow],
    data: Path,
    masks: LungMasks,
    preprocessing: Preprocessing,
    *,
    workers: int,
    watched: Watched[Outline],
) -> Outlines:
    """The outline of every row's mask."""

    def work(row: ManifestRow) -> Outline:
        mask = masks.mask_of(row, read_radiograph(data / row.path).gray)
        return NO_OUTLINE if mask is None else outline_of(mask, preprocessing)

    outlines = list(watched((outline for _, outline in ordered_results(work, rows, workers=workers)), len(rows)))
    return np.stack(outlines) if outlines else np.empty((0, THUMBNAIL_PX**2), np.float32)


def outline_of(mask: LungMask, preprocessing: Preprocessing) -> Outline:
    """The mask on the model's grid, each place of the thumbnail the mean of its pixels."""
    seen = preprocessing.sample(mask.astype(np.uint8)).astype(np.float32)
    edges = np.linspace(0, len(seen), THUMBNAIL_PX + 1).astype(int)
    sums = np.add.reduceat(np.add.reduceat(seen, edges[:-1], axis=0), edges[:-1], axis=1)
    widths = np.diff(edges)
    share: Outline = (sums / np.outer(widths, widths)).ravel().astype(np.float32)
    return share


def usual_lungs(outlines: Outlines) -> UsualLungs | None:
    """Places that are lung in at least one of twenty masks, so that next to nothing of a lung lies outside; None
    without masks.
    """
    known = outlines[np.isfinite(outlines).all(axis=1)]
    if not len(known):
        return None
    usual: UsualLungs = (known.mean(axis=0) >= LEAST_SHARE_OF_MASKS).reshape(THUMBNAIL_PX, THUMBNAIL_PX)
    return usual


def on_grid_of(usual: UsualLungs, shape: tuple[int, ...]) -> LungMask:
    """The usual lungs on the grid of a picture of this shape (rows, columns)."""
    picture = Image.fromarray(usual.astype(np.uint8)).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
    mask: LungMask = np.asarray(picture).astype(bool)
    return mask
