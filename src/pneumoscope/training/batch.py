"""What one step learns from: which radiographs, augmented how, with which right answers and weights.

A batch is a function of (seed, epoch, step), so that a resumed run sees the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pneumoscope.training.activations import CachedActivations
from pneumoscope.training.augmentation import PictureBatch, augmented
from pneumoscope.training.compute import Compute
from pneumoscope.training.data import TrainingData
from pneumoscope.training.evidence import with_evidence_removed, with_lungs
from pneumoscope.training.recipe import Recipe, Stage
from pneumoscope.training.teachers import taught


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures (or activations of frozen parts), masks of the lungs that are still seen, right answers, weights.

    `lungless` is the weight of the class where the lungs were taken out, and 0 where they were not.
    """

    inputs: Float[Tensor, "batch channels rows columns"]
    lung_masks: Float[Tensor, "batch 1 mask_rows mask_columns"]
    target: Float[Tensor, " batch"]
    weight: Float[Tensor, " batch"]
    lungless: Float[Tensor, " batch"]

    def part(self, rows: slice) -> Batch:
        """One process's share."""
        return Batch(
            self.inputs[rows], self.lung_masks[rows], self.target[rows], self.weight[rows], self.lungless[rows]
        )


def epoch_order(targets: np.ndarray, *, balance: str, seed: int, epoch: int) -> np.ndarray:
    """Indices in the order of an epoch: each once, or drawn so that both classes are as frequent (`sampling`).

    Oversampling of the rarer class: Buda 2018, arXiv:1710.05381.
    """
    generator = np.random.default_rng([seed, 1, epoch])
    if balance != "sampling":
        return generator.permutation(len(targets))
    share = float((targets > 0.5).mean())  # in float64: `choice` is strict about the sum
    return generator.choice(
        len(targets), len(targets), p=np.where(targets > 0.5, share, 1 - share) ** -1.0 / (2 * len(targets))
    )


def step_number(seed: int, epoch: int, step: int) -> int:
    """One number that all chance of a step flows from."""
    return int(np.random.SeedSequence([seed, 2, epoch, step]).generate_state(1)[0])


def batch_of_pictures(
    recipe: Recipe, stage: Stage, training: TrainingData, chosen: np.ndarray, number: int, compute: Compute
) -> Batch:
    """Augmented pictures, some without their lungs or their surroundings; with the lungs gone the answer is 0.5.

    Each radiograph comes `stage.looks` times, one after the other. Teachers see the augmented pictures whole.
    """
    generator = compute.generator(number)
    pictures, masks = augmented(
        compute.batch(training.pictures[chosen]),
        compute.batch(training.lung_masks[chosen]),
        recipe.augmentation,
        size_px=stage.size_px,
        generator=generator,
        looks=stage.looks,
    )
    chosen = np.repeat(chosen, stage.looks)
    removed = with_evidence_removed(
        pictures,
        masks,
        lungs_share=stage.lungs_removed,
        surroundings_share=stage.surroundings_removed,
        removal_margin=stage.removal_margin,
        joined_windows=stage.joined_windows,
        generator=generator,
    )
    gone = removed.lungs_gone
    target, weight = answers(recipe, training, chosen, compute)
    if training.teachers is not None:
        target = taught(target, training.teachers.answers(pictures, chosen), recipe.teachers_share)
    batch = Batch(
        removed.pictures,
        masks * ~gone.reshape(-1, 1, 1, 1),
        torch.where(gone, torch.full_like(target, 0.5), target),
        torch.where(gone, torch.ones_like(weight), weight),
        weight * gone,
    )
    return mixed_up(batch, recipe.mixup, generator=generator, number=number) if recipe.mixup else batch


def batch_of_activations(
    recipe: Recipe,
    training: TrainingData,
    activations: CachedActivations,
    view: int,
    chosen: np.ndarray,
    compute: Compute,
) -> Batch:
    """What the frozen parts made of one augmented view of each radiograph."""
    target, weight = answers(recipe, training, chosen, compute)
    return Batch(
        torch.from_numpy(activations.rows(view, chosen)).to(compute.device),
        torch.zeros(len(chosen), 1, 1, 1, device=compute.device),
        target,
        weight,
        torch.zeros_like(weight),
    )


def answers(
    recipe: Recipe, training: TrainingData, chosen: np.ndarray, compute: Compute
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Right answers, smoothed (Szegedy 2016, arXiv:1512.00567), and weights."""
    finding = torch.from_numpy(training.targets[chosen]).to(compute.device)
    target = finding * (1 - 2 * recipe.label_smoothing) + recipe.label_smoothing
    weight = class_weights(training.targets, finding) if recipe.class_balance == "loss" else torch.ones_like(finding)
    if training.weights is not None:
        weight = weight * torch.from_numpy(training.weights[chosen]).to(compute.device)
    return target, weight


def class_weights(all_targets: np.ndarray, finding: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """Weights that give both classes half of the loss, whatever their numbers (King & Zeng 2001)."""
    share = float(all_targets.mean())
    return torch.where(finding > 0.5, finding.new_tensor(0.5 / share), finding.new_tensor(0.5 / (1 - share)))


def mixed_up(batch: Batch, strength: float, *, generator: torch.Generator, number: int) -> Batch:
    """Each picture blended with another, the answers likewise (mixup, Zhang 2018, arXiv:1710.09412).

    The blend counts as having lungs only where both pictures have, as having lost them only where both have lost them.
    """
    share = float(np.random.default_rng(number).beta(strength, strength))
    order = torch.randperm(len(batch.target), generator=generator, device=generator.device)
    seen = (with_lungs(batch.lung_masks) & with_lungs(batch.lung_masks[order])).reshape(-1, 1, 1, 1)

    def blend(values: PictureBatch | Float[Tensor, " batch"]) -> Tensor:
        return share * values + (1 - share) * values[order]

    return Batch(
        blend(batch.inputs),
        torch.maximum(batch.lung_masks, batch.lung_masks[order]) * seen,
        blend(batch.target),
        blend(batch.weight),
        torch.minimum(batch.lungless, batch.lungless[order]),
    )
