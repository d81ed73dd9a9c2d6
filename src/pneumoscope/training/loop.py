"""The training loop: epochs of steps, each followed by a look at the validation part and a checkpoint."""

from __future__ import annotations

import time

import numpy as np
import torch

from pneumoscope.errors import FailedTraining
from pneumoscope.model.classifier import Classifier
from pneumoscope.training.batch import epoch_order, step_number
from pneumoscope.training.checkpoint import (
    HISTORY_FILE,
    EpochRecord,
    Position,
    RunState,
    averaged_model,
    write_history_row,
)
from pneumoscope.training.data import TrainingData
from pneumoscope.training.lung_task import leave_lung_task
from pneumoscope.training.processes import with_shared_batch_norm
from pneumoscope.training.recipe import Recipe, Stage
from pneumoscope.training.schedule import learning_rate
from pneumoscope.training.setting import Setting, StepReport
from pneumoscope.training.step import optimizer_of, optimizer_step
from pneumoscope.training.supply import Supply, forget_activations, supply_of
from pneumoscope.training.validation import validation_logits, validation_metrics


def train(
    recipe: Recipe, model: Classifier, training: TrainingData, validation: TrainingData, setting: Setting
) -> Classifier:
    """Train to the recipe's end, going on from the checkpoint where there is one; returns the model to export.

    That is the last epoch's, or the best by `recipe.keep`; the average of the weights where the recipe keeps one.
    """
    state = state_of(recipe, model, setting)
    state.load()
    supply: Supply | None = None
    while not is_over(recipe, state):
        stage, epochs_before = recipe.stage_of(state.position.epoch)
        if supply is None or epochs_before == 0:
            model.backbone.freeze_through(stage.frozen_through or None)
            if state.position.step == 0 and epochs_before == 0:
                average_frozen_parts(state)
            supply = supply_of(recipe, stage, model.backbone, training, validation, setting)
        work = train_epoch(recipe, state, supply, training, setting)
        finish_epoch(recipe, state, supply, setting, work)
    forget_activations(setting)
    if recipe.keep != "last":
        state.load_best()
    kept = state.followed
    leave_lung_task(kept)
    kept.eval()
    return kept


def average_frozen_parts(state: RunState) -> None:
    """At a stage's beginning the average takes the frozen parts as they are: they will not change any more."""
    for name in state.model.backbone.frozen_parts if state.average else ():
        live, averaged = (of.backbone.modules_of(name) for of in (state.model, state.followed))
        for from_module, to_module in zip(live, averaged, strict=True):
            to_module.load_state_dict(from_module.state_dict())


def is_over(recipe: Recipe, state: RunState) -> bool:
    """True after the last epoch, or where the run has stopped early (Prechelt 1998)."""
    return state.position.epoch >= recipe.epochs or state.position.progression.stopped_early


def state_of(recipe: Recipe, model: Classifier, setting: Setting) -> RunState:
    """A run at its beginning."""
    setting.processes.slice_of(recipe.batch_size)
    if setting.processes.count > 1:
        with_shared_batch_norm(model)
    setting.compute.place(model)
    return RunState(
        setting.output,
        model,
        optimizer_of(recipe, model),
        setting.compute.loss_scaler(),
        averaged_model(model, recipe.weights_average),
        Position(),
    )


def train_epoch(
    recipe: Recipe, state: RunState, supply: Supply, training: TrainingData, setting: Setting
) -> tuple[float, int]:
    """The steps of an epoch that are still to do; returns seconds and radiographs seen."""
    position, epoch = state.position, state.position.epoch
    stage, epochs_before = recipe.stage_of(epoch)
    steps = steps_of(recipe, training)
    order = epoch_order(training.targets, balance=recipe.class_balance, seed=setting.seed, epoch=epoch)
    state.model.train()
    started = last_saved = time.monotonic()
    first_step = position.step
    while position.step < steps:
        step = position.step
        chosen = np.sort(order[step * recipe.batch_size : (step + 1) * recipe.batch_size])
        number = step_number(setting.seed, epoch, step)
        # Dropout takes no generator; seeding each step makes a resumed run equal, and the processes' masks differ.
        torch.manual_seed(number + setting.processes.rank)
        set_rate(recipe, stage, state, step + epochs_before * steps, steps * stage.epochs)
        batch = supply.batch(chosen, number, epochs_before)
        outcome = optimizer_step(recipe, stage, state, supply, batch, setting)
        position.add(outcome.loss, outcome.outside)
        seconds = time.monotonic() - started
        speed = (step + 1 - first_step) * recipe.batch_size / max(seconds, 1e-9)
        seen = np.repeat(training.targets[chosen], stage.looks)
        own = setting.processes.slice_of(len(seen))
        setting.watchers.on_step(
            StepReport(
                epoch,
                recipe.epochs,
                step + 1,
                steps,
                position.mean_loss,
                speed,
                outcome.logits.cpu().numpy(),
                seen[own],
            )
        )
        if setting.watchers.wants_stop():
            save(state, setting)
            raise KeyboardInterrupt
        if time.monotonic() - last_saved > setting.checkpoint_seconds:
            save(state, setting)
            last_saved = time.monotonic()
    return time.monotonic() - started, (steps - first_step) * recipe.batch_size


def finish_epoch(recipe: Recipe, state: RunState, supply: Supply, setting: Setting, work: tuple[float, int]) -> None:
    """Look at the validation part, note the epoch, keep its weights where they are the best, write the checkpoint."""
    seconds, seen = work
    logits = validation_logits(state.followed, supply, setting)
    metrics = validation_metrics(logits, supply.validation.targets)
    position = state.position
    better = position.progression.take(recipe, position.epoch + 1, metrics=metrics)
    record = EpochRecord(
        epoch=position.epoch + 1,
        size_px=recipe.stage_of(position.epoch)[0].size_px,
        learning_rate=state.optimizer.param_groups[0]["lr"],
        loss=position.mean_loss,
        outside_share=position.mean_outside,
        pictures_per_second=seen / max(seconds, 1e-9),
        seconds=seconds,
        **metrics,
    )
    position.finish_epoch()
    if setting.processes.leads:
        if better and recipe.keep != "last":
            state.save_best()
        write_history_row(setting.output / HISTORY_FILE, record)
        state.save()
    setting.watchers.on_epoch(record)


def steps_of(recipe: Recipe, training: TrainingData) -> int:
    """Whole batches in an epoch; `FailedTraining` where there is not one."""
    steps = len(training.rows) // recipe.batch_size
    if steps == 0:
        raise FailedTraining(
            "batch-too-large",
            f"There are {len(training.rows)} radiographs to train on, fewer than one batch of {recipe.batch_size}.",
            remedy="Give more radiographs, or a smaller batch: --set batch_size=...",
        )
    return steps


def set_rate(recipe: Recipe, stage: Stage, state: RunState, step: int, steps: int) -> None:
    """Put this step's learning rate into the optimizer."""
    rate = learning_rate(recipe, stage, step, steps, rate_factor=state.position.progression.rate_factor)
    for group in state.optimizer.param_groups:
        group["lr"] = rate


def save(state: RunState, setting: Setting) -> None:
    """The checkpoint, by the leading process; the others hold the same."""
    if setting.processes.leads:
        state.save()
