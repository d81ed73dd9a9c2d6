"""Do films that were held out make the model better, and does the threshold still hold? `python benchmarks/twins.py --help`.

A run has held out a validation part. Its patients are halved; two more runs by the same recipe learn one half each. On
the other half, that neither has seen, the new run is compared with the first one, both at the threshold that the first
one chooses on the half that was learnt. The test split is never read.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ablation import outputs, train
from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, read_manifest, write_manifest
from pneumoscope.dataset.pictures import decoded_pictures
from pneumoscope.evaluation.calibration import fit_platt
from pneumoscope.evaluation.intervals import patient_bootstrap
from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.inference.predictor import Predictor
from pneumoscope.whole_file import write_whole

HALVES_SEED = 5
PREVALENCE = 0.5
RESAMPLES = 2000


def halves(rows: list[ManifestRow]) -> dict[str, int]:
    """0 or 1 for each patient of the validation part, equally many of each label."""
    shuffled = random.Random(HALVES_SEED)  # noqa: S311 - halves, not secrets
    found: dict[str, int] = {}
    for finding in (False, True):
        patients = sorted({row.patient for row in rows if row.has_finding == finding})
        shuffled.shuffle(patients)
        for index, patient in enumerate(patients):
            found.setdefault(patient, index % 2)
    return found


def learnt(half: int, half_of: dict[str, int], place: argparse.Namespace) -> Path:
    """The run that has learnt all but this half of the validation part, trained unless its bundle is there."""
    output: Path = place.runs / f"half{half}"
    if not (output / "bundle/card.json").is_file():
        rows = [
            replace(row, split=Split.TRAIN) if row.split is Split.VALIDATION and half_of[row.patient] != half else row
            for row in read_manifest(place.run / "manifest.csv")
        ]
        place.runs.mkdir(parents=True, exist_ok=True)
        manifest = place.runs / f"half{half}.csv"
        write_manifest(rows, manifest)
        options = [f"--manifest={manifest}", "--about=kermany", *(f"--set={setting}" for setting in place.set)]
        train(place.recipe, place.seed, output, options, place)
    return output


def logits_of(run: Path, rows: list[ManifestRow], place: argparse.Namespace) -> np.ndarray:
    """What a run's bundle says of radiographs."""
    predictor = Predictor(open_bundle(run / "bundle"))
    pictures = decoded_pictures(rows, place.data, predictor.preprocessing, cache=place.cache)
    return outputs(predictor, pictures)[0].astype(np.float64)


def compared(rows: list[ManifestRow], half: np.ndarray, first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Both on each half, and what differs over both together, with intervals by patient."""
    labels = np.array([row.has_finding for row in rows])
    thresholds = np.zeros(len(rows))
    for number in (0, 1):
        calibration = fit_platt(first[half != number], labels[half != number], prevalence=PREVALENCE)
        thresholds[half == number] = -calibration.intercept / calibration.slope

    def measure(drawn: np.ndarray) -> dict[str, float]:
        found = {}
        for name, logits in (("held_out", first), ("learnt", second)):
            finding, above = labels[drawn], logits[drawn] >= thresholds[drawn]
            found[f"{name}/sensitivity"], found[f"{name}/specificity"] = (
                above[finding].mean(),
                1 - above[~finding].mean(),
            )
            aurocs = [
                area_under_roc(logits[part], labels[part]) for n in (0, 1) if len(part := drawn[half[drawn] == n])
            ]
            found[f"{name}/auroc"] = float(np.mean(aurocs))
        metrics = ("auroc", "sensitivity", "specificity")
        return found | {
            f"difference/{metric}": found[f"learnt/{metric}"] - found[f"held_out/{metric}"] for metric in metrics
        }

    patients = [row.patient for row in rows]
    return patient_bootstrap(measure, patients, resamples=RESAMPLES, generator=np.random.default_rng(0))


def main() -> None:
    """Train what is missing, compare, write all."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--data", "--lung-masks", "--run", "--output"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--recipe", default="efficientnet-lite0", help="That of the run.")
    parser.add_argument("--set", action="append", default=[], help="As the run had it; may be repeated.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=Path, default=Path("runs/twins"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    place = parser.parse_args()
    rows = in_split(read_manifest(place.run / "manifest.csv"), Split.VALIDATION)
    half_of = halves(rows)
    half = np.array([half_of[row.patient] for row in rows])
    ours = [logits_of(learnt(number, half_of, place), rows, place) for number in (0, 1)]
    found = {
        "recipe": open_bundle(place.run / "bundle").card.provenance["recipe"],
        "radiographs": len(rows),
        "of_each_half": [int((half == number).sum()) for number in (0, 1)],
        "metrics": compared(rows, half, logits_of(place.run, rows, place), np.where(half == 0, *ours)),
    }
    write_whole(place.output, (json.dumps(found, indent=1) + "\n").encode())
    for name, value in found["metrics"].items():
        print(f"{name}: {value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]")


if __name__ == "__main__":
    main()
