"""Each lever of a recipe on and off, on validation: `python benchmarks/ablation.py --data DIR --lung-masks DIR --output FILE.json`.

Every variant of ablation.toml is trained by `pneumoscope train` with every seed (runs that are there already are not
trained again): the base recipe with one lever changed, or another recipe as a whole. What only changes how the bundle answers takes the weights of
the base. The bundle scores the validation part, whose NORMAL films are the ones least like those learnt from. The test
split is never read.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.audit.lungs import filled
from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.dataset.manifest import Split, in_split, read_manifest
from pneumoscope.dataset.pictures import decoded_lung_masks, decoded_pictures
from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.inference.predictor import Predictor
from pneumoscope.whole_file import write_whole

BASE = str(Path(__file__).with_name("ablation-base.toml"))
OTHER_RECIPE = "recipe"
"""The key of a variant that is a recipe of its own: the name of one that ships, or a file beside this one."""
OF_THE_ANSWER = {"size_px", "map_stride", "test_time_flip"}
"""Keys that training itself does not depend on."""
VARIANTS = Path(__file__).with_name("ablation.toml")
BATCH = 64
LEAST_EVIDENCE = 0.01
"""In logit units: a film with less evidence for pneumonia than this has none."""


def trained(name: str, overrides: dict[str, Any], seed: int, place: argparse.Namespace) -> Path:
    """The run folder of one variant and seed, trained unless its bundle is there."""
    output: Path = place.runs / f"{name}-seed{seed}"
    recipe = recipe_named(overrides.get(OTHER_RECIPE, place.base))
    overrides = {key: value for key, value in overrides.items() if key != OTHER_RECIPE}
    if not (output / "bundle/card.json").is_file():
        if overrides and set(overrides) <= OF_THE_ANSWER:
            begin_with_trained_base(trained("base", {}, seed, place), output, overrides)
        train(recipe, seed, output, [f"--set={key}={json.dumps(value)}" for key, value in overrides.items()], place)
    return output


def recipe_named(name: str) -> str:
    """As `pneumoscope train` takes it: the file beside this one, or the name as it is."""
    beside = Path(__file__).parent / name
    return str(beside) if beside.is_file() else name


def train(recipe: str, seed: int, output: Path, options: list[str], place: argparse.Namespace) -> None:
    """One run of `pneumoscope train`, gone on with where it had stopped."""
    command = [sys.executable, "-m", "pneumoscope.cli", "train", f"--recipe={recipe}", f"--seed={seed}", *options]
    folders = [f"--data={place.data}", f"--lung-masks={place.lung_masks}", f"--cache={place.cache}"]
    subprocess.run([*command, *folders, f"--output={output}", "--resume"], check=True)


def begin_with_trained_base(base: Path, output: Path, overrides: dict[str, Any]) -> None:
    """A run folder that has come to its end with other settings of the answer: only its bundle is still to make."""
    output.mkdir(parents=True, exist_ok=True)
    for name in ("checkpoint.pt", "history.csv", "manifest.csv", "train.log"):
        shutil.copyfile(base / name, output / name)
    settings = json.loads((base / "recipe.json").read_text("utf-8"))
    settings["recipe"] |= overrides
    write_whole(output / "recipe.json", (json.dumps(settings, indent=2) + "\n").encode())


def measured(run: Path, place: argparse.Namespace) -> dict[str, float | None]:
    """What the bundle does on its validation part, and without or with only the lungs (human masks)."""
    bundle = open_bundle(run / "bundle")
    predictor = Predictor(bundle)
    rows = in_split(read_manifest(run / "manifest.csv"), Split.VALIDATION)
    pictures = decoded_pictures(rows, place.data, bundle.card.preprocessing, cache=place.cache)
    masks, known = decoded_lung_masks(rows, place.lung_masks, bundle.card.preprocessing, cache=place.cache)
    labels = np.array([row.has_finding for row in rows])
    lungs = masks > 0

    def auroc(fill: str, *, lungs_covered: bool) -> float:
        covered = [
            filled(picture, mask if lungs_covered else ~mask, fill)
            for picture, mask in zip(pictures[known], lungs[known], strict=True)
        ]
        return area_under_roc(outputs(predictor, np.stack(covered))[0], labels[known])

    logits, maps = outputs(predictor, pictures)
    heat = np.maximum(maps[known], 0)
    shares = np.stack([grid_mean(mask, heat.shape[1]) for mask in lungs[known]])
    evidence = heat.sum(axis=(1, 2))
    shown = labels[known] & (evidence > LEAST_EVIDENCE)
    inside = (heat[shown] * shares[shown]).sum(axis=(1, 2)) / evidence[shown]
    return {
        "radiographs": len(rows),
        "auroc": area_under_roc(logits, labels),
        **best_decisions(logits, labels),
        "auroc_lungs_black": auroc("black", lungs_covered=True),
        "auroc_lungs_mean": auroc("mean", lungs_covered=True),
        "auroc_only_lungs_black_around": auroc("black", lungs_covered=False),
        "auroc_only_lungs_mean_around": auroc("mean", lungs_covered=False),
        "heat_in_lungs_with_finding": float(inside.mean()) if shown.any() else None,
        "share_with_finding_without_evidence": 1 - float(shown.sum() / labels[known].sum()),
    }


def outputs(predictor: Predictor, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits and maps of sampled pictures."""
    logits, maps = [], []
    for start in range(0, len(pictures), BATCH):
        batch = np.stack([predictor.preprocessing(picture) for picture in pictures[start : start + BATCH]])
        logit, saliency_map, _ = predictor.run(batch)
        logits.append(logit)
        maps.append(saliency_map)
    return np.concatenate(logits), np.concatenate(maps)


