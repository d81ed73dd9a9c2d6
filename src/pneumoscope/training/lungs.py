"""Train the lung segmentation that ships in a bundle: from radiographs with lung masks to an ONNX graph.

Dice and cross-entropy (Milletari 2016, arXiv:1606.04797), the augmentation of the classifier made heavier, and a share of
pictures without upright lungs. Minutes on two cores; a run that is stopped starts anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.bundle.lung_spec import LUNG_PROBABILITY_NAME
from pneumoscope.dataset.manifest import refuse_test_rows
from pneumoscope.errors import FailedTraining, UnusableData
from pneumoscope.model.export import exported, with_halved_weights
from pneumoscope.model.lung_network import LungNetwork, LungProbability
from pneumoscope.training.augmentation import PictureBatch, augmented
from pneumoscope.training.batch import step_number
from pneumoscope.training.compute import Compute
from pneumoscope.training.data import TrainingData
from pneumoscope.training.lung_negatives import with_negatives
from pneumoscope.training.recipe import Augmentation

AUGMENTATION = Augmentation(
    crop_area=(0.4, 1.0),
    crop_aspect=(0.7, 1.43),
    zoom=(0.9, 1.25),
    shift=0.05,
    rotation_degrees=15.0,
    shear=0.1,
    outside="black",
    flip_share=0.5,
    brightness=0.2,
    contrast=(0.4, 1.8),
    gamma=(0.5, 2.0),
    resolution_share=0.3,
    resolution_px=(48, 200),
    sharpness_share=0.5,
    sharpness=(-1.0, 2.0),
    sharpness_target_share=0.0,
    sharpness_target=(0.015, 0.15),
    spectrum_mix_share=0.0,
    noise_share=0.5,
    noise=0.06,
    jpeg_share=0.0,
    jpeg_quality=(20, 95),
    erased_corner_share=0.3,
)


@dataclass(frozen=True, slots=True)
class LungRecipe:
    """Every setting of this training. The learning rate rises over `warmup_steps` and falls to zero along a cosine."""

    epochs: int = 7
    size_px: int = 224
    batch_size: int = 32
    validation_share: float = 0.15
    learning_rate: float = 4e-3
    warmup_steps: int = 60
    weight_decay: float = 0.01
    negative_share: float = 0.25
    augmentation: Augmentation = AUGMENTATION


def train_lungs(
    recipe: LungRecipe, training: TrainingData, compute: Compute, *, seed: int, tell: Callable[[str], None]
) -> LungNetwork:
    """Train on the radiographs of `training` that have a mask; returns the network, ready to evaluate.

    `UnusableData` where fewer have one than a batch holds; `FailedTraining` where the loss is no number any more.
    """
    refuse_test_rows(training.rows, purpose="the training of a lung segmentation")
    usable = np.flatnonzero(training.lung_masks.any(axis=(1, 2)))
    steps = len(usable) // recipe.batch_size
    if steps == 0:
        raise UnusableData(
            "lung-masks-none",
            f"{len(usable)} radiographs of the train part have a lung mask; one batch needs {recipe.batch_size}.",
            remedy="Masks have the radiographs' relative paths with the suffix .png; give more of them.",
        )
    torch.manual_seed(seed)
    network = LungNetwork()
    compute.place(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    for epoch in range(recipe.epochs):
        network.train()
        order = np.random.default_rng([seed, 1, epoch]).permutation(usable)
        losses = []
        for step in range(steps):
            chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
            for group in optimizer.param_groups:
                group["lr"] = rate_of(recipe, epoch * steps + step, recipe.epochs * steps)
            losses.append(
                one_step(recipe, network, optimizer, training, chosen, compute, step_number(seed, epoch, step))
            )
        tell(f"epoch {epoch + 1} of {recipe.epochs}: loss {np.mean(losses):.4f}")
    network.eval()
    return network


def one_step(
    recipe: LungRecipe,
    network: LungNetwork,
    optimizer: torch.optim.Optimizer,
    training: TrainingData,
    chosen: np.ndarray,
    compute: Compute,
    number: int,
) -> float:
    """Forward, backward and update on one augmented batch; returns its loss."""
    generator = compute.generator(number)
    pictures, masks = with_negatives(
        compute.batch(training.pictures[chosen]),
        compute.batch(training.lung_masks[chosen]),
        share=recipe.negative_share,
        generator=generator,
    )
    pictures, masks = augmented(pictures, masks, recipe.augmentation, size_px=recipe.size_px, generator=generator)
    with compute.mixed_precision():
        logits = network(pictures.contiguous(memory_format=torch.channels_last))
    loss = segmentation_loss(logits.float(), F.avg_pool2d(masks, 2))
    if not math.isfinite(loss.item()):
        raise FailedTraining(
            "loss-not-finite", "The loss is no number any more.", remedy="Try another --seed, or report this."
        )
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.item()


def segmentation_loss(logits: PictureBatch, lung_shares: PictureBatch) -> Float[Tensor, ""]:
    """Cross-entropy plus one minus Dice, each picture alone, with one pixel added so that nothing against nothing is 1."""
    probability = torch.sigmoid(logits)
    both = (probability * lung_shares).sum(dim=(1, 2, 3))
    sizes = probability.sum(dim=(1, 2, 3)) + lung_shares.sum(dim=(1, 2, 3))
    dice = (2 * both + 1) / (sizes + 1)
    return F.binary_cross_entropy_with_logits(logits, lung_shares) + (1 - dice).mean()


def rate_of(recipe: LungRecipe, step: int, steps: int) -> float:
    """The learning rate of a step."""
    warmth = min(1.0, (step + 1) / recipe.warmup_steps)
    return recipe.learning_rate * warmth * 0.5 * (1 + math.cos(math.pi * step / steps))


def lung_graph(network: LungNetwork, *, size_px: int) -> onnx.ModelProto:
    """What ships: `radiograph` float32 (batch, 1, size_px, size_px) in, `lung_probability` at half that side out.

    Weights are stored as fp16.
    """
    network.to("cpu")
    return with_halved_weights(exported(LungProbability(network), [LUNG_PROBABILITY_NAME], size_px=size_px))
