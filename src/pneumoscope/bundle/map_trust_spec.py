"""What a card says of when the map of one radiograph is to be doubted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class MapTrustSpec:
    """A positive decision with less than `least_heat_inside` of its positive evidence inside the lungs is doubted.

    The limit belongs to one model and one lung segmentation (their SHA-256). `metrics` and `provenance` are for people and
    reports: how many maps the limit flags, and what it was chosen on.
    """

    least_heat_inside: float
    model_sha256: str
    lungs_sha256: str
    metrics: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.least_heat_inside <= 1:
            raise ValueError("the least_heat_inside of map_trust, which is a share from 0 to 1")

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> MapTrustSpec:
        """Of a parsed card; `KeyError`, `TypeError` or `ValueError` where a key is missing or garbled."""
        return cls(
            least_heat_inside=float(content["least_heat_inside"]),
            model_sha256=str(content["model_sha256"]),
            lungs_sha256=str(content["lungs_sha256"]),
            metrics=content["metrics"],
            provenance=content["provenance"],
        )
