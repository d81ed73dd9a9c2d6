"""A recipe's epoch from cached activations against the same epoch with the frozen layers recomputed in each step.

`python benchmarks/cached_training.py --data DIR --output FILE.json [--recipe vgg16-reference] [--weights random]`

Both trainings run in one process on the same radiographs from the same seed and take turns of a few steps, so that a
disturbance of the machine hits both alike. Both have the allocator's settings and the decoded radiographs.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime
import torch

from pneumoscope.cli.training_start import with_allocator_settings
from pneumoscope.figures.history import read_history
from pneumoscope.inference.pool import usable_cores
from pneumoscope.training.data import DataSource, TrainingData, decoded, divided
from pneumoscope.training.loop import steps_of, train
from pneumoscope.training.recipe import Recipe
from pneumoscope.training.recipe_file import load_recipe
from pneumoscope.training.setting import Setting, StepReport, Watchers
from pneumoscope.training.whole_run import network

TURN_STEPS = 5
SEED = 0


class Turns:
    """A baton between two trainings: each takes some steps, notes how long they took, and hands over."""

    def __init__(self, names: tuple[str, str]) -> None:
        self.names, self.at, self.over = names, 0, set[str]()
        self.condition = threading.Condition()
        self.started = time.perf_counter()
        self.seconds: dict[str, list[float]] = {name: [] for name in names}

    def wait_for(self, name: str) -> None:
        """Until it is this training's turn, or the other is over."""
        with self.condition:
            self.condition.wait_for(lambda: self.names[self.at] == name or len(self.over) == 1)
            self.started = time.perf_counter()

    def after_step(self, name: str, report: StepReport) -> None:
        """Hand over after some steps. The turn in which a validation and a checkpoint fall is not counted."""
        if report.step % TURN_STEPS:
            return
        if report.step > TURN_STEPS:
            self.seconds[name].append(time.perf_counter() - self.started)
        self.hand_over()
        self.wait_for(name)

    def hand_over(self) -> None:
        with self.condition:
            self.at = 1 - self.at
            self.condition.notify_all()

    def finish(self, name: str) -> None:
        with self.condition:
            self.over.add(name)
            self.at = 1 - self.names.index(name)
            self.condition.notify_all()


def training(
    name: str, recipe: Recipe, parts: tuple[TrainingData, TrainingData], output: Path, turns: Turns
) -> dict[str, Any]:
    """Train to the end in turns; seconds of making activations, and the history."""
    output.mkdir(parents=True)
    turns.wait_for(name)
    begun = time.perf_counter()
    ends = [begun]
    watchers = Watchers(
        on_step=lambda report: turns.after_step(name, report),
        on_activations=lambda _: ends.append(time.perf_counter()),
    )
    torch.manual_seed(SEED)
    setting = Setting(output, SEED, checkpoint_seconds=1e9, watchers=watchers)
    train(recipe, network(recipe, None, setting), *parts, setting)
    turns.finish(name)
    return {"activations_seconds": ends[-1] - begun, "history": read_history(output / "history.csv")}


def compared(recipe: Recipe, parts: tuple[TrainingData, TrainingData], folder: Path) -> dict[str, Any]:
    """Both trainings, and the ratio of the medians of their turns."""
    plain = replace(recipe, stages=tuple(replace(stage, cached_views=0) for stage in recipe.stages))
    turns = Turns(("cached", "plain"))
    found: dict[str, dict[str, Any]] = {}
    threads = [
        threading.Thread(
            target=lambda name=name, of=of: found.update({name: training(name, of, parts, folder / name, turns)})
        )
        for name, of in (("cached", recipe), ("plain", plain))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    per_step = {name: statistics.median(seconds) / TURN_STEPS for name, seconds in turns.seconds.items()}
    steps = steps_of(recipe, parts[0])
    aurocs = {name: result["history"][-1]["validation_auroc"] for name, result in found.items()}
    return {
        "steps_per_epoch": steps,
        "turns_measured": {name: len(seconds) for name, seconds in turns.seconds.items()},
        "seconds_per_step_median": per_step,
        "seconds_per_epoch_from_median": {name: value * steps for name, value in per_step.items()},
        "ratio_plain_to_cached": per_step["plain"] / per_step["cached"],
        "activations_seconds": found["cached"]["activations_seconds"],
        "activations_views": recipe.stages[0].cached_views,
        "validation_auroc": aurocs,
        "validation_auroc_difference": abs(aurocs["plain"] - aurocs["cached"]),
        "history": {name: result["history"] for name, result in found.items()},
    }


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--recipe", default="vgg16-reference")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    return parser.parse_args()


def main() -> None:
    """Measure and write."""
    options = parsed()
    with_allocator_settings()
    recipe = load_recipe(options.recipe, options.overrides)
    source = DataSource(options.data, None, None, options.cache)
    rows = divided(source, share=recipe.validation_share, seed=SEED)
    parts = decoded(rows, source, size_px=recipe.size_px)
    with tempfile.TemporaryDirectory(dir=options.cache) as folder:
        results = compared(recipe, parts, Path(folder))
    about = {
        "recipe": recipe.to_dict(),
        "radiographs": {"train": len(parts[0].rows), "validation": len(parts[1].rows)},
        "backbone_weights": recipe.weights,
        "machine": {"cores": usable_cores(), "processor": platform.processor() or platform.machine()},
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
    }
    options.output.write_text(json.dumps(about | results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in results.items() if key != "history"}, indent=1))


if __name__ == "__main__":
    main()
