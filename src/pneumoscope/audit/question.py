"""A row of the audit before it is measured: what is asked, how it is measured, or why it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pneumoscope.audit.baselines import CUES
from pneumoscope.audit.lungs import FILLS
from pneumoscope.audit.observation import AS_IT_IS, LUNGS_REMOVED, ONLY_LUNGS, USUAL
from pneumoscope.audit.perturbations import PERTURBATIONS
from pneumoscope.audit.ranked import Rows

Measure = Callable[[Rows], float]
"""A metric of the radiographs that a resample draws; NaN where it is not defined."""

COVERINGS = (*FILLS, *(f"{USUAL}{fill}" for fill in FILLS))
"""Ways to cover the lungs, or all but them: a fill, within the film's own mask or where lungs usually are."""

RATES = ("auroc", "sensitivity", "specificity")
STRATA = ("aspect-ratio", "sharpness", "aspect-ratio-and-sharpness")

SECTIONS = {
    "baselines": "Is the model better than what needs no medicine?",
    LUNGS_REMOVED: "How much is left when the lungs are taken out?",
    ONLY_LUNGS: "Are the lungs enough?",
    "appearance": "Does the answer stay when only the look of the film changes?",
    "zones": "Is a doubtful answer called uncertain?",
    "heat": "Is the evidence inside the lungs?",
    "strata": "How much is left among films that a cue cannot tell apart?",
}

ROWS = (
    *(f"baselines.{cue}" for cue in CUES),
    f"{LUNGS_REMOVED}.mask-outline",
    *(f"{LUNGS_REMOVED}.{covering}" for covering in COVERINGS),
    *(f"{ONLY_LUNGS}.{covering}-{rate}" for covering in COVERINGS for rate in RATES),
    *(f"appearance.{perturbation.name}" for perturbation in PERTURBATIONS),
    f"zones.{AS_IT_IS}",
    *(f"zones.{perturbation.name}" for perturbation in PERTURBATIONS),
    *(f"zones.{LUNGS_REMOVED}-{covering}" for covering in COVERINGS),
    "heat.inside-lungs",
    *(f"strata.{name}" for name in STRATA),
)
"""Every row that there is, as `SECTION.NAME`: what a limits file may name."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One row: `value` is judged, `also` is measured beside it with intervals, `facts` are plain numbers.

    `value` is None where it cannot be measured, and `why_not` says why. `radiographs` is how many it rests on.
    """

    row: str
    asked: str
    measured: str
    value: Measure | None
    radiographs: int = 0
    also: Mapping[str, Measure] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    why_not: str | None = None
