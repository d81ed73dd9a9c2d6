"""What the audit's questions are answered from: columns of what was observed, by the class of the radiographs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pneumoscope.audit.question import Question
from pneumoscope.audit.ranked import Values
from pneumoscope.audit.sections import mean_measure
from pneumoscope.explanation.correlation import rank_correlation
from pneumoscope.explanation_audit.observation import Observations


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What all questions are answered from. `shuffled` is what `randomized.sanity` measured; the `why_not`s say what lacks."""

    observations: Observations
    shuffled: Mapping[str, Float[np.ndarray, " radiographs"]]
    why_not: Mapping[str, str]

    def column(self, name: str, *, finding: bool | None = None) -> Values:
        """A column, of the radiographs with the finding only, without it only, or of all."""
        values = self.observations.column(name)
        return values if finding is None else np.where(self.observations.labels == finding, values, np.nan)

    def another_map(self) -> Values:
        """Rank correlation of each map with that of the next radiograph of the same label: what differs between films."""
        maps, labels = self.observations.maps, self.observations.labels
        values = np.full(len(labels), np.nan)
        for label in (False, True):
            there = np.flatnonzero(labels == label)
            if len(there) > 1:
                values[there] = [
                    rank_correlation(maps[one], maps[other])
                    for one, other in zip(there, np.roll(there, 1), strict=True)
                ]
        return values

    def asked(self, row: str, asked: str, measured: str, values: Values, also: Mapping[str, Values]) -> Question:
        """A question whose value is the mean of `values`; not measured where none of them is known."""
        known = int(np.isfinite(values).sum())
        if not known:
            why_not = self.why_not.get(row.partition(".")[0], "no radiograph of this kind among those that are audited")
            return Question(row, asked, measured, None, why_not=self.why_not.get(row, why_not))
        beside = {name: mean_measure(np.where(np.isfinite(values), other, np.nan)) for name, other in also.items()}
        return Question(row, asked, measured, mean_measure(values), known, beside)
