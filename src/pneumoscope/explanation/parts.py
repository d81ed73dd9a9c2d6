"""What speaks for the finding and what against it, kept apart, in numbers that add up to the logit."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from pneumoscope.arrays import SaliencyMap


@dataclass(frozen=True, slots=True)
class EvidenceParts:
    """Logit units: the sum of what is positive in the map, the sum of what is negative, and the same bias for all."""

    speaks_for: float
    speaks_against: float
    bias: float

    @property
    def logit(self) -> float:
        """All of it together."""
        return self.speaks_for + self.speaks_against + self.bias

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def evidence_parts(saliency_map: SaliencyMap, bias_logit: float) -> EvidenceParts:
    """Of a map that adds up to the logit."""
    evidence = saliency_map.astype(np.float64)
    return EvidenceParts(float(evidence.clip(min=0).sum()), float(evidence.clip(max=0).sum()), bias_logit)
