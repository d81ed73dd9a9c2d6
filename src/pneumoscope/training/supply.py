"""Where a stage's batches come from: pictures augmented anew in each step, or cached activations of frozen parts."""

from __future__ import annotations

import hashlib
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pneumoscope.model.backbone import Backbone
from pneumoscope.model.classifier import Classifier, ExplainedLogit
from pneumoscope.training.activations import CachedActivations, PicturesOfView, cached_activations
from pneumoscope.training.augmentation import augmented
from pneumoscope.training.batch import Batch, batch_of_activations, batch_of_pictures
from pneumoscope.training.compute import Compute
from pneumoscope.training.data import TrainingData
from pneumoscope.training.recipe import Recipe, Stage
from pneumoscope.training.setting import Setting


class Supply(ABC):
    """Abstract: batches to learn from, and the validation part as the model takes it."""

    validation: TrainingData

    @abstractmethod
    def batch(self, chosen: np.ndarray, number: int, epoch: int) -> Batch:
        """Radiographs by index; `number` is the source of all chance, `epoch` counts from the stage's beginning."""

    @abstractmethod
    def validation_output(self, model: Classifier, chosen: np.ndarray) -> ExplainedLogit:
        """What a model says of these radiographs of the validation part."""

    @abstractmethod
    def feature_map(self, model: Classifier, inputs: Tensor) -> Tensor:
        """The last feature map (batch, channels, rows, columns) of a batch's inputs."""

    def output(self, model: Classifier, inputs: Tensor) -> ExplainedLogit:
        """What a model says of a batch's inputs."""
        return model.explained(self.feature_map(model, inputs))


@dataclass(frozen=True, slots=True)
class PictureSupply(Supply):
    """Pictures."""

    recipe: Recipe
    stage: Stage
    training: TrainingData
    validation: TrainingData
    compute: Compute

    def batch(self, chosen: np.ndarray, number: int, epoch: int) -> Batch:
        return batch_of_pictures(self.recipe, self.stage, self.training, chosen, number, self.compute)

    def validation_output(self, model: Classifier, chosen: np.ndarray) -> ExplainedLogit:
        return self.output(model, self.compute.batch(self.validation.pictures[chosen]))

    def feature_map(self, model: Classifier, inputs: Tensor) -> Tensor:
        feature_map: Tensor = model.backbone(inputs.contiguous(memory_format=torch.channels_last))
        return feature_map


@dataclass(frozen=True, slots=True)
class ActivationSupply(Supply):
    """Activations of the frozen parts; epoch e of the stage uses view e, and begins again after the last view."""

    recipe: Recipe
    stage: Stage
    training: TrainingData
    validation: TrainingData
    compute: Compute
    views: CachedActivations
    validation_views: CachedActivations

    def batch(self, chosen: np.ndarray, number: int, epoch: int) -> Batch:
        return batch_of_activations(self.recipe, self.training, self.views, epoch, chosen, self.compute)

    def validation_output(self, model: Classifier, chosen: np.ndarray) -> ExplainedLogit:
        features = torch.from_numpy(self.validation_views.rows(0, chosen))
        return self.output(model, features.to(self.compute.device))

    def feature_map(self, model: Classifier, inputs: Tensor) -> Tensor:
        inputs = inputs.contiguous(memory_format=torch.channels_last)
        return model.backbone.forward_after(inputs, self.stage.frozen_through)


def supply_of(
    recipe: Recipe, stage: Stage, backbone: Backbone, training: TrainingData, validation: TrainingData, setting: Setting
) -> Supply:
    """The supply that a stage asks for; the leading process computes activations, the others map its files."""
    if not stage.cached_views:
        forget_activations(setting)
        return PictureSupply(recipe, stage, training, validation, setting.compute)
    key = [recipe.augmentation, stage, setting.seed, frozen_digest(backbone)]

    def cached(part: TrainingData, pictures: PicturesOfView, views: int, size_px: int, name: str) -> CachedActivations:
        return cached_activations(
            backbone,
            stage.frozen_through,
            pictures,
            count=len(part.rows),
            views=views,
            size_px=size_px,
            folder=setting.activations_folder / name,
            key=[*key, [row.sha256 for row in part.rows]],
            on_progress=setting.watchers.on_activations,
        )

    augmented_pictures = augmented_views(recipe, stage, training, setting.seed)
    with setting.processes.leader_first():
        views = cached(training, augmented_pictures, stage.cached_views, stage.size_px, "train")
        plain = cached(validation, plain_pictures(validation), 1, recipe.size_px, "validation")
    return ActivationSupply(recipe, stage, training, validation, setting.compute, views, plain)


def forget_activations(setting: Setting) -> None:
    """Delete what an earlier stage had cached."""
    setting.processes.wait()
    if setting.processes.leads:
        shutil.rmtree(setting.activations_folder, ignore_errors=True)


def augmented_views(recipe: Recipe, stage: Stage, training: TrainingData, seed: int) -> PicturesOfView:
    """View `v` of radiographs, a function of (seed, v, the first radiograph's index)."""
    here = Compute(torch.device("cpu"))

    def pictures(view: int, chosen: np.ndarray) -> np.ndarray:
        number = int(np.random.SeedSequence([seed, 3, view, int(chosen[0])]).generate_state(1)[0])
        batch = here.batch(training.pictures[chosen])
        moved, _ = augmented(
            batch, torch.zeros_like(batch), recipe.augmentation, size_px=stage.size_px, generator=here.generator(number)
        )
        return moved.numpy()

    return pictures


def plain_pictures(part: TrainingData) -> PicturesOfView:
    """Pictures as they are."""
    here = Compute(torch.device("cpu"))
    return lambda _, chosen: here.batch(part.pictures[chosen]).numpy()


def frozen_digest(backbone: Backbone) -> str:
    """SHA-256 of the frozen parts' parameters and statistics."""
    digest = hashlib.sha256()
    for name in backbone.frozen_parts:
        for module in backbone.modules_of(name):
            for value in module.state_dict().values():
                digest.update(value.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
