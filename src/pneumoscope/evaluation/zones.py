"""Three zones, likely / uncertain / unlikely, whose error rates are promised for each class by conformal prediction.

Class-conditional (Mondrian) split conformal prediction (Vovk 2012, arXiv:1209.2673; Sadinle 2019, arXiv:1609.00451), with
each patient counting once, however many radiographs there are (Lee, Barber & Willett 2023, arXiv:2306.06342).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float, Int

from pneumoscope.arrays import Labels, Scores
from pneumoscope.errors import UnusableBundle, UnusableData, UnusableOption
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.metrics import both_classes

ALPHA = 0.05
"""The error rate that new bundles promise, for each class."""
ROUNDING = 1e-12


class Zone(StrEnum):
    """What a probability comes to where the answer may also be that it is not known."""

    LIKELY = "likely"
    UNCERTAIN = "uncertain"
    UNLIKELY = "unlikely"


@dataclass(frozen=True, slots=True)
class ConformalZones:
    """Two thresholds on the calibrated probability, and what they promise.

    Pneumonia remains possible from `pneumonia_possible_from` on, normal up to `normal_possible_up_to`. One of them
    possible is a certain answer. Both possible, or (where the classes part so well that the thresholds cross) neither,
    is uncertain. Of new patients with pneumonia at most `alpha` are called unlikely, of those without at most `alpha`
    likely: on average over the choice of calibration patients, and for patients that are drawn as those were.

    Logits up to `uncertain_within_logit` from 0 are uncertain whatever alpha would allow; 0 where that is not asked.
    """

    alpha: float
    pneumonia_possible_from: float
    normal_possible_up_to: float
    radiographs_with_finding: int
    radiographs_without_finding: int
    patients_with_finding: int
    patients_without_finding: int
    chosen_on: str
    uncertain_within_logit: float = 0.0

    def __post_init__(self) -> None:
        thresholds = (self.pneumonia_possible_from, self.normal_possible_up_to)
        possible = 0 < self.alpha < 1 and all(0 <= threshold <= 1 for threshold in thresholds)
        if not (possible and self.uncertain_within_logit >= 0):
            raise UnusableBundle(
                "zones-impossible",
                f"Zones with error rate {self.alpha} and thresholds {thresholds[0]} and {thresholds[1]} cannot be.",
                remedy="Make the bundle again; its card is damaged.",
            )

    def zone(self, probability: float) -> Zone:
        pneumonia = probability >= self.pneumonia_possible_from
        normal = probability <= self.normal_possible_up_to
        if pneumonia == normal:
            return Zone.UNCERTAIN
        return Zone.LIKELY if pneumonia else Zone.UNLIKELY

    def widened(self, calibration: PlattCalibration, within_logit: float) -> ConformalZones:
        """The same, but logits up to `within_logit` from 0 are uncertain: what says nothing must not count as an answer.

        Each class remains possible for more, so both promises hold. 0 changes nothing.
        """
        if not within_logit:
            return self
        return replace(
            self,
            pneumonia_possible_from=min(self.pneumonia_possible_from, calibration.probability(-within_logit)),
            normal_possible_up_to=max(self.normal_possible_up_to, calibration.probability(within_logit)),
            uncertain_within_logit=within_logit,
        )

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False)
class PossibleClasses:
    """The prediction set of each radiograph."""

    pneumonia: Bool[np.ndarray, " radiographs"]
    normal: Bool[np.ndarray, " radiographs"]

    @property
    def likely(self) -> Bool[np.ndarray, " radiographs"]:
        found: np.ndarray = self.pneumonia & ~self.normal
        return found

    @property
    def unlikely(self) -> Bool[np.ndarray, " radiographs"]:
        found: np.ndarray = self.normal & ~self.pneumonia
        return found


def possible_classes(probabilities: Scores, zones: ConformalZones) -> PossibleClasses:
    """`ConformalZones.zone` for many radiographs."""
    return PossibleClasses(probabilities >= zones.pneumonia_possible_from, probabilities <= zones.normal_possible_up_to)


def fit_zones(
    probabilities: Scores, labels: Labels, patients: Int[np.ndarray, " radiographs"], *, alpha: float, chosen_on: str
) -> ConformalZones:
    """Thresholds at error rate `alpha` (a fraction) for each class; give the validation part only, never test rows.

    With fewer than 1 / alpha - 1 patients of a class nothing excludes it: that is what so few can promise.
    """
    both_classes(labels)
    if not 0 < alpha < 1:
        raise UnusableOption(
            "alpha-impossible",
            f"An error rate of {alpha} cannot be.",
            remedy="Give a rate between 0 and 1, such as 0.05.",
        )
    if chosen_on == "test":
        raise UnusableData(
            "test-rows-refused",
            "Zones cannot be chosen on the test split.",
            remedy="Choose them on the validation part.",
        )
    return ConformalZones(
        alpha=alpha,
        pneumonia_possible_from=least_conforming(probabilities[labels], patients[labels], alpha, without_limit=0.0),
        normal_possible_up_to=-least_conforming(-probabilities[~labels], patients[~labels], alpha, without_limit=-1.0),
        radiographs_with_finding=int(labels.sum()),
        radiographs_without_finding=int((~labels).sum()),
        patients_with_finding=len(np.unique(patients[labels])),
        patients_without_finding=len(np.unique(patients[~labels])),
        chosen_on=chosen_on,
    )


def least_conforming(
    conformity: Float[np.ndarray, " of_class"],
    patients: Int[np.ndarray, " of_class"],
    alpha: float,
    *,
    without_limit: float,
) -> float:
    """The smallest conformity at which a new radiograph still may belong to this class: the first p-value above alpha.

    The p-value is (w + 1) / (K + 1), with K patients and w the sum over them of the share of their radiographs that
    conform no better; with one radiograph a patient that is the usual (count + 1) / (n + 1).
    """
    _, number, sizes = np.unique(patients, return_inverse=True, return_counts=True)
    order = np.argsort(conformity, kind="stable")
    ranked = conformity[order]
    if 1 / (len(sizes) + 1) > alpha + ROUNDING:
        return without_limit
    reached = np.cumsum(1 / sizes[number[order]])
    last_of_tie = np.concatenate([ranked[1:] != ranked[:-1], [True]])
    p_values = (reached[last_of_tie] + 1) / (len(sizes) + 1)
    return float(ranked[last_of_tie][np.flatnonzero(p_values > alpha + ROUNDING)[0]])
