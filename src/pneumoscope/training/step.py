"""One optimizer step: forward, the loss with its penalties, backward, and the update."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.errors import FailedTraining
from pneumoscope.training.batch import Batch
from pneumoscope.training.checkpoint import RunState
from pneumoscope.training.evidence import evidence_outside_lungs, with_lungs
from pneumoscope.training.lung_task import lung_errors
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
        feature_map = supply.feature_map(state.model, part.inputs)
        output = state.model.explained(feature_map)
    logit = output.logit.float()
    loss = F.binary_cross_entropy_with_logits(logit, part.target, part.weight, reduction="sum") / len(whole.target)
    shares = evidence_outside_lungs(output.saliency_map.float(), part.lung_masks)
    outside, against = shares.in_favour.sum() / masked, shares.against.sum() / masked
    lungless = (logit.abs() * part.lungless).sum() / len(whole.target)
    total = loss + stage.lung_guidance * outside + stage.lung_guidance_against * against
    total = total + stage.lungs_removed_penalty * lungless
    if stage.lung_segmentation:
        errors = lung_errors(state.model, feature_map, part.lung_masks)
        total = total + stage.lung_segmentation * errors.sum() / masked
    total = total + stage.consistency * disagreement(logit, part, stage.looks).sum() / len(whole.target)
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


def disagreement(logit: Float[Tensor, " batch"], batch: Batch, looks: int) -> Float[Tensor, " batch"]:
    """Of each picture: the squared distance of its logit from the mean of all looks at its radiograph, times its weight.

    Consistency regularisation (Sajjadi 2016, arXiv:1606.04586) by logits (Kannan 2018, arXiv:1803.06373) of repeated
    augmentation (Hoffer 2020, arXiv:1901.09335). Looks whose lungs are gone have no answer to agree with: they count for
    nothing.
    """
    shown = (batch.lungless == 0).to(logit.dtype).reshape(-1, looks)
    of_film = logit.reshape(-1, looks)
    mean = (of_film * shown).sum(dim=1, keepdim=True) / shown.sum(dim=1, keepdim=True).clamp(min=1)
    return (shown * (of_film - mean).square()).flatten() * batch.weight


def check_finite(what: str, value: float, state: RunState) -> None:
    """`FailedTraining` before the weights are spoilt."""
    if not math.isfinite(value):
        raise FailedTraining(
            "loss-not-finite",
            f"The {what} is {value} at epoch {state.position.epoch + 1}, step {state.position.step + 1}.",
            remedy="The last checkpoint is kept. Start anew in another --output with a lower rate "
            "(--set stages.learning_rate=...), or look for damaged radiographs.",
        )
