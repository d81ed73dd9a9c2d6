"""How sure the differences of the ablation are: `python benchmarks/ablation_differences.py --help`.

Every variant that ablation.py has trained is set against the base of the same seed, on the same validation radiographs,
and the difference is averaged over the seeds that both have. Intervals resample patients; they say nothing of other
seeds, so the spread of the base's own seeds stands beside them. Runs of distillation.py join in as `distilled`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ablation import outputs
from pneumoscope.audit.perturbations import PERTURBATIONS
from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, read_manifest
from pneumoscope.dataset.pictures import decoded_pictures
from pneumoscope.evaluation.curves import roc_curve
from pneumoscope.evaluation.intervals import patient_bootstrap
from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.inference.predictor import Predictor
from pneumoscope.training.fitting import probabilities
from pneumoscope.whole_file import write_whole
from twins import logits_of

RESAMPLES = 2000
CHANGES = ("jpeg-60", "halved-and-back")
"""Of the shortcut audit's changes of appearance: those that flip most decisions."""
DISTILLED = "distilled"


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """What base and variant of one seed say of the same radiographs."""

    rows: list[ManifestRow]
    labels: np.ndarray
    base: np.ndarray
    variant: np.ndarray


def pair_of(base: Path, variant: Path, place: argparse.Namespace) -> Pair:
    """From two run folders that validate with the same radiographs."""
    rows = in_split(read_manifest(base / "manifest.csv"), Split.VALIDATION)
    assert {row.path for row in rows} == {
        row.path for row in in_split(read_manifest(variant / "manifest.csv"), Split.VALIDATION)
    }
    labels = np.array([row.has_finding for row in rows])
    return Pair(rows, labels, logits_of(base, rows, place), logits_of(variant, rows, place))


def difference(pairs: list[Pair]) -> dict[str, dict[str, float | None]]:
    """Variant less base, the mean over the seeds; a patient that validates several seeds is drawn for all of them."""
    patients = [row.patient for pair in pairs for row in pair.rows]
    seed_of = np.concatenate([np.full(len(pair.rows), number) for number, pair in enumerate(pairs)])
    place_of = np.concatenate([np.arange(len(pair.rows)) for pair in pairs])

    def measure(drawn: np.ndarray) -> dict[str, float]:
        found: dict[str, list[float]] = {"auroc": [], "best_balanced_accuracy": []}
        for number, pair in enumerate(pairs):
            part = place_of[drawn[seed_of[drawn] == number]]
            labels = pair.labels[part]
            auroc = [area_under_roc(logits[part], labels) for logits in (pair.base, pair.variant)]
            best = [best_balanced_accuracy(logits[part], labels) for logits in (pair.base, pair.variant)]
            found["auroc"].append(auroc[1] - auroc[0])
            found["best_balanced_accuracy"].append(best[1] - best[0])
        return {name: float(np.mean(values)) for name, values in found.items()}

    return patient_bootstrap(measure, patients, resamples=RESAMPLES, generator=np.random.default_rng(0))


def best_balanced_accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """The best that any threshold could do."""
    curve = roc_curve(logits, labels)
    return float((curve.sensitivity + 1 - curve.false_positive_rate).max()) / 2


def flips(run: Path, place: argparse.Namespace) -> dict[str, float]:
    """The share of a run's decisions on its validation part that each change flips."""
    bundle = open_bundle(run / "bundle")
    predictor, calibration = Predictor(bundle), bundle.card.calibration
    threshold = next(point.threshold for point in bundle.card.operating_points if point.name == "balanced")
    rows = in_split(read_manifest(run / "manifest.csv"), Split.VALIDATION)
    pictures = decoded_pictures(rows, place.data, bundle.card.preprocessing, cache=place.cache)

    def decisions(seen: np.ndarray) -> np.ndarray:
        return probabilities(calibration, outputs(predictor, seen)[0]) >= threshold

    before, side = decisions(pictures), pictures.shape[1]
    changes = {change.name: change.change for change in PERTURBATIONS if change.name in CHANGES}
    found = {}
    for name, change in changes.items():
        changed = [seen for picture in pictures if (seen := change(picture, side)) is not None]
        found[name] = float((decisions(np.stack(changed)) != before).mean())
    return found


def runs_of(place: argparse.Namespace) -> dict[str, dict[str, Path]]:
    """The run folders of each variant that was measured, by seed."""
    measured = json.loads(place.ablation.read_text("utf-8"))["variants"]
    runs = {name: {seed: place.runs / f"{name}-seed{seed}" for seed in row["seeds"]} for name, row in measured.items()}
    if place.distillation.is_file():
        seeds = json.loads(place.distillation.read_text("utf-8"))["seeds"]
        runs[DISTILLED] = {seed: place.distillation_runs / f"student-seed{seed}" for seed in seeds}
    return runs


def main() -> None:
    """Score every variant that is not in the output yet, compare, write after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--ablation", type=Path, default=Path("results/ablation.json"))
    parser.add_argument("--distillation", type=Path, default=Path("results/distillation.json"))
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--distillation-runs", type=Path, default=Path("runs/distillation"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    place = parser.parse_args()
    runs = runs_of(place)
    base = runs["base"]
    found: dict[str, Any] = {"resamples": RESAMPLES, "variants": {}}
    if place.output.is_file():
        found = json.loads(place.output.read_text("utf-8"))
    for name, folders in runs.items():
        row: dict[str, Any] = {"seeds": len(folders)}
        if found["variants"].get(name, {}).get("seeds") == row["seeds"]:
            continue
        if name != "base":
            row["difference"] = difference([pair_of(base[seed], folder, place) for seed, folder in folders.items()])
        each = [flips(folder, place) for folder in folders.values()]
        row["flips"] = {change: float(np.mean([one[change] for one in each])) for change in CHANGES}
        found["variants"][name] = row
        write_whole(place.output, (json.dumps(found, indent=1) + "\n").encode())
        print(name, row, flush=True)


if __name__ == "__main__":
    main()
