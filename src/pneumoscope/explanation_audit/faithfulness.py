"""Deletion and insertion: does the answer go when the hottest pixels go, and come when they come? (Petsiuk 2018,
arXiv:1806.07421)

Pixels are taken by the map, by a random map of the same grid and by a prior about the middle, so that the three cut
regions of one kind. A good map has a small area under its deletion curve and a large one under its insertion curve.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageFilter

from pneumoscope.arrays import GrayPicture, LungMask, SaliencyMap
from pneumoscope.explanation_audit.answers import answers_to, probabilities
from pneumoscope.explanation_audit.maps import stretched
from pneumoscope.inference.predictor import Predictor

STEPS = 8
BLUR_SHARE = 1 / 20
"""Standard deviation of the blur, of the picture's side: ribs and vessels go, lungs stay to be told from the heart."""

BASELINES = ("blur", "lung-mean")
GAMES = ("deletion", "insertion")

Copies = UInt8[np.ndarray, "copies size_px size_px"]
Ranks = Int[np.ndarray, "size_px size_px"]


def faithfulness(
    gray: GrayPicture,
    lungs: LungMask | None,
    orders: Mapping[str, SaliencyMap],
    predictor: Predictor,
) -> dict[str, float]:
    """Areas under the curves, `GAME/BASELINE/ORDER/logit` and `.../probability`; `without/BASELINE/logit` has no pixel left.

    `gray` is on the model's grid; `orders` are maps by name, hottest first.
    """
    covers = baselines(gray, lungs)
    names = [(baseline, order) for baseline in covers for order in orders]
    ranks = {order: pixel_ranks(saliency_map, len(gray)) for order, saliency_map in orders.items()}
    copies = [copies_of(gray, covers[baseline], ranks[order]) for baseline, order in names]
    found = answers_to([gray, *covers.values(), *np.concatenate(copies)], predictor)
    start, ends = found.logits[0], dict(zip(covers, found.logits[1:], strict=False))
    between = found.logits[1 + len(covers) :].reshape(len(names), len(GAMES), STEPS - 1)
    areas = {f"without/{baseline}/logit": float(end) for baseline, end in ends.items()}
    for (baseline, order), (deleted, inserted) in zip(names, between, strict=True):
        curves = {
            "deletion": np.array([start, *deleted, ends[baseline]]),
            "insertion": np.array([ends[baseline], *inserted, start]),
        }
        for game, curve in curves.items():
            areas[f"{game}/{baseline}/{order}/logit"] = area_under(curve)
            chance = probabilities(curve, predictor.bundle.card.calibration)
            areas[f"{game}/{baseline}/{order}/probability"] = area_under(chance)
    return areas


def baselines(gray: GrayPicture, lungs: LungMask | None) -> dict[str, GrayPicture]:
    """What a pixel becomes when it is taken: blurred, or the mean of the lungs, where they are known."""
    blurred = Image.fromarray(gray).filter(ImageFilter.GaussianBlur(BLUR_SHARE * len(gray)))
    covers = {"blur": np.asarray(blurred)}
    if lungs is not None and lungs.any():
        covers["lung-mean"] = np.full_like(gray, round(float(gray[lungs].mean())))
    return covers


def copies_of(gray: GrayPicture, cover: GrayPicture, ranks: Ranks) -> Copies:
    """The pictures between the two ends: deletion first, then insertion, each from few to many pixels."""
    edges = gray.size * np.arange(1, STEPS) / STEPS
    taken = ranks[np.newaxis] < edges[:, np.newaxis, np.newaxis]
    copies: Copies = np.concatenate([np.where(taken, cover, gray), np.where(taken, gray, cover)])
    return copies


def pixel_ranks(saliency_map: SaliencyMap, size_px: int) -> Ranks:
    """The place of each pixel in the order from hottest, 0, to coldest."""
    order = np.argsort(-stretched(saliency_map, size_px), axis=None, kind="stable")
    ranks = np.empty(size_px * size_px, np.int64)
    ranks[order] = np.arange(size_px * size_px)
    return ranks.reshape(size_px, size_px)


def area_under(curve: Float[np.ndarray, " points"]) -> float:
    """By the trapezoid rule over shares of the pixels from 0 to 1."""
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))