def best_decisions(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The best that any threshold could do here: balanced accuracy, and specificity where 97.5 % are found."""
    thresholds = np.unique(logits)
    sensitivity = np.array([(logits[labels] >= threshold).mean() for threshold in thresholds])
    specificity = np.array([(logits[~labels] < threshold).mean() for threshold in thresholds])
    best = int(np.argmax(sensitivity + specificity))
    return {
        "best_balanced_accuracy": float(sensitivity[best] + specificity[best]) / 2,
        "best_threshold_logit": float(thresholds[best]),
        "sensitivity_at_0": float((logits[labels] >= 0).mean()),
        "specificity_at_0": float((logits[~labels] < 0).mean()),
        "specificity_at_sensitivity_0.975": float(specificity[sensitivity >= 0.975].max()),
    }


def grid_mean(mask: np.ndarray, cells: int) -> np.ndarray:
    """The share of lung in each cell of a map."""
    side = len(mask) // cells
    means: np.ndarray = mask[: side * cells, : side * cells].reshape(cells, side, cells, side).mean(axis=(1, 3))
    return means


def so_far(output: Path) -> dict[str, Any]:
    """The variants that have been measured."""
    variants: dict[str, Any] = json.loads(output.read_text("utf-8"))["variants"] if output.is_file() else {}
    return variants


def main() -> None:
    """Train what is missing, measure, write after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--data", "--lung-masks", "--output"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--base", default=BASE, help="Name or file of a recipe.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", nargs="*", help="Names of variants; all otherwise.")
    place = parser.parse_args()
    variants = tomllib.loads(VARIANTS.read_text("utf-8"))
    for seed in place.seeds:
        for name in place.only or variants:
            if str(seed) not in so_far(place.output).get(name, {"seeds": {}})["seeds"]:
                row = measured(trained(name, variants[name], seed, place), place)
                found = so_far(place.output)  # read again: other seeds may have been measured beside this one
                found.setdefault(name, {"set": variants[name], "seeds": {}})["seeds"][str(seed)] = row
                write_whole(place.output, (json.dumps({"variants": found}, indent=1) + "\n").encode())
                print(name, seed, row, flush=True)


if __name__ == "__main__":
    main()
