"""What the server answers, as frozen dataclasses with the names of its OpenAPI document (`/openapi.json`).

Fields that a newer server adds are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from pydantic import Base64Bytes

Decision: TypeAlias = Literal["NORMAL", "PNEUMONIA"]
Zone: TypeAlias = Literal["likely", "uncertain", "unlikely"]
State: TypeAlias = Literal["queued", "running", "done", "cancelled", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """Which bundle answered."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why one radiograph of several was refused, or a job failed. `code` is the stable reason."""

    status: int
    title: str
    code: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something to know about a prediction; `tag` is the DICOM tag it concerns."""

    code: str
    message: str
    tag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceByRegion:
    """The logit in parts, in logit units; `bias` is the same for all radiographs."""

    right_lung: float
    left_lung: float
    outside: float
    bias: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LungFindings:
    """Areas as shares of the picture; `heat_inside_lungs` is the lungs' share of the positive evidence."""

    area_share: float
    right_area_share: float
    left_area_share: float
    evidence_logit: EvidenceByRegion | None
    heat_inside_lungs: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MapTrust:
    """What speaks for or against the map; `doubt` says in words why it should not be trusted."""

    heat_inside_lungs: float | None
    least_heat_inside: float | None
    agreement: float | None = None
    agreement_with: str | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceParts:
    """What adds up to the logit."""

    speaks_for: float
    speaks_against: float
    bias: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SaliencyMap:
    """A map as a PNG file (`png`) or as rows of values in `unit` (`numbers`)."""

    method: str
    unit: str
    equals: str | None
    masks: int
    planned_masks: int
    complete: bool
    color_map: str | None
    scale: float | None
    png: Base64Bytes | None
    numbers: tuple[tuple[float, ...], ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarCase:
    """A training radiograph that the model takes for alike; `distance` is 0 for the same direction, 1 for a right angle.

    `perhaps_same` where it is so near that it may be a copy of the radiograph itself.
    """

    case_id: str
    label: str
    subtype: str
    patient: str
    distance: float
    perhaps_same: bool
    thumbnail_webp: Base64Bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One radiograph. `probability` is the calibrated probability of pneumonia, `index` its place in the request."""

    index: int
    sha256: str
    media_type: str
    rows_px: int
    columns_px: int
    age_years: float | None
    sex: str | None
    view_position: str | None
    logit: float
    score: float
    probability: float
    decision: Decision
    operating_point: str
    threshold: float
    zone: Zone | None
    lungs: LungFindings | None
    map_trust: MapTrust | None
    warnings: tuple[Warned, ...]
    evidence: EvidenceParts | None
    map: SaliencyMap | None
    similar: tuple[SimilarCase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One radiograph of several that was not answered with a prediction, and why."""

    index: int
    problem: Problem


Entry: TypeAlias = Prediction | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """One entry for each radiograph, in the order they were sent."""

    model: ModelName
    predictions: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to make the map, and the unit of its values."""

    method: str
    title: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The model of the server; `card` is the bundle's card.json as it ships."""

    name: str
    version: str
    sha256: str
    intended_use: str
    methods: tuple[Method, ...]
    similar_cases: bool
    card: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """PNEUMONIA from `threshold` on, and what that was worth on the part of the data it was chosen on."""

    name: str
    threshold: float
    sensitivity: float
    specificity: float
    chosen_on: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """Pneumonia is possible from one probability on, normal up to the other, each with an error rate of `alpha`."""

    alpha: float
    pneumonia_possible_from: float
    normal_possible_up_to: float
    chosen_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoints:
    """Where the decision can be made; `default` is where it is made unless a request says otherwise."""

    default: str
    operating_points: tuple[OperatingPoint, ...]
    zones: Zones | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How far a job is: `done` of `total` radiographs are answered. The results can be read until `results_until`."""

    id: str
    state: State
    total: int
    done: int
    created: datetime
    results_until: datetime | None
    model: ModelName
    problem: Problem | None

    @property
    def ended(self) -> bool:
        """Whether no more answers come."""
        return self.state not in {"queued", "running"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResults:
    """A page of the answers of a job; `next` is None on the last."""

    state: State
    model: ModelName
    predictions: tuple[Entry, ...]
    next: str | None
