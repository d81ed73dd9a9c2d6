"""What turns a logit into an answer, fitted on the validation part: calibration, operating points, zones.

What is fitted to films like those learnt from promises too much of NORMAL films that look different. So a recipe may
have it fitted to the validation part's pneumonias and only the least typical of its NORMAL films, and for a stated share
of pneumonia instead of the part's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from pneumoscope.arrays import Labels
from pneumoscope.errors import FailedTraining, UnusableBundle
from pneumoscope.evaluation.calibration import PlattCalibration, fit_platt
from pneumoscope.evaluation.operating_point import OperatingPoint, choose_operating_points
from pneumoscope.evaluation.zones import ALPHA, ConformalZones, fit_zones
from pneumoscope.training.data import TrainingData
from pneumoscope.training.recipe import Recipe
from pneumoscope.training.validation_design import atypicality

CHOSEN_ON = "validation"
SAYS_NOTHING = 0.25
"""In logit units: where the lungs are gone, a network that has learnt from such pictures stays well within this of 0."""
Logits = Float[np.ndarray, " validation_radiographs"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What turns a logit into an answer."""

    calibration: PlattCalibration
    operating_points: tuple[OperatingPoint, ...]
    zones: ConformalZones


class Fitting(ABC):
    """Abstract: where the thresholds of a model come from."""

    __slots__ = ()

    @abstractmethod
    def thresholds(self, logits: Logits) -> Thresholds:
        """For a graph that gives the validation part these logits."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """For the card."""


@dataclass(frozen=True, slots=True, eq=False)
class FittingPart(Fitting):
    """Which radiographs of the validation part are fitted to (`chosen`), and for which share of pneumonia.

    `uncertain_within_logit`: of 0, whatever the zones could promise beyond that.
    """

    labels: Labels
    patients: Int[np.ndarray, " validation_radiographs"]
    chosen: Bool[np.ndarray, " validation_radiographs"]
    normals_share: float
    stated_prevalence: float | None
    uncertain_within_logit: float

    def thresholds(self, logits: Logits) -> Thresholds:
        """Everything, each fitted after the one before; `FailedTraining` as `calibration`."""
        calibration = self.calibration(logits)
        return Thresholds(calibration, self.operating_points(calibration, logits), self.zones(calibration, logits))

    def calibration(self, logits: Logits) -> PlattCalibration:
        """`fit_platt`; `FailedTraining` where higher logits do not go with the finding."""
        try:
            return fit_platt(logits[self.chosen], self.labels[self.chosen], prevalence=self.stated_prevalence)
        except UnusableBundle as error:
            raise FailedTraining(
                "nothing-learned",
                "On the validation part higher logits do not go with pneumonia: no calibration can be fitted.",
                remedy="The weights are kept in the run folder. Train for longer or with another rate, and check the "
                "labels.",
            ) from error

    def operating_points(self, calibration: PlattCalibration, logits: Logits) -> tuple[OperatingPoint, ...]:
        """The named thresholds; what is promised of them is promised of films like the chosen ones."""
        probable = probabilities(calibration, logits[self.chosen])
        points = choose_operating_points(
            probable, self.labels[self.chosen], prevalence=self.stated_prevalence, chosen_on=CHOSEN_ON
        )
        return tuple(replace(point, rule=f"{point.rule}{self.among}") for point in points)

    def zones(self, calibration: PlattCalibration, logits: Logits) -> ConformalZones:
        """The three zones, for patients like the chosen ones."""
        probable, chosen = probabilities(calibration, logits[self.chosen]), self.chosen
        zones = fit_zones(probable, self.labels[chosen], self.patients[chosen], alpha=ALPHA, chosen_on=CHOSEN_ON)
        return zones.widened(calibration, self.uncertain_within_logit)

    @property
    def among(self) -> str:
        """In words, for the rule of an operating point; empty where all radiographs are chosen."""
        return "" if self.normals_share == 1 else f"; of NORMAL films only the least typical {self.normals_share:.0%}"

    def to_dict(self) -> dict[str, Any]:
        """For the card."""
        return {
            "normals_share": self.normals_share,
            "radiographs": int(self.chosen.sum()),
            "with_finding": int(self.labels[self.chosen].sum()),
            "stated_prevalence": self.stated_prevalence,
        }


def fitting_part(recipe: Recipe, training: TrainingData, validation: TrainingData) -> FittingPart:
    """The pneumonias of the validation part, and the share of its NORMAL films that are least like all NORMAL films.

    A network that has learnt to say nothing of a film without lungs must not be certain there.
    """
    labels = validation.targets > 0.5
    chosen = np.ones(len(labels), bool)
    if recipe.fitted_normals_share < 1:
        rows = [*training.rows, *validation.rows]
        unlike = atypicality(rows, np.concatenate([training.pictures, validation.pictures]))[len(training.rows) :]
        normals = np.flatnonzero(~labels)
        wanted = max(1, round(recipe.fitted_normals_share * len(normals)))
        chosen[normals[np.argsort(-unlike[normals], kind="stable")[wanted:]]] = False
    patients = np.unique([row.patient for row in validation.rows], return_inverse=True)[1]
    silent = any(stage.lungs_removed for stage in recipe.stages)
    return FittingPart(
        labels,
        patients,
        chosen,
        recipe.fitted_normals_share,
        recipe.stated_prevalence or None,
        SAYS_NOTHING if silent else 0.0,
    )


def probabilities(calibration: PlattCalibration, logits: Float[np.ndarray, " radiographs"]) -> np.ndarray:
    """Calibrated probabilities of logits."""
    return np.array([calibration.probability(float(logit)) for logit in logits])


def decisions_flipped(
    calibration: PlattCalibration, points: tuple[OperatingPoint, ...], before: np.ndarray, after: np.ndarray
) -> int:
    """Decisions that differ at any operating point."""
    first, second = probabilities(calibration, before), probabilities(calibration, after)
    return sum(int(np.sum((first >= point.threshold) != (second >= point.threshold))) for point in points)
