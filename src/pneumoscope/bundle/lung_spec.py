"""What a card says of the lung segmentation in its bundle, `lungs.onnx`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LUNG_PROBABILITY_NAME = "lung_probability"
"""The one output of `lungs.onnx`: float32 (batch, rows, columns), at half the side of its input."""

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class LungSpec:
    """How to read the segmentation, and which lungs it found in the radiographs that it was made from.

    A pixel is lung where the probability reaches `threshold`. Areas are shares of the picture; places are shares of its
    height and width, from the top left. A radiograph with less lung than `least_area_share` is refused; one outside the
    ranges is warned of. `smaller_lung_share` is the least share of the found area that the smaller lung had.
    `metrics` and `provenance` are for people and reports.
    """

    size_px: int
    threshold: float
    least_area_share: float
    area_share: Range
    centre_row: Range
    centre_column: Range
    smaller_lung_share: float
    metrics: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shares = (self.threshold, self.least_area_share, self.smaller_lung_share)
        ranges = (self.area_share, self.centre_row, self.centre_column)
        if not all(0 <= share <= 1 for share in shares) or not all(0 <= low <= high <= 1 for low, high in ranges):
            raise ValueError("the limits of lungs, which are shares from 0 to 1")
        if self.size_px % 32 or self.size_px < 64:
            raise ValueError("the size_px of lungs, which is a multiple of 32, from 64")

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> LungSpec:
        """Of a parsed card; `KeyError`, `TypeError` or `ValueError` where a key is missing or garbled."""
        return cls(
            size_px=int(content["size_px"]),
            threshold=float(content["threshold"]),
            least_area_share=float(content["least_area_share"]),
            area_share=range_of(content["area_share"]),
            centre_row=range_of(content["centre_row"]),
            centre_column=range_of(content["centre_column"]),
            smaller_lung_share=float(content["smaller_lung_share"]),
            metrics=content["metrics"],
            provenance=content["provenance"],
        )


def range_of(ends: Any) -> Range:
    """Two numbers."""
    low, high = ends
    return float(low), float(high)
