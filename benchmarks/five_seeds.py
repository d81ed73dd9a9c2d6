"""The claim on the official test: every seed of the default recipe, their mean, and all of them together.

`python benchmarks/five_seeds.py` reads what `pneumoscope evaluate` wrote for each seed (`results/efficientnet-lite0-seedN`)
and writes `results/five-seeds.json`. Nothing is scored and nothing chosen: all seeds have the calibration and
thresholds of one twin, frozen in their cards before the test was opened.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.intervals import patient_bootstrap
from pneumoscope.evaluation.metrics import area_under_roc, calibration_error, confusion_counts
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.whole_file import write_whole

RESULTS = Path(__file__).parents[1] / "results"
SEEDS = "efficientnet-lite0-seed*"
RESAMPLES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class SeedScores:
    """What one seed's bundle says of the test, and what its card had frozen."""

    name: str
    paths: tuple[str, ...]
    patients: tuple[str, ...]
    labels: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray
    thresholds: dict[str, float]
    zones: dict[str, float]
    test_openings: int

    @classmethod
    def of(cls, folder: Path) -> SeedScores:
        table = read_score_columns(folder / "test/scores.csv")
        found = json.loads((folder / "test/evaluation.json").read_text("utf-8"))
        assert table.logits is not None
        assert table.patients is not None
        return cls(
            folder.name,
            tuple(table.paths),
            tuple(table.patients.names[code] for code in table.patients.codes),
            table.labels,
            table.logits,
            table.probabilities,
            {name: point["threshold"] for name, point in found["operating_points"].items()},
            found["zones"]["frozen"],
            found["test_openings"]["recorded"],
        )

    def metrics(self, rows: np.ndarray) -> dict[str, float]:
        """Of the radiographs that a resample draws."""
        labels, probabilities = self.labels[rows], self.probabilities[rows]
        found = {
            "auroc": area_under_roc(self.logits[rows], labels),
            "calibration_error": calibration_error(probabilities, labels),
        }
        for name, threshold in self.thresholds.items():
            counts = confusion_counts(probabilities >= threshold, labels)
            found |= {
                f"accuracy_at_{name}": counts.accuracy,
                f"sensitivity_at_{name}": counts.sensitivity,
                f"specificity_at_{name}": counts.specificity,
            }
        possible = probabilities >= self.zones["pneumonia_possible_from"]
        normal = probabilities <= self.zones["normal_possible_up_to"]
        found["called_unlikely_with_finding"] = float((normal & ~possible)[labels].mean())
        found["called_likely_without_finding"] = float((possible & ~normal)[~labels].mean())
        found["uncertain"] = float((possible == normal).mean())
        return found


def claim(seeds: list[SeedScores]) -> dict[str, Any]:
    """Each seed, the mean over the seeds with its interval by patient, and the seeds' mean logit."""
    first = seeds[0]
    if any(seed.paths != first.paths for seed in seeds):
        raise UnusableData("scores-differ", "The seeds scored different radiographs.", remedy="Score them again.")
    together = np.mean([seed.logits for seed in seeds], axis=0)

    def measure(rows: np.ndarray) -> dict[str, float]:
        each = [seed.metrics(rows) for seed in seeds]
        means = {f"mean/{name}": float(np.mean([one[name] for one in each])) for name in each[0]}
        return means | {"together/auroc": area_under_roc(together[rows], first.labels[rows])}

    found = patient_bootstrap(measure, first.patients, resamples=RESAMPLES, generator=np.random.default_rng(0))
    everything = np.arange(len(first.labels))
    own = {seed.name: seed.metrics(everything) for seed in seeds}
    return {
        "radiographs": len(first.labels),
        "patients": len(set(first.patients)),
        "interval": {"level": 0.95, "method": "percentile bootstrap", "unit": "patient", "resamples": RESAMPLES},
        "test_openings": {seed.name: seed.test_openings for seed in seeds},
        "mean": {name.removeprefix("mean/"): value for name, value in found.items() if name.startswith("mean/")},
        "standard_deviation": {
            name: float(np.std([one[name] for one in own.values()], ddof=1)) for name in own[first.name]
        },
        "mean_logit_of_all": {"auroc": found["together/auroc"]},
        "seeds": own,
    }


def main() -> None:
    """Read the seeds' records, write the claim."""
    folders = sorted(path for path in RESULTS.glob(SEEDS) if (path / "test/evaluation.json").is_file())
    found = claim([SeedScores.of(folder) for folder in folders])
    write_whole(RESULTS / "five-seeds.json", (json.dumps(found, indent=1) + "\n").encode())
    for name, value in found["mean"].items():
        print(f"{name}: {value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]")


if __name__ == "__main__":
    main()
