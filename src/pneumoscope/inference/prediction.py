"""What the model says of one radiograph."""

from __future__ import annotations

from dataclasses import dataclass

from pneumoscope.arrays import Embedding, SaliencyMap
from pneumoscope.evaluation.operating_point import Decision, OperatingPoint
from pneumoscope.evaluation.zones import Zone
from pneumoscope.inference.lung_evidence import LungFindings
from pneumoscope.inference.map_trust import MapTrust
from pneumoscope.radiograph.radiograph import Radiograph, RadiographWarning


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Logit, score (its sigmoid), calibrated probability, the decision at an operating point, and where it comes from.

    `warnings` holds those of the radiograph and those of the model (age, view or lungs outside its population, a map that
    is not to be trusted). `lungs` and `map_trust` are None where the bundle has no lung segmentation, `zone` where it has
    no zones.
    """

    radiograph: Radiograph
    logit: float
    score: float
    probability: float
    decision: Decision
    operating_point: OperatingPoint
    saliency_map: SaliencyMap
    embedding: Embedding
    warnings: tuple[RadiographWarning, ...]
    lungs: LungFindings | None = None
    map_trust: MapTrust | None = None
    zone: Zone | None = None
