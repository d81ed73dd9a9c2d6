"""One optimizer step: forward, the loss with its penalty on evidence outside the lungs, backward, and the update."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.errors import FailedTraining
from pneumoscope.training.batch import Batch
from pneumoscope.training.checkpoint import RunState
from pneumoscope.training.evidence import evidence_outside_lungs, with_lungs
from pneumoscope.training.recipe import Recipe, Stage
from pneumoscope.training.setting import Setting
from pneumoscope.training.supply import Supply

LEAST_SCALE = 1.0
"""Of the loss: a gradient that is infinite at this scale was not made so by the scaling."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """Of the whole batch: mean loss, mean share of evidence for pneumonia outside the lungs. Of this process: its logits."""

    loss: float
    outside: float
    logits: torch.Tensor


def optimizer_of(recipe: Recipe, model: torch.nn.Module) -> torch.optim.Optimizer:
    """Adam (Kingma & Ba 2015, arXiv:1412.6980) or AdamW (Loshchilov 2019, arXiv:1711.05101); each step sets its rate."""
    kind: type[torch.optim.Adam] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
    return kind(model.parameters(), lr=1.0, weight_decay=recipe.weight_decay)


def optimizer_step(
    recipe: Recipe, stage: Stage, state: RunState, supply: Supply, whole: Batch, setting: Setting
) -> StepOutcome:
    """Learn from this process's part of a batch; `FailedTraining` where the loss is not a number any more."""
    processes = setting.processes
    part = whole.part(processes.slice_of(len(whole.target)))
    masked = max(1, int(with_lungs(whole.lung_masks).sum()))
    with setting.compute.mixed_precision():
        output = supply.output(state.model, part.inputs)
    logit = output.logit.float()
    loss = F.binary_cross_entropy_with_logits(logit, part.target, part.weight, reduction="sum") / len(whole.target)
    shares = evidence_outside_lungs(output.saliency_map.float(), part.lung_masks)
    outside, against = shares.in_favour.sum() / masked, shares.against.sum() / masked
    lungless = (logit.abs() * part.lungless).sum() / len(whole.target)
    total = loss + stage.lung_guidance * outside + stage.lung_guidance_against * against
    total = total + stage.lungs_removed_penalty * lungless
    mean_loss, mean_outside = processes.add_up(torch.stack([loss.detach(), outside.detach()])).tolist()
    check_finite("loss", mean_loss + mean_outside, state)
    state.optimizer.zero_grad()
    torch.autograd.backward(state.scaler.scale(total))
    processes.add_up_gradients(state.model)
    state.scaler.unscale_(state.optimizer)
    norm = torch.nn.utils.clip_grad_norm_(state.model.parameters(), recipe.gradient_clip or math.inf)
    if not state.scaler.is_enabled() or state.scaler.get_scale() < LEAST_SCALE:  # else it leaves the step out
        check_finite("gradient", float(norm), state)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    if state.average:
        state.average.update_parameters(state.model)
    return StepOutcome(mean_loss, mean_outside, logit.detach())


def check_finite(what: str, value: float, state: RunState) -> None:
    """`FailedTraining` before the weights are spoilt."""
    if not math.isfinite(value):
        raise FailedTraining(
            "loss-not-finite",
            f"The {what} is {value} at epoch {state.position.epoch + 1}, step {state.position.step + 1}.",
            remedy="The last checkpoint is kept. Start anew in another --output with a lower rate "
            "(--set stages.learning_rate=...), or look for damaged radiographs.",
        )
