"""What each lung contributes to the answer, in numbers that add up to the logit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Float

from pneumoscope.arrays import LungMask, SaliencyMap
from pneumoscope.bundle.card import SaliencySpec
from pneumoscope.inference.lungs import Lungs


@dataclass(frozen=True, slots=True)
class EvidenceByRegion:
    """Parts of the logit: of the patient's right lung, the left one, the rest of the picture, and the bias."""

    right_lung: float
    left_lung: float
    outside: float
    bias: float


@dataclass(frozen=True, slots=True)
class LungFindings:
    """Areas as shares of the picture; `heat_inside_lungs` is the lungs' share of the positive evidence.

    `evidence_logit` is None where the map does not add up to the logit, `heat_inside_lungs` where nothing speaks for the
    finding.
    """

    area_share: float
    right_area_share: float
    left_area_share: float
    evidence_logit: EvidenceByRegion | None
    heat_inside_lungs: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def lung_findings(lungs: Lungs, saliency_map: SaliencyMap, spec: SaliencySpec) -> LungFindings:
    """Areas and evidence. Each map pixel's evidence is spread evenly over its area, which the lungs cover in part."""
    evidence = saliency_map.astype(np.float64)
    right, left = (covered_share(lung, evidence.shape) for lung in (lungs.right, lungs.left))
    positive = np.maximum(evidence, 0)
    heat = float(positive.sum())
    by_region = EvidenceByRegion(
        right_lung=float((evidence * right).sum()),
        left_lung=float((evidence * left).sum()),
        outside=float((evidence * (1 - right - left)).sum()),
        bias=spec.bias_logit,
    )
    return LungFindings(
        area_share=lungs.area_share,
        right_area_share=lungs.right_area_share,
        left_area_share=lungs.left_area_share,
        evidence_logit=by_region if spec.adds_up else None,
        heat_inside_lungs=float((positive * (right + left)).sum()) / heat if heat > 0 else None,
    )


def covered_share(mask: LungMask, shape: tuple[int, ...]) -> Float[np.ndarray, "map_rows map_columns"]:
    """Share of each pixel of a coarser grid that the mask covers; the grids need not fit into each other."""
    rows, columns = (overlaps(fine, coarse) for fine, coarse in zip(mask.shape, shape, strict=True))
    share: np.ndarray = rows @ mask.astype(np.float64) @ columns.T
    return share


@lru_cache
def overlaps(fine: int, coarse: int) -> Float[np.ndarray, "coarse fine"]:
    """Of each of `coarse` equal parts of a line, the share that each of `fine` equal parts of it takes."""
    fine_ends, coarse_ends = (np.arange(count + 1) / count for count in (fine, coarse))
    low = np.maximum(coarse_ends[:-1, np.newaxis], fine_ends[np.newaxis, :-1])
    high = np.minimum(coarse_ends[1:, np.newaxis], fine_ends[np.newaxis, 1:])
    shares: np.ndarray = np.maximum(high - low, 0) * coarse
    return shares
