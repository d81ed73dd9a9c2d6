"""Training from cached activations against a plain loop on the same views, batches and dropout: AUROC and time.

`python benchmarks/same_views.py --data DIR --output FILE.json [--recipe vgg16-reference] [--set KEY=VALUE]...`

The plain loop is written out here, as a tutorial has it: every layer in every step, float32, PyTorch alone. It is given
the pictures that the cached activations are made of, in the same order from the same weights, and each step is seeded
alike, so that what is left between the two is the storage in float16 and the rounding of ONNX Runtime. The two take
turns, step by step, so that a disturbance of the machine hits both alike.

From random weights little is learnt in a few epochs. `--begin weights.safetensors` goes on from what a run has learnt.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import platform
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from jaxtyping import Float
from safetensors.torch import load
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.cli.training_start import with_allocator_settings
from pneumoscope.dataset.manifest import ManifestRow, Split, in_split
from pneumoscope.figures.history import read_history
from pneumoscope.inference.pool import usable_cores
from pneumoscope.model.classifier import Classifier
from pneumoscope.training.activations import batches
from pneumoscope.training.batch import epoch_order, step_number
from pneumoscope.training.data import DataSource, TrainingData, decoded, divided
from pneumoscope.training.loop import steps_of, train
from pneumoscope.training.recipe import Recipe
from pneumoscope.training.recipe_file import load_recipe
from pneumoscope.training.schedule import Progression, learning_rate
from pneumoscope.training.setting import Setting, StepReport, Watchers
from pneumoscope.training.supply import augmented_views, plain_pictures
from pneumoscope.training.validation import validation_metrics
from pneumoscope.training.whole_run import network

SEED = 0
PLAIN: dict[str, Any] = {
    "optimizer": "adam",
    "weight_decay": 0.0,
    "gradient_clip": 0.0,
    "label_smoothing": 0.0,
    "class_balance": "none",
    "mixup": 0.0,
    "drop_path": 0.0,
    "weights_average": 0.0,
    "keep": "last",
    "early_stopping_patience": 0,
}
"""What the plain loop does; so both do it."""


def some_patients(rows: list[ManifestRow], *, train_count: int, validation_count: int) -> list[ManifestRow]:
    """Whole patients in random order until each part has about so many radiographs; the order of rows is kept."""
    kept: set[str] = set()
    for split, count in ((Split.TRAIN, train_count), (Split.VALIDATION, validation_count)):
        part = in_split(rows, split)
        patients = np.random.default_rng([SEED, count]).permutation(sorted({row.patient for row in part}))
        numbers = np.cumsum([sum(row.patient == patient for row in part) for patient in patients])
        kept |= set(patients[: int(np.searchsorted(numbers, count)) + 1])
    return [row for row in rows if row.patient in kept]


class PlainLoop:
    """Adam on the cross-entropy, the frozen layers recomputed in each step."""

    def __init__(
        self, recipe: Recipe, begun: Classifier, parts: tuple[TrainingData, TrainingData], views: list[np.ndarray]
    ) -> None:
        self.recipe, self.stage, (self.training, self.validation) = recipe, recipe.stages[0], parts
        self.views = views
        self.model = copy.deepcopy(begun).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model.backbone.freeze_through(self.stage.frozen_through)
        learning = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(learning)
        self.progression = Progression()
        self.metrics: list[dict[str, float]] = []
        self.seconds: list[float] = []

    def step(self, epoch: int, step: int) -> None:
        """One update."""
        started, steps, size = time.perf_counter(), steps_of(self.recipe, self.training), self.recipe.batch_size
        order = epoch_order(self.training.targets, balance=self.recipe.class_balance, seed=SEED, epoch=epoch)
        chosen = np.sort(order[step * size : (step + 1) * size])
        factor, at = self.progression.rate_factor, epoch * steps + step
        rate = learning_rate(self.recipe, self.stage, at, self.stage.epochs * steps, rate_factor=factor)
        self.optimizer.param_groups[0]["lr"] = rate
        torch.manual_seed(step_number(SEED, epoch, step))
        self.model.train()
        pictures = torch.from_numpy(self.views[epoch % len(self.views)][chosen])
        logit = self.model(pictures.contiguous(memory_format=torch.channels_last)).logit
        loss = F.binary_cross_entropy_with_logits(logit, torch.from_numpy(self.training.targets[chosen]))
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.seconds.append(time.perf_counter() - started)

    def validate(self, epoch: int) -> None:
        """Note the metrics after an epoch, and lower the rate on a plateau."""
        logits = logits_of(self.model, self.validation).numpy()
        self.metrics.append(validation_metrics(logits, self.validation.targets))
        self.progression.take(self.recipe, epoch, metrics=self.metrics[-1])


def views_of(recipe: Recipe, training: TrainingData) -> list[np.ndarray]:
    """The pictures that the activations of each view are made of."""
    pictures_of = augmented_views(recipe, recipe.stages[0], training, SEED)
    everyone = np.arange(len(training.rows))
    return [
        np.concatenate([pictures_of(view, batch) for batch in batches(everyone)])
        for view in range(recipe.stages[0].cached_views)
    ]


@torch.inference_mode()
def logits_of(model: Classifier, part: TrainingData) -> Float[Tensor, " radiographs"]:
    """PyTorch's logits of a part."""
    model.eval()
    pictures_of = plain_pictures(part)
    return torch.cat(
        [model(torch.from_numpy(pictures_of(0, batch))).logit for batch in batches(np.arange(len(part.rows)))]
    )


