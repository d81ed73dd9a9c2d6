"""Opacities whose place is known, planted into radiographs: the one truth about localization that needs no reader.

Soft round opacities that bring the lung towards the density of the tissue around it, as a consolidation does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pneumoscope.arrays import GrayPicture, LungMask, SaliencyMap
from pneumoscope.explanation_audit.answers import answers_to
from pneumoscope.explanation_audit.maps import centred_prior, points_into, random_map, times_chance
from pneumoscope.inference.predictor import Predictor

RADIUS_SHARE = (1 / 9, 1 / 7)
"""Of the picture's side: at least as large as a place of a 7 x 7 map is from its corner to its centre."""
STRENGTH = 0.8
SOFT_SHARE = 0.5
DENSE_PERCENTILE = 85
LEAST_INSIDE = 0.8
TRIES = 30


@dataclass(frozen=True, slots=True)
class Opacity:
    """A round opacity: its centre and radius in pixels."""

    row_px: float
    column_px: float
    radius_px: float

    def distance(self, shape: tuple[int, int]) -> np.ndarray:
        """Of every pixel from the centre, in radii."""
        rows, columns = np.ogrid[: shape[0], : shape[1]]
        distance: np.ndarray = np.hypot(rows - self.row_px, columns - self.column_px) / self.radius_px
        return distance

    def mask(self, shape: tuple[int, int]) -> LungMask:
        """True inside."""
        inside: LungMask = self.distance(shape) <= 1
        return inside


def opacity_in(
    lungs: LungMask, generator: np.random.Generator, radius_share: tuple[float, float] = RADIUS_SHARE
) -> Opacity:
    """An opacity of a radius in this range (of the picture's side) that lies in the lungs for four fifths at least; the best of thirty draws where none does."""
    rows, columns = np.nonzero(lungs)
    best: tuple[float, Opacity] | None = None
    for _ in range(TRIES):
        chosen = int(generator.integers(len(rows)))
        radius_px = float(generator.uniform(*radius_share) * len(lungs))
        opacity = Opacity(float(rows[chosen]), float(columns[chosen]), radius_px)
        inside = float(lungs[opacity.mask((lungs.shape[0], lungs.shape[1]))].mean())
        if best is None or inside > best[0]:
            best = inside, opacity
        if inside >= LEAST_INSIDE:
            break
    assert best is not None
    return best[1]


def with_opacity(gray: GrayPicture, opacity: Opacity) -> GrayPicture:
    """The picture with the opacity: full in its inner half, then fading out; nothing gets darker."""
    distance = opacity.distance((gray.shape[0], gray.shape[1]))
    fade = np.clip((1 - distance) / SOFT_SHARE, 0, 1)
    share = STRENGTH * fade * fade * (3 - 2 * fade)
    missing = np.maximum(np.percentile(gray, DENSE_PERCENTILE) - gray, 0)
    planted: GrayPicture = np.rint(gray + share * missing).astype(np.uint8)
    return planted


def planted_evidence(
    gray: GrayPicture, lungs: LungMask, logit: float, saliency_map: SaliencyMap, predictor: Predictor, seed: list[int]
) -> dict[str, float]:
    """What an opacity adds to the logit, and whether the evidence that it adds lies where it was planted."""
    generator = np.random.default_rng(seed)
    opacity = opacity_in(lungs, generator)
    found = answers_to([with_opacity(gray, opacity)], predictor)
    added = found.maps[0] - saliency_map
    mask = opacity.mask((gray.shape[0], gray.shape[1]))
    shape = (added.shape[0], added.shape[1])
    maps = {"map": added, "random": random_map(shape, generator), "centre": centred_prior(shape)}
    below, right = off_the_centre(added, opacity, len(gray))
    measured = {"planted/logit": float(found.logits[0]) - logit, "planted/below": below, "planted/right": right}
    for name, one in maps.items():
        measured[f"planted/hit/{name}"] = points_into(one, mask)
        measured[f"planted/times-chance/{name}"] = times_chance(one, mask)
    return measured


def off_the_centre(added: SaliencyMap, opacity: Opacity, size_px: int) -> tuple[float, float]:
    """How far below and right of the opacity's centre the added evidence has its own, in pixels; NaN where there is none.

    A map whose places are not drawn where the network looks shows itself by a mean that is not zero.
    """
    positive = np.maximum(added, 0).astype(np.float64)
    if positive.sum() == 0:
        return float("nan"), float("nan")
    rows, columns = ((np.arange(count) + 0.5) * (size_px / count) for count in positive.shape)
    share = positive / positive.sum()
    return float(share.sum(axis=1) @ rows - opacity.row_px), float(share.sum(axis=0) @ columns - opacity.column_px)
