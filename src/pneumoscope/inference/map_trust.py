"""Should this radiograph's map be trusted? It should not where a positive answer rests on places outside of the lungs.

How far outside stands in the card; it was chosen on the validation part (`map_limit.py`), such that few positive decisions
are flagged. A map that fails the limit is unusual for this model, which is all that the warning says.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.radiograph.radiograph import RadiographWarning, WarningCode


@dataclass(frozen=True, slots=True)
class MapTrust:
    """What speaks for or against one map; None where it is not known.

    `heat_inside_lungs` is the lungs' share of the positive evidence, in [0, 1]; `least_heat_inside` what is usual at
    least. `agreement` is the correlation, in [-1, 1], with the map of another method, `agreement_with`. `doubt` says in
    words why the map should not be trusted.
    """

    heat_inside_lungs: float | None
    least_heat_inside: float | None
    agreement: float | None = None
    agreement_with: str | None = None
    doubt: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def map_trust(heat_inside_lungs: float | None, decision: Decision, *, least_heat_inside: float | None) -> MapTrust:
    """Doubt a positive decision with less than `least_heat_inside` of its positive evidence inside the lungs.

    Where no lungs or no limit are known (None) nothing can be said; a negative decision has little positive evidence to
    lie anywhere.
    """
    doubt = None
    if (
        decision is Decision.PNEUMONIA
        and heat_inside_lungs is not None
        and least_heat_inside is not None
        and heat_inside_lungs < least_heat_inside
    ):
        doubt = (
            f"Do not trust this map: only {heat_inside_lungs:.0%} of the evidence for pneumonia lies inside the lungs "
            f"(at least {least_heat_inside:.0%} is usual for this model). The answer may rest on something else than the "
            "lungs."
        )
    return MapTrust(heat_inside_lungs, least_heat_inside, doubt=doubt)


def map_warnings(trust: MapTrust | None) -> list[RadiographWarning]:
    """The doubt as a warning, where there is one."""
    return [RadiographWarning(WarningCode.MAP_DOUBTFUL, trust.doubt)] if trust and trust.doubt else []
