"""Do the maps stay when weights are stored in fewer bits? Rounding that hardly moves a score may move the hottest place.

The limits are those of `pneumoscope explain-audit --against`, the gate of every compressed bundle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from pneumoscope.explanation.correlation import correlation

LEAST_CORRELATION = 0.98
LEAST_HOTTEST_SHARE = 0.9

Maps = Float[np.ndarray, "radiographs map_rows map_columns"]


@dataclass(frozen=True, slots=True)
class MapsKept:
    """Mean correlation of the maps before and after, and share of the positives whose hottest place stays.

    NaN where there is nothing to measure it on: every map the same everywhere, no positive decision.
    """

    correlation: float
    hottest_share: float

    @property
    def hold(self) -> bool:
        """Whether both are measured, and large enough: what was not measured has not been shown to stay."""
        return self.correlation >= LEAST_CORRELATION and self.hottest_share >= LEAST_HOTTEST_SHARE

    def __str__(self) -> str:
        return (
            f"maps correlate {self.correlation:.4f}, the hottest place stays in {self.hottest_share:.1%} of positives"
        )

    def to_dict(self) -> dict[str, float | None]:
        """For the card; None for NaN, which JSON does not have."""
        found = {
            "mean_map_correlation_fp32_fp16_stored": self.correlation,
            "share_of_positive_decisions_whose_hottest_place_stays": self.hottest_share,
        }
        return {name: None if math.isnan(value) else value for name, value in found.items()}


def maps_kept(full: Maps, halved: Maps, decided: Bool[np.ndarray, " radiographs"]) -> MapsKept:
    """Compare the maps of two graphs, radiograph by radiograph; `decided` is True where the decision is PNEUMONIA.

    A pair that is the same everywhere in both has no pattern to lose and is left out of the mean; one that is so in either
    only has lost it and counts as 0.
    """
    pairs = [(one, other) for one, other in zip(full, halved, strict=True) if np.ptp(one) > 0 or np.ptp(other) > 0]
    stays = [full[number].argmax() == halved[number].argmax() for number in np.flatnonzero(decided)]
    return MapsKept(
        float(np.mean([correlation(one, other) for one, other in pairs])) if pairs else math.nan,
        float(np.mean(stays)) if stays else math.nan,
    )
