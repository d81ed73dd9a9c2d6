"""Named thresholds on the calibrated probability, chosen on the validation part and frozen in the card."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float

from pneumoscope.arrays import Labels, Scores
from pneumoscope.errors import UnusableBundle, UnusableOption
from pneumoscope.evaluation.metrics import both_classes, confusion_counts

SCREENING_SENSITIVITY = 0.98
RULE_IN_SPECIFICITY = 0.98


class Decision(StrEnum):
    """What a probability comes to at an operating point."""

    NORMAL = "NORMAL"
    PNEUMONIA = "PNEUMONIA"


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold, and the sensitivity and specificity it had on the part it was chosen on."""

    name: str
    threshold: float
    sensitivity: float
    specificity: float
    chosen_on: str
    rule: str

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise UnusableBundle(
                "operating-point-impossible",
                f"Operating point {self.name} has the threshold {self.threshold}; it must lie between 0 and 1.",
                remedy="Make the bundle again; its card is damaged.",
            )

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class GivenThreshold:
    """A threshold that a person names, of which nothing is promised; otherwise it is measured as an operating point."""

    name: str
    threshold: float
    sensitivity: None = None
    specificity: None = None
    chosen_on: None = None
    rule: str = "given"

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise UnusableOption(
                "threshold-impossible",
                f"The threshold {self.name} is {self.threshold}; it must lie between 0 and 1.",
                remedy="Give a threshold on the probability, such as 0.5.",
            )


def decide(probability: float, operating_point: OperatingPoint) -> Decision:
    """PNEUMONIA from the threshold on, NORMAL below it."""
    return Decision.PNEUMONIA if probability >= operating_point.threshold else Decision.NORMAL


def choose_operating_points(
    probabilities: Scores, labels: Labels, *, prevalence: float | None = None, chosen_on: str
) -> list[OperatingPoint]:
    """`balanced`, `screening` and `rule-in`; give the validation part only, never test rows.

    `balanced` lies where the probability is the `prevalence` it was calibrated for (None: the share of `labels`): there a
    radiograph is as likely among those with the finding as among those without, which for calibrated probabilities makes
    sensitivity + specificity the largest. It moves with the two numbers of the calibration and not with single
    radiographs, as the largest sum that was counted does (benchmarks/balanced_threshold.py measures both).

    Candidates for the others lie half-way between neighbouring probabilities, so that none sits on a radiograph.
    """
    both_classes(labels)
    thresholds, sensitivity, specificity = counted_rates(probabilities, labels)
    balanced = float(labels.mean()) if prevalence is None else prevalence
    enough_found = float(thresholds[sensitivity >= SCREENING_SENSITIVITY][-1])
    enough_cleared = float(thresholds[specificity >= RULE_IN_SPECIFICITY][0])
    chosen = {
        "balanced": (
            balanced,
            f"likelihood ratio 1: the probability is the share of pneumonia assumed, {balanced:.0%}",
        ),
        "screening": (
            min(balanced, enough_found),
            f"highest threshold with sensitivity >= {SCREENING_SENSITIVITY}, not above balanced",
        ),
        "rule-in": (
            max(balanced, enough_cleared),
            f"lowest threshold with specificity >= {RULE_IN_SPECIFICITY}, not below balanced",
        ),
    }
    points = []
    for name, (threshold, rule) in chosen.items():
        counts = confusion_counts(probabilities >= threshold, labels)
        points.append(OperatingPoint(name, threshold, counts.sensitivity, counts.specificity, chosen_on, rule))
    return points


def counted_rates(
    probabilities: Scores, labels: Labels
) -> tuple[Float[np.ndarray, " thresholds"], Float[np.ndarray, " thresholds"], Float[np.ndarray, " thresholds"]]:
    """Every threshold that decides otherwise than the next, rising, with its sensitivity and specificity."""
    thresholds = candidate_thresholds(probabilities)
    positives, negatives = np.sort(probabilities[labels]), np.sort(probabilities[~labels])
    sensitivity = (len(positives) - np.searchsorted(positives, thresholds)) / len(positives)
    return thresholds, sensitivity, np.searchsorted(negatives, thresholds) / len(negatives)


def candidate_thresholds(probabilities: Scores) -> Float[np.ndarray, " thresholds"]:
    """Half-way points in the logit scale, and one beyond each end, all strictly inside (0, 1)."""
    tiny = 1e-12
    values = np.unique(np.clip(probabilities.astype(np.float64), tiny, 1 - tiny))
    logits = np.log(values / (1 - values))
    middles = np.concatenate([[logits[0] - 1], (logits[1:] + logits[:-1]) / 2, [logits[-1] + 1]])
    thresholds: np.ndarray = 1 / (1 + np.exp(-middles))
    return thresholds[(thresholds > 0) & (thresholds < 1)]
