"""Opacities of three sizes planted into normal lungs, for `finer_map.py`: does the map tell a small one from a large?"""

from __future__ import annotations

import numpy as np

from pneumoscope.arrays import GrayPicture, LungMask, SaliencyMap
from pneumoscope.explanation_audit.answers import answers_to
from pneumoscope.explanation_audit.boxes import HOT_SHARE
from pneumoscope.explanation_audit.maps import points_into, stretched, times_chance
from pneumoscope.explanation_audit.planted import off_the_centre, opacity_in, with_opacity
from pneumoscope.inference.predictor import Predictor

SIDE_PX = 224
SIZES = {"small": (12, 20), "usual": (25, 32), "lobe": (38, 46)}
"""Radii in px of 224: less than a place of a 7 x 7 map across, the explanation audit's, and most of a lobe."""


def planted(
    gray: GrayPicture, lungs: LungMask, logit: float, saliency_map: SaliencyMap, predictor: Predictor, seed: list[int]
) -> dict[str, float]:
    """What each opacity adds, where, and how far it spreads; `planted/SIZE/MEASURE`.

    `told-from-lobe` is 1 where the evidence that the small opacity adds is spread less than what the large one adds.
    """
    generator = np.random.default_rng([*seed, 1])
    opacities = {
        size: opacity_in(lungs, generator, (low / SIDE_PX, high / SIDE_PX)) for size, (low, high) in SIZES.items()
    }
    found = answers_to([with_opacity(gray, one) for one in opacities.values()], predictor)
    measured: dict[str, float] = {}
    for (size, opacity), after, added in zip(
        opacities.items(), found.logits, found.maps - saliency_map[np.newaxis], strict=True
    ):
        mask = opacity.mask((gray.shape[0], gray.shape[1]))
        below, right = off_the_centre(added, opacity, len(gray))
        hot = stretched(added, len(gray)) >= HOT_SHARE * added.max()
        of_size = {
            "logit": float(after) - logit,
            "hit": points_into(added, mask),
            "times-chance": times_chance(added, mask),
            "overlap": float((hot & mask).sum() / (hot | mask).sum()) if added.max() > 0 else float("nan"),
            "below-px": below,
            "right-px": right,
            "diameter-px": 2 * opacity.radius_px,
            "spread-px": spread_px(added, len(gray)),
        }
        measured |= {f"planted/{size}/{name}": value for name, value in of_size.items()}
    small, lobe = (measured[f"planted/{size}/spread-px"] for size in ("small", "lobe"))
    return measured | {"planted/told-from-lobe": float(small < lobe) if small and lobe else float("nan")}


def spread_px(added: SaliencyMap, size_px: int) -> float:
    """Diameter of the disc on which the positive evidence would lie if it were as much everywhere; 0 where there is none.

    Its area is (sum)² / sum of squares, of the places' evidence stretched over the picture.
    """
    positive = np.maximum(stretched(added, size_px), 0).astype(np.float64)
    total = positive.sum()
    return float(2 * np.sqrt(total**2 / (positive**2).sum() / np.pi)) if total > 0 else 0.0
