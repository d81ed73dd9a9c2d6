"""All that the questions are answered from, gathered once: answers to every copy, baselines, masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from pneumoscope.arrays import Labels
from pneumoscope.audit.baselines import Baselines
from pneumoscope.audit.observation import AS_IT_IS, Observations
from pneumoscope.audit.ranked import RankedScores, Values
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.zones import ConformalZones, possible_classes

Known = Bool[np.ndarray, " radiographs"]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Answers of the bundle to every radiograph and its copies, with its calibration and the point that decides.

    `outline` holds the logits by the mask's outline alone, where masks were given; `why_no_masks` says why not.
    """

    observations: Observations
    baselines: Baselines
    outline: Values | None
    calibration: PlattCalibration
    point: OperatingPoint
    zones: ConformalZones | None
    why_no_masks: str | None

    @property
    def labels(self) -> Labels:
        return self.observations.labels

    def logits(self, copy: str = AS_IT_IS, *, where: Known | None = None) -> Values:
        """Logits of a kind of copy; NaN where there is none, and outside `where`."""
        logits = self.observations.logits(copy)
        return logits if where is None else np.where(where, logits, np.nan)

    def probabilities(self, copy: str = AS_IT_IS) -> Values:
        """Calibrated probabilities, as the shipped path gives them."""
        return np.array([self.calibration.probability(logit) for logit in self.logits(copy)], np.float64)

    def decided(self, copy: str = AS_IT_IS) -> Values:
        """1 where the decision is PNEUMONIA, 0 where NORMAL, NaN where there is no such copy."""
        probabilities = self.probabilities(copy)
        return np.where(np.isnan(probabilities), np.nan, probabilities >= self.point.threshold)

    def right(self, copy: str, *, finding: bool) -> Values:
        """1 where a radiograph with (or without) the finding is decided rightly, 0 where wrongly, NaN elsewhere.

        Its mean is the sensitivity (or the specificity).
        """
        decided = self.decided(copy)
        return np.where(self.labels == finding, decided if finding else 1 - decided, np.nan)

    def called(self, copy: str, zones: ConformalZones) -> Values:
        """1 where a copy is called likely, -1 where unlikely, 0 where uncertain, NaN where there is no such copy."""
        probabilities = self.probabilities(copy)
        possible = possible_classes(probabilities, zones)
        return np.where(np.isnan(probabilities), np.nan, possible.likely.astype(float) - possible.unlikely)

    def ranked(self, copy: str = AS_IT_IS, *, where: Known | None = None) -> RankedScores:
        """The copy's logits, ranked."""
        return RankedScores.of(self.logits(copy, where=where), self.labels)
