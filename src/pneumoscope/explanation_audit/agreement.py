"""Do other methods point where the map points? Occlusion (Zeiler 2014, arXiv:1311.2901) and RISE (Petsiuk 2018,
arXiv:1806.07421) look at answers only, so they would not share a mistake of the map.

Where methods disagree no one of them is to be trusted alone (Krishna 2022, arXiv:2202.01602).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float

from pneumoscope.arrays import GrayPicture, ModelInputBatch, SaliencyMap, Scores
from pneumoscope.explanation.masking import Asking
from pneumoscope.explanation.occlusion import occlusion_map
from pneumoscope.explanation.rise import rise_map
from pneumoscope.explanation_audit.answers import PICTURES_AT_ONCE, model_input
from pneumoscope.explanation_audit.maps import KINDS
from pneumoscope.inference.lung_evidence import overlaps
from pneumoscope.inference.predictor import Predictor

METHODS = ("occlusion", "rise")
RADIOGRAPHS: Final = {"occlusion": 40, "rise": 12}
"""On how many each method is asked: they cost hundreds of answers a radiograph."""
RISE_MASKS = 600


def agreement(
    method: str, gray: GrayPicture, orders: dict[str, SaliencyMap], predictor: Predictor, seed: int
) -> dict[str, float]:
    """Correlation of the method's map with each of `orders`, on their grid, as `agreement/METHOD/ORDER/KIND`."""

    def answers(batch: ModelInputBatch) -> Scores:
        return predictor.run(batch)[0].astype(np.float64)

    asking = Asking(answers=answers, batch_size=PICTURES_AT_ONCE)
    picture = model_input(gray[np.newaxis])[0]
    if method == "occlusion":
        found = occlusion_map(picture, asking, seed=seed).saliency_map
    else:
        found = rise_map(picture, asking, masks=RISE_MASKS, seed=seed).saliency_map
    return {
        f"agreement/{method}/{name}/{kind}": correlated(on_grid(found, order.shape), order)
        for name, order in orders.items()
        for kind, correlated in KINDS.items()
    }


def on_grid(saliency_map: SaliencyMap, shape: tuple[int, ...]) -> Float[np.ndarray, "new_rows new_columns"]:
    """The means over the places of another grid."""
    rows, columns = (overlaps(fine, coarse) for fine, coarse in zip(saliency_map.shape, shape, strict=True))
    means: np.ndarray = (rows @ saliency_map.astype(np.float64) @ columns.T).astype(np.float32)
    return means
