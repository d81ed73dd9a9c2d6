"""Should this radiograph's map be trusted? It should not where a positive answer rests on places outside of the lungs.

How far outside is chosen on the validation part, such that few positive decisions are flagged; a map that fails the
limit is unusual for this model, which is all that the warning says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pneumoscope.arrays import Scores
from pneumoscope.dataset.manifest import ManifestRow, refuse_test_rows
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.operating_point import Decision

FLAGGED_SHARE = 0.005
"""Of the positive decisions on the validation part: how many may be flagged at most."""


@dataclass(frozen=True, slots=True)
class MapTrust:
    """What speaks for or against one map, as shares in [0, 1] and a rank correlation in [-1, 1]; None where not known.

    `heat_inside_lungs` is the lungs' share of the positive evidence, `agreement` that with another method's map.
    `doubt` says in words why the map should not be trusted, or is None.
    """

    heat_inside_lungs: float | None
    agreement: float | None
    doubt: str | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def map_trust(
    heat_inside_lungs: float | None, decision: Decision, *, least_heat_inside: float, agreement: float | None = None
) -> MapTrust:
    """Doubt a positive decision with less than `least_heat_inside` of its positive evidence inside the lungs.

    Where no lungs are known (None) nothing can be said; a negative decision has little positive evidence to lie anywhere.
    """
    doubt = None
    if decision is Decision.PNEUMONIA and heat_inside_lungs is not None and heat_inside_lungs < least_heat_inside:
        doubt = (
            f"Only {heat_inside_lungs:.0%} of the evidence for pneumonia lies inside the lungs (at least "
            f"{least_heat_inside:.0%} is usual for this model). The answer may rest on something else than the lungs; "
            "do not trust the map."
        )
    return MapTrust(heat_inside_lungs, agreement, doubt)


def chosen_least_heat_inside(
    heat_inside_lungs: Scores,
    decisions: Sequence[Decision],
    rows: Sequence[ManifestRow],
    *,
    flagged_share: float = FLAGGED_SHARE,
) -> float:
    """The largest limit that flags at most `flagged_share` of the positive decisions, rounded down to whole percents.

    `heat_inside_lungs` is NaN where it is not known. Refuses rows of the test split; `UnusableData` where no positive
    decision has lungs.
    """
    refuse_test_rows(rows, purpose="choosing when a map is to be trusted")
    positive = np.array([decision is Decision.PNEUMONIA for decision in decisions], bool)
    known = np.sort(heat_inside_lungs[positive & np.isfinite(heat_inside_lungs)])
    if not len(known):
        raise UnusableData(
            "no-positive-maps",
            "None of these radiographs has lungs and a positive decision.",
            remedy="Give the validation part, and a bundle with a lung segmentation.",
        )
    limit = known[int(flagged_share * len(known))]
    return float(np.floor(limit * 100) / 100)
