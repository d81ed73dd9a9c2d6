from dataclasses import replace

import numpy as np
import pytest
import torch

from pneumoscope.training.setting import Setting
from pneumoscope.training.supply import (
    ActivationSupply,
    PictureSupply,
    augmented_views,
    frozen_digest,
    supply_of,
)
from pneumoscope.training.whole_run import network

CHOSEN = np.arange(8)
FIRST_OF_A_BATCH = 16  # views are computed 16 radiographs at a time


@pytest.fixture
def cached_recipe(recipe):
    stage = replace(recipe.stages[0], frozen_through="block2", cached_views=2, lung_guidance=0.0)
    return replace(recipe, stages=(stage,))


@pytest.fixture
def supplied(parts, tmp_path, quick_sessions):
    """A recipe's model with its first stage's parts frozen, and the stage's supply."""

    def supplied(recipe, **setting):
        setting = Setting(tmp_path / "run", 3, **setting)
        model = network(recipe, None, setting).eval()
        model.backbone.freeze_through(recipe.stages[0].frozen_through or None)
        return model, supply_of(recipe, recipe.stages[0], model.backbone, *parts, setting)

    return supplied


def test_a_stage_without_cached_views_is_supplied_with_pictures(recipe, supplied, quick_sessions):
    _, supply = supplied(recipe)
    assert isinstance(supply, PictureSupply)
    assert not quick_sessions
    assert supply.batch(CHOSEN, 5, 0).inputs.shape == (8, 1, 64, 64)
    assert torch.equal(supply.batch(CHOSEN, 5, 0).inputs, supply.batch(CHOSEN, 5, 1).inputs)


def test_each_epoch_has_the_next_cached_view_and_then_the_first_again(cached_recipe, supplied):
    _, supply = supplied(cached_recipe)
    assert isinstance(supply, ActivationSupply)
    first, second, third = (supply.batch(CHOSEN, 5, epoch).inputs for epoch in (0, 1, 2))
    assert first.shape == (8, 16, 16, 16)
    assert torch.equal(first, third)
    assert not torch.allclose(first, second, atol=0.01)


def test_activations_are_those_of_the_augmented_view(cached_recipe, supplied, parts):
    model, supply = supplied(cached_recipe)
    chosen = np.arange(FIRST_OF_A_BATCH, 27)
    pictures = augmented_views(cached_recipe, cached_recipe.stages[0], parts[0], 3)(1, chosen)
    with torch.inference_mode():
        wanted = model.backbone.forward_until(torch.from_numpy(pictures), "block2")
    assert torch.allclose(supply.batch(chosen, 5, 1).inputs, wanted, rtol=2**-10, atol=1e-6)


def test_a_model_says_of_activations_what_it_says_of_their_pictures(cached_recipe, supplied, parts):
    model, supply = supplied(cached_recipe)
    torch.nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(1))
    plain = PictureSupply(cached_recipe, cached_recipe.stages[0], *parts, supply.compute)
    with torch.inference_mode():
        found, wanted = (of.validation_output(model, np.arange(12)) for of in (supply, plain))
    assert wanted.logit.std() > 0.01
    assert torch.allclose(found.logit, wanted.logit, atol=2e-3)
    assert torch.allclose(found.saliency_map, wanted.saliency_map, atol=2e-3)


def test_a_view_is_a_function_of_seed_view_and_radiograph(cached_recipe, parts):
    def view(seed, number, chosen):
        return augmented_views(cached_recipe, cached_recipe.stages[0], parts[0], seed)(number, chosen)

    first = view(3, 0, CHOSEN)
    assert np.array_equal(first, view(3, 0, CHOSEN))
    assert not any(np.array_equal(first, other) for other in (view(4, 0, CHOSEN), view(3, 1, CHOSEN)))


def test_a_second_run_in_the_folder_computes_nothing_anew_and_one_of_another_seed_all(
    cached_recipe, supplied, parts, tmp_path, quick_sessions
):
    supplied(cached_recipe)
    runs = [session.runs for session in quick_sessions]
    assert runs == [1 + 2 * 2, 1 + 1]  # an example each; two views of 27 in batches of 16; one of 12
    quick_sessions.clear()
    model, _ = supplied(cached_recipe)
    assert [session.runs for session in quick_sessions] == [1, 1]
    quick_sessions.clear()
    supply_of(cached_recipe, cached_recipe.stages[0], model.backbone, *parts, Setting(tmp_path / "run", 4))
    assert [session.runs for session in quick_sessions] == runs


def test_a_stage_of_pictures_deletes_what_the_stage_before_had_cached(cached_recipe, recipe, supplied, tmp_path):
    supplied(cached_recipe)
    assert (tmp_path / "run" / "activations" / "train").is_dir()
    supplied(recipe)
    assert not (tmp_path / "run" / "activations").exists()


@pytest.mark.parametrize(
    ("changed", "matters"),
    [
        ("blocks.block2.0.weight", True),
        ("blocks.block1.1.running_var", True),
        ("blocks.block3.0.weight", False),
        ("blocks.block4.1.running_mean", False),
    ],
)
def test_the_digest_is_of_parameters_and_statistics_of_the_frozen_parts_alone(recipe, tmp_path, changed, matters):
    backbone = network(recipe, None, Setting(tmp_path, 3)).backbone
    backbone.freeze_through("block2")
    before = frozen_digest(backbone)
    with torch.no_grad():
        backbone.state_dict()[changed].view(-1)[0] += 1
    assert (frozen_digest(backbone) != before) == matters
