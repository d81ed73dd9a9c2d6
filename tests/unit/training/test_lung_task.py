import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pneumoscope.training.compute import Compute
from pneumoscope.training.loop import set_rate, state_of
from pneumoscope.training.lung_task import LungTask, give_lung_task, lung_errors
from pneumoscope.training.setting import Setting
from pneumoscope.training.step import optimizer_step
from pneumoscope.training.supply import PictureSupply
from pneumoscope.training.whole_run import as_exported, network

CHOSEN = np.arange(8)


def with_task(recipe, weight):
    return replace(
        recipe, stages=tuple(replace(stage, lung_guidance=0.0, lung_segmentation=weight) for stage in recipe.stages)
    )


@pytest.fixture
def begun(parts, tmp_path):
    """A run, its supply and a batch."""

    def begun(recipe):
        setting = Setting(tmp_path, 3)
        state = state_of(recipe, network(recipe, None, setting), setting)
        state.model.train()
        set_rate(recipe, recipe.stages[0], state, 5, 10)
        supply = PictureSupply(recipe, recipe.stages[0], *parts, setting.compute)
        return state, supply, supply.batch(CHOSEN, 5, 0), setting

    return begun


def test_the_error_is_the_mean_cross_entropy_against_the_share_that_is_lung(recipe, tmp_path):
    model = network(recipe, None, Setting(tmp_path, 3))
    give_lung_task(model)
    task = model.get_submodule("lung_task")
    torch.nn.init.zeros_(task.lung.weight)
    torch.nn.init.constant_(task.lung.bias, 1.0)
    features = torch.rand(3, model.backbone.feature_channels, 2, 2)
    masks = torch.zeros(3, 1, 4, 4)
    masks[0, 0, :2, :2] = 1  # one whole place of four
    masks[1, 0, :2, :1] = 1  # half a place
    said = 1 / (1 + math.exp(-1.0))
    lung, other = -math.log(said), -math.log(1 - said)
    expected = [(lung + 3 * other) / 4, (lung / 2 + other / 2 + 3 * other) / 4, 0.0]
    assert lung_errors(model, features, masks).tolist() == pytest.approx(expected, rel=1e-5)


def test_a_weight_pulls_at_the_backbone_and_0_leaves_everything_as_it_was(recipe, begun):
    gradients = []
    for weight in (0.0, 1.0):
        state, supply, batch, setting = begun(with_task(recipe, weight))
        assert ("lung_task.lung.weight" in state.model.state_dict()) == bool(weight)
        torch.nn.init.normal_(state.model.head.weight, generator=torch.Generator().manual_seed(1))
        optimizer_step(with_task(recipe, weight), with_task(recipe, weight).stages[0], state, supply, batch, setting)
        gradients.append(state.model.backbone.blocks.block1[0].weight.grad.clone())
    assert not torch.allclose(gradients[0], gradients[1], rtol=0.01)
    with_guidance_off = replace(recipe, stages=tuple(replace(stage, lung_guidance=0.0) for stage in recipe.stages))
    state, supply, batch, setting = begun(with_guidance_off)
    torch.nn.init.normal_(state.model.head.weight, generator=torch.Generator().manual_seed(1))
    optimizer_step(with_guidance_off, with_guidance_off.stages[0], state, supply, batch, setting)
    assert torch.equal(state.model.backbone.blocks.block1[0].weight.grad, gradients[0])


def test_a_picture_that_has_lost_its_lungs_is_asked_nothing(recipe, begun):
    state, supply, batch, setting = begun(with_task(recipe, 1.0))
    batch = replace(batch, lung_masks=batch.lung_masks * 0)
    optimizer_step(with_task(recipe, 1.0), with_task(recipe, 1.0).stages[0], state, supply, batch, setting)
    assert not state.model.get_submodule("lung_task").lung.weight.grad.any()


def test_the_task_is_learnt(recipe, begun):
    recipe = with_task(recipe, 1.0)
    state, supply, batch, setting = begun(recipe)

    def error():
        with torch.no_grad():
            features = supply.feature_map(state.model, batch.inputs)
            return lung_errors(state.model, features, batch.lung_masks).mean().item()

    before = error()
    for _ in range(20):
        optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    assert error() < 0.8 * before


def test_what_is_kept_has_no_task_and_goes_into_the_network_that_ships(recipe, trained, tmp_path):
    recipe = with_task(recipe, 0.5)
    model = trained(recipe, tmp_path / "run")
    assert not any(isinstance(module, LungTask) for module in model.modules())
    plain = network(with_task(recipe, 0.0), None, Setting(tmp_path, 3))
    plain.load_state_dict(as_exported(model, recipe).state_dict())
    radiograph = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        assert torch.equal(plain.eval()(radiograph).logit, model(radiograph).logit)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_mixed_precision_asks_the_task_in_full_precision(recipe, parts, begun, half):
    recipe = with_task(recipe, 1.0)
    state, _, batch, setting = begun(recipe)
    setting = replace(setting, compute=Compute(torch.device("cpu"), half))
    supply = PictureSupply(recipe, recipe.stages[0], *parts, setting.compute)
    optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    assert state.model.get_submodule("lung_task").lung.weight.grad.any()


def test_the_average_of_the_weights_is_kept_without_it_too(recipe, trained, tmp_path):
    recipe = replace(with_task(recipe, 0.5), weights_average=0.9, keep="validation_loss")
    model = trained(recipe, tmp_path / "run")
    assert not any(isinstance(module, LungTask) for module in model.modules())
