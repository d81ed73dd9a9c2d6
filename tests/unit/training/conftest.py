"""Small trainings: the tiny network on a few phantoms, one thread, a second or less each."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pneumoscope.dataset.manifest import Split
from pneumoscope.training import activations
from pneumoscope.training.loop import train
from pneumoscope.training.recipe_file import load_recipe
from pneumoscope.training.setting import Setting, Watchers
from pneumoscope.training.whole_run import network
from support.still_augmentation import still
from support.torch_session import TorchSession
from support.training_films import decoded_films

SEED = 3


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Small networks gain nothing from more, and lose much where cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="package")
def recipe():
    """Two epochs of three steps with every augmentation of the tiny recipe."""
    return load_recipe("tiny", ["batch_size=8", "stages.epochs=2", "stages.warmup_steps=1"])


@pytest.fixture(scope="package")
def plain_recipe(recipe):
    """Without chance in the pictures: no augmentation, no lung guidance."""
    stages = tuple(replace(stage, lung_guidance=0.0) for stage in recipe.stages)
    return replace(recipe, augmentation=still(recipe.augmentation), stages=stages)


@pytest.fixture(scope="package")
def parts():
    """27 radiographs to train on (three batches of 8 and a rest), 12 to validate."""
    generator = np.random.default_rng(5)
    return decoded_films(Split.TRAIN, 27, generator), decoded_films(Split.VALIDATION, 12, generator)


@pytest.fixture
def trained(parts):
    """Train in a folder, from the seed or from the checkpoint there; returns the model to export."""

    def trained(recipe, output, *, model=None, parts=parts, seed=SEED, **others):
        output.mkdir(exist_ok=True)
        watchers = Watchers(**{name: others.pop(name) for name in list(others) if name in Watchers.__slots__})
        setting = Setting(output, seed, watchers=watchers, **others)
        return train(recipe, model or network(recipe, None, setting), *parts, setting)

    return trained


@pytest.fixture
def quick_sessions(monkeypatch):
    """Activations by PyTorch, since ONNX Runtime's sessions are slow to open; returns the list of those opened."""
    opened = []

    def session_of(backbone, part, *, size_px):
        opened.append(TorchSession(backbone, part))
        return opened[-1]

    monkeypatch.setattr(activations, "prefix_session", session_of)
    return opened
