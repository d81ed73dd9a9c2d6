"""RISE: cover the picture at random, many times, and see with which places visible the answer is high.

Petsiuk 2018, arXiv:1806.07421. Masks are a coarse grid of zeros and ones, enlarged bilinearly and shifted at random. The
paper's map is the mean answer with a place visible, E[answer · visible] / E[visible]. Here it is what being visible
changes, Cov(answer, visible) / Var(visible), with one variance for the whole map: the same order of places, but signed,
zero where a place does not matter, and in the units of the answer. A place stands for a cell of the coarse grid around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from PIL import Image

from pneumoscope.arrays import ModelInput
from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.masking import Asking, Masked, Visible

GRID: Final = 7
"""Cells of the coarse grid along each side: those of a map at stride 32, where the picture has 224 pixels."""
VISIBLE_SHARE: Final = 0.5
MASKS: Final = 2000
FEWEST_MASKS: Final = 16
CELLS: Final = 28
"""Of the map, along each side; the masks hold nothing finer."""


def rise_map(picture: ModelInput, asking: Asking, *, masks: int = MASKS, seed: int = 0, grid: int = GRID) -> Masked:
    """A map of 28 by 28 cells (fewer where the picture is smaller), in the units of the answers.

    The same `seed` draws the same masks, and a longer list of them begins as a shorter one.
    """
    size_px = picture.shape[-1]
    if masks < FEWEST_MASKS or not 2 <= grid <= size_px:
        raise UnusableOption(
            "masks-impossible",
            f"{masks} masks on a grid of {grid} cells say nothing of {size_px} pixels.",
            remedy=f"Give at least {FEWEST_MASKS} masks, and a grid of 2 cells or more.",
        )
    cells = min(CELLS, size_px)
    centres = ((np.arange(cells) + 0.5) * size_px / cells).astype(int)
    seen: list[Visible] = []
    answers: list[float] = []
    for batch, found in asking.each(picture, random_masks(masks, grid, size_px, np.random.default_rng(seed)), masks):
        seen += [visible[np.ix_(centres, centres)] for visible in batch]
        answers += found.tolist()
    visible, answer = np.stack(seen).astype(np.float64), np.array(answers)
    centred = visible - visible.mean(axis=0)
    covariance = np.tensordot(answer - answer.mean(), centred, axes=1) / len(answer)
    return Masked((covariance / np.square(centred).mean()).astype(np.float32), len(answer), masks)


def random_masks(count: int, grid: int, size_px: int, generator: np.random.Generator) -> Iterator[Visible]:
    """Coarse grids, one cell larger than the picture, enlarged and shifted by up to a cell."""
    cell_px = -(-size_px // grid)
    side = (grid + 1) * cell_px
    for _ in range(count):
        coarse = (generator.random((grid + 1, grid + 1)) < VISIBLE_SHARE).astype(np.float32)
        top, left = generator.integers(0, cell_px, 2)
        large = Image.fromarray(coarse).resize((side, side), Image.Resampling.BILINEAR)
        visible: Visible = np.asarray(large)[top : top + size_px, left : left + size_px]
        yield visible
