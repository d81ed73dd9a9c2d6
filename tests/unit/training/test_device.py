"""What a step makes is on the device of the arithmetic, which a GPU demands.

There is none in most places, so the default device is `meta` here: a tensor that is made without naming a device has no
values, and the first operation that mixes it with the others fails, as it would on a GPU.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.training.checkpoint import averaged_model
from pneumoscope.training.evidence import evidence_outside_lungs, with_lungs
from pneumoscope.training.processes import Processes
from pneumoscope.training.setting import Setting
from pneumoscope.training.supply import supply_of
from pneumoscope.training.validation import validation_logits
from pneumoscope.training.whole_run import network

CHOSEN = np.arange(8)
PENALTIES = {"lung_guidance": 1.0, "lung_guidance_against": 1.0, "lungs_removed_penalty": 1.0}
EVERYTHING = {"mixup": 0.2, "label_smoothing": 0.1, "class_balance": "loss", "dropout": 0.3}


@pytest.fixture
def with_everything(recipe):
    """Every technique and every random step, all of them certain."""
    shares = {name: 1.0 for name in recipe.augmentation.__slots__ if name.endswith("_share")}
    augmentation = replace(recipe.augmentation, **shares, shift=0.1, zoom=(0.9, 1.1), noise=0.1, brightness=0.1)
    stage = replace(recipe.stages[0], lungs_removed=0.5, surroundings_removed=0.5, **PENALTIES)
    return replace(recipe, **EVERYTHING, augmentation=augmentation, stages=(stage,))


@pytest.mark.parametrize("cached_views", [0, 2])
def test_nothing_of_a_step_is_made_on_another_device(with_everything, parts, tmp_path, quick_sessions, cached_views):
    recipe, setting = with_everything, Setting(tmp_path, 3)
    if cached_views:
        stage = replace(
            recipe.stages[0], cached_views=cached_views, frozen_through="block2", **dict.fromkeys(PENALTIES, 0.0)
        )
        recipe = replace(recipe, mixup=0.0, stages=(replace(stage, lungs_removed=0.0, surroundings_removed=0.0),))
    stage, model = recipe.stages[0], network(recipe, None, setting)
    model.backbone.freeze_through(stage.frozen_through or None)
    average = averaged_model(model, 0.9)
    supply = supply_of(recipe, stage, model.backbone, *parts, setting)
    with torch.device("meta"):
        batch = supply.batch(CHOSEN, 5, 0).part(Processes(1, 2).slice_of(len(CHOSEN)))
        output = supply.output(model, batch.inputs)
        loss = F.binary_cross_entropy_with_logits(output.logit, batch.target, batch.weight)
        outside = evidence_outside_lungs(output.saliency_map, batch.lung_masks)
        outside = outside.in_favour.sum() + outside.against.sum() + (output.logit * batch.lungless).sum()
        torch.autograd.backward(loss + outside / max(1, int(with_lungs(batch.lung_masks).sum())))
        for _ in range(2):
            average.update_parameters(model)
        logits = validation_logits(average.module, supply, setting)
    made = [
        batch.inputs,
        batch.lung_masks,
        batch.target,
        batch.weight,
        batch.lungless,
        output.logit,
        output.saliency_map,
        outside,
    ]
    assert {tensor.device.type for tensor in made} == {"cpu"}
    assert all(bool(tensor.isfinite().all()) for tensor in made)
    assert np.isfinite(logits).all()