def compared(
    recipe: Recipe, parts: tuple[TrainingData, TrainingData], folder: Path, begin: bytes | None
) -> dict[str, Any]:
    """Both trainings in turns, and how far they are apart."""
    torch.manual_seed(SEED)
    stage, begun = recipe.stages[0], network(recipe, None, Setting(folder, SEED))
    views = views_of(recipe, parts[0])
    if begin:
        begun.load_state_dict(load(begin))
    plain = PlainLoop(recipe, begun, parts, views)
    cached_seconds: list[float] = []
    activations: list[float] = []
    resumed = [time.perf_counter()]

    def after_step(report: StepReport) -> None:
        if report.step > 1:  # the first of an epoch has the validation before it, or the making of activations
            cached_seconds.append(time.perf_counter() - resumed[0])
        plain.step(report.epoch, report.step - 1)
        resumed[0] = time.perf_counter()

    def after_epoch(epoch: int) -> None:
        plain.validate(epoch)
        print(epoch, plain.metrics[-1], read_history(folder / "history.csv")[-1], flush=True)

    watchers = Watchers(
        on_step=after_step,
        on_epoch=lambda record: after_epoch(record.epoch),
        on_activations=lambda _: activations.append(time.perf_counter()),
    )
    started = time.perf_counter()
    cached = train(recipe, begun, *parts, Setting(folder, SEED, checkpoint_seconds=1e9, watchers=watchers))
    history = read_history(folder / "history.csv")
    found = [
        {"cached": row["validation_auroc"], "plain": of["validation_auroc"]}
        for row, of in zip(history, plain.metrics, strict=True)
    ]
    per_step = {"cached": statistics.median(cached_seconds), "plain": statistics.median(plain.seconds)}
    steps = steps_of(recipe, parts[0])
    return {
        "steps_per_epoch": steps,
        "seconds_per_step_median": per_step,
        "seconds_per_epoch_from_median": {name: value * steps for name, value in per_step.items()},
        "ratio_plain_to_cached": per_step["plain"] / per_step["cached"],
        "activations_seconds": activations[-1] - started,
        "activations_views": stage.cached_views,
        "validation_auroc_by_epoch": found,
        "largest_auroc_difference": max(abs(of["cached"] - of["plain"]) for of in found),
        "largest_logit_difference_at_the_end": float(
            (logits_of(cached, parts[1]) - logits_of(plain.model, parts[1])).abs().max()
        ),
        "logit_standard_deviation_at_the_end": float(logits_of(plain.model, parts[1]).std()),
        "history": {"cached": history, "plain": plain.metrics},
    }


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--begin", type=Path, help="weights.safetensors of a run, to go on from")
    parser.add_argument("--recipe", default="vgg16-reference")
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--radiographs", type=int, nargs=2, default=(480, 160), help="to train on, to validate with")
    return parser.parse_args()


def main() -> None:
    """Measure and write."""
    options = parsed()
    with_allocator_settings()
    recipe = replace(load_recipe(options.recipe, options.overrides), **PLAIN)
    begin = options.begin.read_bytes() if options.begin else None
    rows = divided(DataSource(options.data, None, None, Path()), share=recipe.validation_share, seed=SEED)
    rows = some_patients(rows, train_count=options.radiographs[0], validation_count=options.radiographs[1])
    with tempfile.TemporaryDirectory() as folder:
        parts = decoded(rows, DataSource(options.data, None, None, Path(folder)), size_px=recipe.size_px)
        results = compared(recipe, parts, Path(folder), begin)
    about = {
        "recipe": recipe.to_dict(),
        "seed": SEED,
        "radiographs": {"train": len(parts[0].rows), "validation": len(parts[1].rows)},
        "backbone_weights": "of an earlier run" if begin else recipe.weights,
        "begun_from_sha256": hashlib.sha256(begin).hexdigest() if begin else None,
        "machine": {"cores": usable_cores(), "processor": platform.processor() or platform.machine()},
        "versions": {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__},
    }
    options.output.write_text(json.dumps(about | results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in results.items() if key != "history"}, indent=1))


if __name__ == "__main__":
    main()
