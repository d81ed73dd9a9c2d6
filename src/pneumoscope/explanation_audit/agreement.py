"""Do other methods point where the map points? Occlusion (Zeiler 2014, arXiv:1311.2901) and RISE (Petsiuk 2018,
arXiv:1806.07421) look at answers only, so they would not share a mistake of the map.

Where methods disagree no one of them is to be trusted alone (Krishna 2022, arXiv:2202.01602). Why they disagree is asked
too: covering a place takes its own evidence away, and changes that of other places, which may make up for it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pneumoscope.arrays import GrayPicture, ModelInputBatch, SaliencyMap, Scores
from pneumoscope.explanation.masking import Asking
from pneumoscope.explanation.occlusion import occlusion_map
from pneumoscope.explanation.rise import rise_map
from pneumoscope.explanation_audit.answers import PICTURES_AT_ONCE, model_input
from pneumoscope.explanation_audit.maps import KINDS
from pneumoscope.inference.agreement import on_grid
from pneumoscope.inference.predictor import Predictor

METHODS = ("occlusion", "rise")
RADIOGRAPHS: Final = {"occlusion": 40, "rise": 12}
"""On how many each method is asked: they cost hundreds of answers a radiograph."""
RISE_MASKS = 600


def covered_alone(gray: GrayPicture, saliency_map: SaliencyMap, predictor: Predictor) -> dict[str, float]:
    """What each place of the map loses itself when its own part of the picture takes the mean gray.

    `agreement/own/KIND` compares that with the map: high where a place shows what lies in it. `agreement/own/far` is the
    share of all change of evidence that lies farther away than the neighbours of the covered place.
    """
    picture = model_input(gray[np.newaxis])[0]
    rows, columns = saliency_map.shape
    places = [(row, column) for row in range(rows) for column in range(columns)]
    edges = [np.rint(np.arange(count + 1) * len(gray) / count).astype(int) for count in (rows, columns)]
    own, far, total = np.zeros(saliency_map.shape, np.float32), 0.0, 0.0
    for start in range(0, len(places), PICTURES_AT_ONCE):
        batch = places[start : start + PICTURES_AT_ONCE]
        covered = np.repeat(picture[np.newaxis], len(batch), axis=0)
        for copy, (row, column) in zip(covered, batch, strict=True):
            copy[:, edges[0][row] : edges[0][row + 1], edges[1][column] : edges[1][column + 1]] = picture.mean()
        for (row, column), found in zip(batch, predictor.run(covered)[1], strict=True):
            lost = saliency_map - found
            own[row, column] = lost[row, column]
            near = np.abs(lost[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]).sum()
            total += float(np.abs(lost).sum())
            far += float(np.abs(lost).sum() - near)
    measured = {f"agreement/own/{kind}": correlated(own, saliency_map) for kind, correlated in KINDS.items()}
    return {**measured, "agreement/own/far": far / total if total > 0 else float("nan")}


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
