"""Occlusion sensitivity: how far does the answer fall when a place is covered? (Zeiler & Fergus 2014, arXiv:1311.2901)

A square window, covered with the mean gray of the picture, goes over a grid of cells in steps of one cell. Each cell gets
the mean fall of all windows that cover it: positive where what was covered spoke for the finding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from pneumoscope.arrays import ModelInput
from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.masking import Asking, Masked, Visible

CELLS: Final = 14
"""Along each side: half a cell of a map at stride 32, where the picture has 224 pixels."""
WINDOW_CELLS: Final = 2
"""The window's side: as large as a cell of that map, so both speak of places of the same size."""


def occlusion_map(
    picture: ModelInput, asking: Asking, *, seed: int = 0, cells: int = CELLS, window_cells: int = WINDOW_CELLS
) -> Masked:
    """A map of `cells` by `cells`, in the units of the answers.

    Windows that together cover the picture once come first, then those between, each group in an order drawn by `seed`,
    so that little is missing where the time runs out; a cell that no window reached gets 0.
    """
    size_px = picture.shape[-1]
    if not 1 <= window_cells <= cells <= size_px:
        raise UnusableOption(
            "window-impossible",
            f"A window of {window_cells} cells does not fit {cells} cells on {size_px} pixels.",
            remedy="Give a window of at most all cells, and no more cells than pixels.",
        )
    corners = corners_in_order(cells, window_cells, np.random.default_rng(seed))
    whole = float(asking.answers(picture[np.newaxis])[0])
    falls, times = np.zeros((cells, cells)), np.zeros((cells, cells))
    done = 0
    for batch, found in asking.each(picture, windows(corners, cells, window_cells, size_px), len(corners)):
        for (top, left), answer in zip(corners[done : done + len(batch)], found, strict=True):
            under = np.s_[top : top + window_cells, left : left + window_cells]
            falls[under] += whole - float(answer)
            times[under] += 1
        done += len(batch)
    return Masked((falls / np.maximum(times, 1)).astype(np.float32), done, len(corners))


def corners_in_order(cells: int, window_cells: int, generator: np.random.Generator) -> list[tuple[int, int]]:
    """The top left cell of every window: a tiling of the picture first."""
    last = cells - window_cells
    tile = sorted({*range(0, last + 1, window_cells), last})
    first = [(row, column) for row in tile for column in tile]
    taken = set(first)
    rest = [(row, column) for row in range(last + 1) for column in range(last + 1) if (row, column) not in taken]
    return [group[index] for group in (first, rest) for index in generator.permutation(len(group))]


def windows(corners: list[tuple[int, int]], cells: int, window_cells: int, size_px: int) -> Iterator[Visible]:
    """All visible but the window."""
    edges = np.rint(np.arange(cells + 1) * size_px / cells).astype(int)
    for top, left in corners:
        visible = np.ones((size_px, size_px), np.float32)
        visible[edges[top] : edges[top + window_cells], edges[left] : edges[left + window_cells]] = 0
        yield visible
