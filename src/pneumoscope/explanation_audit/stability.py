"""Does the map stay where a reader sees the same film? Small shifts, noise, and coding as JPEG.

Maps of explanations can be moved at will by changes nobody sees (Ghorbani 2019, arXiv:1710.10547); here none is
searched for, only what happens to films anyway.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pneumoscope.arrays import GrayPicture, SaliencyMap
from pneumoscope.audit.perturbations import coded_as_jpeg
from pneumoscope.explanation_audit.answers import Answers
from pneumoscope.explanation_audit.maps import KINDS, stretched

SHIFT_SHARE = 1 / 56
"""Of the picture's side: 4 px of 224."""
NOISE_LEVELS = 0.02 * 255
COMPARED_EVERY_PX = 8
SIDES = ((0, 1), (0, -1), (1, 0), (-1, 0))

SharedPart = Float[np.ndarray, "places places"]
"""A map at places of the film that two pictures show."""

CHANGES = ("shift", "noise", "jpeg-90", "jpeg-60")


def changed(gray: GrayPicture, generator: np.random.Generator) -> list[GrayPicture]:
    """Four shifts, noise, two codings: in the order that `stability` reads them."""
    step = shift_px(len(gray))
    noisy = gray + generator.normal(0, NOISE_LEVELS, gray.shape)
    coded = [coded_as_jpeg(quality)(gray, len(gray)) for quality in (90, 60)]
    shifts = [shifted(gray, down * step, right * step) for down, right in SIDES]
    return [*shifts, np.rint(noisy).clip(0, 255).astype(np.uint8), *(code for code in coded if code is not None)]


def stability(saliency_map: SaliencyMap, found: Answers, size_px: int) -> dict[str, float]:
    """Correlation of each change's map with the map before, by ranks and by values: `stability/CHANGE/KIND`.

    Shifted maps are shifted back; their mean counts.
    """
    step, measured = shift_px(size_px), {}
    for kind, correlated in KINDS.items():
        shifts = [
            correlated(*shifted_back(saliency_map, other, (down * step, right * step), size_px))
            for (down, right), other in zip(SIDES, found.maps, strict=False)
        ]
        others = [correlated(saliency_map, other) for other in found.maps[len(SIDES) :]]
        for change, value in zip(CHANGES, [float(np.mean(shifts)), *others], strict=True):
            measured[f"stability/{change}/{kind}"] = value
    return measured


def turned_decisions(before: bool, after: np.ndarray) -> dict[str, float]:
    """Share of the decisions after each change that are not the one before, as `turned/CHANGE`."""
    turned = after != before
    shares = [turned[: len(SIDES)].mean(), *turned[len(SIDES) :]]
    return {f"turned/{name}": float(share) for name, share in zip(CHANGES, shares, strict=True)}


def shift_px(size_px: int) -> int:
    """How far the picture is shifted."""
    return max(1, round(SHIFT_SHARE * size_px))


def shifted(gray: GrayPicture, down_px: int, right_px: int) -> GrayPicture:
    """The picture moved, its edge pixels going on where it came from."""
    rows, columns = gray.shape
    moved: GrayPicture = gray[
        np.ix_(np.clip(np.arange(rows) - down_px, 0, rows - 1), np.clip(np.arange(columns) - right_px, 0, columns - 1))
    ]
    return moved


def shifted_back(
    before: SaliencyMap, after: SaliencyMap, shift: tuple[int, int], size_px: int
) -> tuple[SharedPart, SharedPart]:
    """Both maps at the same places of the film, in the part that both pictures show."""
    margin = max(abs(step) for step in shift)
    inside = np.arange(margin, size_px - margin, COMPARED_EVERY_PX)
    fine, moved = stretched(before, size_px), stretched(after, size_px)
    return fine[np.ix_(inside, inside)], moved[np.ix_(inside + shift[0], inside + shift[1])]
