"""Does another method point where one map points? Asked of one radiograph, cheaply enough for `explain`.

Occlusion (Zeiler 2014, arXiv:1311.2901) looks at answers only, so it would not share a mistake of the map. Where methods
disagree no one of them is to be trusted alone (Krishna 2022, arXiv:2202.01602).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float

from pneumoscope.arrays import ModelInput, SaliencyMap
from pneumoscope.explanation.correlation import correlation
from pneumoscope.explanation.masking import Asking
from pneumoscope.explanation.methods import ExplainableModel
from pneumoscope.explanation.occlusion import occlusion_map
from pneumoscope.inference.lung_evidence import overlaps

CELLS: Final = 7
"""Along each side: windows that tile the picture once, 49 passes, of the size of a place of a map at stride 32."""


def agreement_with_occlusion(picture: ModelInput, model: ExplainableModel, saliency_map: SaliencyMap) -> float:
    """Correlation of the map's values with those of occlusion, in [-1, 1], on the coarser grid of the two."""
    found = occlusion_map(picture, Asking(answers=model.answers), cells=CELLS, window_cells=1)
    return correlation_on_one_grid(saliency_map, found.saliency_map)


def correlation_on_one_grid(one: SaliencyMap, other: Float[np.ndarray, "other_rows other_columns"]) -> float:
    """Correlation of two maps, the finer one averaged over the places of the coarser."""
    shape = min(one.shape, other.shape)
    return correlation(on_grid(one, shape), on_grid(other, shape))


def on_grid(saliency_map: SaliencyMap, shape: tuple[int, ...]) -> Float[np.ndarray, "new_rows new_columns"]:
    """The means over the places of another grid."""
    rows, columns = (overlaps(fine, coarse) for fine, coarse in zip(saliency_map.shape, shape, strict=True))
    means: np.ndarray = (rows @ saliency_map.astype(np.float64) @ columns.T).astype(np.float32)
    return means
