"""Which rule for the threshold `balanced` carries over: `python benchmarks/balanced_threshold.py --scores FILE.csv [...] --output FILE.json`.

Each rule chooses on patients drawn with replacement and is judged on the patients not drawn (Efron & Tibshirani 1997,
doi:10.1080/01621459.1997.10474007). A rule whose threshold scatters promises more than it keeps. Takes scores of
validation parts, as `pneumoscope score` and `pneumoscope evaluate` write them; refuses those of the test split.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.calibration import fit_platt
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.evaluation.operating_point import counted_rates
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.whole_file import write_whole

DRAWS = 1000
PREVALENCE = 0.5


def counted(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`counted_rates` with the thresholds as logits."""
    thresholds, sensitivity, specificity = counted_rates(1 / (1 + np.exp(-logits)), labels)
    return np.log(thresholds / (1 - thresholds)), sensitivity, specificity


def largest_sum(logits: np.ndarray, labels: np.ndarray) -> float:
    """Where counted sensitivity + specificity is the largest (Youden 1950); the middle one of equals."""
    thresholds, sensitivity, specificity = counted(logits, labels)
    total = sensitivity + specificity
    best = np.flatnonzero(total == total.max())
    return float(thresholds[best[len(best) // 2]])


def equal_rates(logits: np.ndarray, labels: np.ndarray) -> float:
    """Where counted sensitivity and specificity are closest to each other."""
    thresholds, sensitivity, specificity = counted(logits, labels)
    return float(thresholds[np.argmin(np.abs(sensitivity - specificity))])


def likelihood_ratio_one(logits: np.ndarray, labels: np.ndarray) -> float:
    """Where the calibrated probability is the prevalence that it is calibrated for."""
    calibration = fit_platt(logits, labels, prevalence=PREVALENCE)
    return float((np.log(PREVALENCE / (1 - PREVALENCE)) - calibration.intercept) / calibration.slope)


RULES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "largest counted sum": largest_sum,
    "equal rates": equal_rates,
    "likelihood ratio 1": likelihood_ratio_one,
}


def judged(scores: ScoreColumns, draws: int) -> dict[str, dict[str, float]]:
    """Of each rule: its threshold on all, its scatter, what it promises where chosen and keeps on the patients left."""
    if scores.logits is None or not all(path.startswith("train/") for path in scores.paths):
        raise UnusableData(
            "scores-columns",
            "These are not logits of radiographs from train/ alone; the test split only measures.",
            remedy="Give the scores.csv of a validation part.",
        )
    logits, labels, patients = scores.logits, scores.labels, scores.patient_numbers
    generator = np.random.default_rng(0)
    found: dict[str, list[tuple[float, float, float, float]]] = {rule: [] for rule in RULES}
    for _ in range(draws):
        times = np.bincount(generator.integers(0, patients.max() + 1, patients.max() + 1), minlength=patients.max() + 1)
        drawn, left = np.repeat(np.arange(len(labels)), times[patients]), times[patients] == 0
        for rule, choose in RULES.items():
            threshold = choose(logits[drawn], labels[drawn])
            promised = sum(rates(logits[drawn], labels[drawn], threshold))
            found[rule].append((threshold, promised, *rates(logits[left], labels[left], threshold)))
    return {rule: summary(RULES[rule](logits, labels), np.array(rows)) for rule, rows in found.items()}


def rates(logits: np.ndarray, labels: np.ndarray, threshold: float) -> tuple[float, float]:
    """Sensitivity and specificity."""
    return float((logits[labels] >= threshold).mean()), float((logits[~labels] < threshold).mean())


def summary(threshold: float, rows: np.ndarray) -> dict[str, float]:
    """Means over the draws, and the standard deviation of the threshold; logits and fractions."""
    return {
        "threshold_logit": threshold,
        "threshold_logit_standard_deviation": float(rows[:, 0].std()),
        "balanced_accuracy_where_chosen": float(rows[:, 1].mean() / 2),
        "balanced_accuracy_on_patients_left": float(rows[:, 2:].sum(axis=1).mean() / 2),
        "sensitivity_on_patients_left": float(rows[:, 2].mean()),
        "specificity_on_patients_left": float(rows[:, 3].mean()),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the rules on every table, write all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--output", type=Path, required=True)
    place = parser.parse_args(arguments)
    tables = {path.as_posix(): judged(read_score_columns(path), place.draws) for path in place.scores}
    write_whole(place.output, (json.dumps({"draws": place.draws, "tables": tables}, indent=2) + "\n").encode())
    for name, rules in tables.items():
        print(name)
        for rule, content in rules.items():
            print(f"  {rule}: " + ", ".join(f"{key} {value:.4f}" for key, value in content.items()))


if __name__ == "__main__":
    main()
