"""How the learning rate falls, when a training has stopped getting better, and which epoch is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pneumoscope.training.recipe import Recipe, Stage

LEAST_GAIN = 1e-4
"""A smaller fall of the validation loss does not count (Keras' default for ReduceLROnPlateau)."""


@dataclass(slots=True)
class Progression:
    """What a run remembers of its epochs: the best one by the kept metric, and the plateau of the validation loss."""

    best: float = -math.inf
    best_epoch: int = 0
    epochs_without_better: int = 0
    lowest_loss: float = math.inf
    epochs_on_plateau: int = 0
    rate_factor: float = 1.0
    stopped_early: bool = False

    def take(self, recipe: Recipe, epoch: int, *, metrics: dict[str, float]) -> bool:
        """Note an epoch (from 1) with its validation metrics; True where it is the best so far.

        With `keep = "last"` the best epoch is still noted, by validation loss, for early stopping.
        """
        name = "validation_loss" if recipe.keep == "last" else recipe.keep
        value = -metrics[name] if name == "validation_loss" else metrics[name]
        better = value > self.best
        self.epochs_without_better = 0 if better else self.epochs_without_better + 1
        if better:
            self.best, self.best_epoch = value, epoch
        self.follow_plateau(recipe, metrics["validation_loss"])
        patience = recipe.early_stopping_patience
        self.stopped_early = bool(patience) and self.epochs_without_better >= patience
        return better

    def follow_plateau(self, recipe: Recipe, loss: float) -> None:
        """Lower the rate where the validation loss has not fallen for `plateau_patience` epochs; never where that is 0."""
        if recipe.schedule != "plateau" or not recipe.plateau_patience:
            return
        if loss < self.lowest_loss - LEAST_GAIN:
            self.lowest_loss, self.epochs_on_plateau = loss, 0
            return
        self.epochs_on_plateau += 1
        if self.epochs_on_plateau >= recipe.plateau_patience:
            self.rate_factor *= recipe.plateau_factor
            self.epochs_on_plateau = 0


def learning_rate(recipe: Recipe, stage: Stage, step: int, steps: int, *, rate_factor: float) -> float:
    """Linear warm-up, then a constant that falls on plateaus, or a cosine from `learning_rate` to `final_learning_rate`.

    `step` counts from the stage's beginning, of `steps`. Cosine: Loshchilov 2017, arXiv:1608.03983; warm-up: Goyal 2017,
    arXiv:1706.02677.
    """
    if step < stage.warmup_steps:
        return stage.learning_rate * (step + 1) / stage.warmup_steps
    if recipe.schedule == "plateau":
        return max(stage.final_learning_rate, stage.learning_rate * rate_factor)
    share = (step - stage.warmup_steps) / max(1, steps - stage.warmup_steps)
    return stage.final_learning_rate + (stage.learning_rate - stage.final_learning_rate) * 0.5 * (
        1 + math.cos(math.pi * share)
    )
