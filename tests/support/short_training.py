"""The first steps of a small training by however many processes torchrun started, for comparison with one process.

Two stages: from pictures with lung masks, then from cached activations. `python short_training.py FOLDER` writes the
weights, the losses and the validation logits to `FOLDER/found.pt`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from pneumoscope.dataset.manifest import Split
from pneumoscope.model.backbone import Backbone
from pneumoscope.training import activations, validation
from pneumoscope.training.loop import train
from pneumoscope.training.processes import Processes, processes_of_torchrun
from pneumoscope.training.recipe import Recipe
from pneumoscope.training.recipe_file import load_recipe, recipe_from
from pneumoscope.training.setting import Setting, Watchers
from pneumoscope.training.whole_run import network
from support.torch_session import TorchSession
from support.training_films import decoded_films

FILE = "found.pt"


def short_recipe() -> Recipe:
    """Three steps of each stage with a low rate, so that rounding does not grow."""
    settings = load_recipe("tiny", ["batch_size=8", "weights_average=0.9", "keep=validation_loss"]).to_dict()
    stage = settings["stages"][0] | {"epochs": 1, "warmup_steps": 0, "learning_rate": 1e-4, "lung_guidance": 1.0}
    cached = stage | {"frozen_through": "block1", "cached_views": 1, "lung_guidance": 0.0}
    return recipe_from(settings | {"stages": [stage | {"lungs_removed": 0.2}, cached]})


def session_of(backbone: Backbone, part: str, *, size_px: int) -> TorchSession:
    """In the place of ONNX Runtime's."""
    return TorchSession(backbone, part)


def train_shortly(folder: Path, processes: Processes) -> None:
    """Train, and let the leading process write down what came of it."""
    torch.set_num_threads(1)
    activations.prefix_session = session_of
    validation.BATCH = 5  # twelve radiographs to validate: three batches, for two processes to share out
    generator = np.random.default_rng(5)
    parts = decoded_films(Split.TRAIN, 27, generator), decoded_films(Split.VALIDATION, 12, generator)
    losses: list[float] = []
    records: list[tuple[float, ...]] = []
    watchers = Watchers(
        on_step=lambda report: losses.append(report.loss),
        on_epoch=lambda record: records.append((record.loss, record.outside_share, record.validation_loss)),
    )
    setting = Setting(folder, 3, processes=processes, watchers=watchers)
    recipe = short_recipe()
    model = network(recipe, None, setting)
    torch.nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(1))
    exported = train(recipe, model, *parts, setting)
    if processes.leads:
        found = {"exported": exported.state_dict(), "trained": model.state_dict(), "losses": losses, "records": records}
        torch.save(found, folder / FILE)


if __name__ == "__main__":
    with processes_of_torchrun() as all_of_them:
        train_shortly(Path(sys.argv[1]), all_of_them)
