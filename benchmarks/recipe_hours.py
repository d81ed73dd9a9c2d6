"""Hours that each shipped recipe takes on this machine: `python benchmarks/recipe_hours.py --data DIR --output FILE.json`.

A few steps of each stage are timed on real radiographs, from random weights, and multiplied by the stage's steps; so are
the frozen layers' activations and the look at the validation part. Early stopping is not counted on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from pneumoscope.cli.training_start import with_allocator_settings
from pneumoscope.inference.pool import usable_cores
from pneumoscope.training.data import DataSource, TrainingData, decoded, divided
from pneumoscope.training.loop import train
from pneumoscope.training.recipe import Recipe, Stage
from pneumoscope.training.recipe_file import load_recipe, shipped_recipes
from pneumoscope.training.setting import Setting, Watchers
from pneumoscope.training.whole_run import network

STEPS = 5
LOOKED_AT = 64


def first(part: TrainingData, count: int) -> TrainingData:
    """Every so-manieth radiograph of a part, so that both labels are among them."""
    every = max(1, len(part.rows) // count)
    return TrainingData(part.rows[::every][:count], part.pictures[::every][:count], part.lung_masks[::every][:count])


def stage_seconds(recipe: Recipe, stage: Stage, parts: tuple[TrainingData, TrainingData]) -> dict[str, float]:
    """Seconds of a whole stage, and of what it is made of."""
    count = STEPS * recipe.batch_size
    training, validation = first(parts[0], count), first(parts[1], LOOKED_AT)
    timed = replace(stage, epochs=1, cached_views=min(1, stage.cached_views), warmup_steps=0)
    short = replace(recipe, weights="random", keep="last", stages=(timed,))
    activations, steps, ends = [], [], []
    watchers = Watchers(
        on_activations=lambda _: activations.append(time.perf_counter()),
        on_step=lambda _: steps.append(time.perf_counter()),
        on_epoch=lambda _: ends.append(time.perf_counter()),
    )
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(Path(folder), 0, watchers=watchers)
        train(short, network(short, None, setting), training, validation, setting)
    per_step = statistics.median(after - before for before, after in pairwise(steps))
    per_look = (ends[0] - steps[-1]) / len(validation.rows)
    per_view = statistics.median(after - before for before, after in pairwise(activations)) / 16 if activations else 0.0
    epoch_steps = len(parts[0].rows) // recipe.batch_size
    look = per_look * len(parts[1].rows)
    made = per_view * (stage.cached_views * len(parts[0].rows) + len(parts[1].rows)) if activations else 0.0
    return {
        "size_px": stage.size_px,
        "epochs": stage.epochs,
        "training_radiographs_per_second": recipe.batch_size / per_step,
        "epoch_minutes": (per_step * epoch_steps + look) / 60,
        "activations_minutes": made / 60,
        "hours": (stage.epochs * (per_step * epoch_steps + look) + made) / 3600,
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lung-masks", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    options = parser.parse_args()
    with_allocator_settings()
    source = DataSource(options.data, None, options.lung_masks, options.cache)
    found: dict[str, Any] = {}
    for name in shipped_recipes():
        recipe = load_recipe(name)
        rows = divided(source, share=recipe.validation_share, seed=0)
        parts = decoded(rows, source, size_px=recipe.size_px)
        stages = [stage_seconds(recipe, stage, parts) for stage in recipe.stages]
        found[name] = {"hours": sum(stage["hours"] for stage in stages), "stages": stages}
        print(f"{name}: {found[name]['hours']:.2f} h", flush=True)
    about = {
        "what": "a few steps of each stage timed on real radiographs from random weights, multiplied by its steps",
        "radiographs": {"train": len(parts[0].rows), "validation": len(parts[1].rows)},
        "machine": {"cores": usable_cores()},
        "versions": {"torch": torch.__version__},
    }
    options.output.write_text(json.dumps(about | {"recipes": found}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
