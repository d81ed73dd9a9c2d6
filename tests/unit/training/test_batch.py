from dataclasses import replace

import numpy as np
import pytest
import torch

from pneumoscope.training.activations import CachedActivations
from pneumoscope.training.batch import (
    Batch,
    answers,
    batch_of_activations,
    batch_of_pictures,
    class_weights,
    epoch_order,
    mixed_up,
    step_number,
)
from pneumoscope.training.compute import Compute

HERE = Compute(torch.device("cpu"))
CHOSEN = np.arange(8)


def targets_with(count: int, found: int) -> np.ndarray:
    return np.array([1.0] * found + [0.0] * (count - found), np.float32)


def drawn(recipe, parts, number=11, **stage):
    return batch_of_pictures(recipe, replace(recipe.stages[0], **stage), parts[0], CHOSEN, number, HERE)


@pytest.mark.parametrize("balance", ["none", "loss"])
def test_without_class_balanced_sampling_an_epoch_has_each_radiograph_once(balance):
    order = epoch_order(targets_with(50, 10), balance=balance, seed=1, epoch=0)
    assert sorted(order) == list(range(50))
    assert list(order) != list(range(50))


def test_class_balanced_sampling_draws_both_classes_as_often_and_each_radiograph_of_a_class_alike():
    targets = targets_with(2000, 200)
    order = np.concatenate([epoch_order(targets, balance="sampling", seed=1, epoch=epoch) for epoch in range(10)])
    times = np.bincount(order, minlength=2000)
    assert len(order) == 20_000
    assert targets[order].mean() == pytest.approx(0.5, abs=0.015)  # four standard deviations
    assert times[:100].mean() == pytest.approx(50, abs=3)
    assert times[100:200].mean() == pytest.approx(50, abs=3)
    assert times[200:].mean() == pytest.approx(10_000 / 1800, abs=0.2)


@pytest.mark.parametrize(("count", "found"), [(27, 18), (4434, 3294), (3, 1), (1000, 999)])
def test_class_balanced_sampling_works_with_every_share(count, found):
    assert len(epoch_order(targets_with(count, found), balance="sampling", seed=1, epoch=0)) == count


def test_the_order_is_a_function_of_seed_and_epoch():
    orders = [
        tuple(epoch_order(targets_with(30, 9), balance="sampling", seed=seed, epoch=epoch))
        for seed, epoch in [(1, 0), (1, 0), (2, 0), (1, 1)]
    ]
    assert orders[0] == orders[1]
    assert len(set(orders)) == 3


def test_every_step_of_every_epoch_and_seed_has_a_number_of_its_own():
    places = [(seed, epoch, step) for seed in range(3) for epoch in range(4) for step in range(5)]
    assert len({step_number(*place) for place in places}) == len(places)
    assert step_number(2, 3, 4) == step_number(2, 3, 4)


def test_loss_weights_give_both_classes_half():
    weights = class_weights(targets_with(8, 6), torch.tensor([1.0, 0.0]))
    assert weights.tolist() == pytest.approx([2 / 3, 2.0])
    assert 6 * weights[0].item() == pytest.approx(2 * weights[1].item())
    assert 6 * weights[0].item() + 2 * weights[1].item() == pytest.approx(8)


def test_smoothed_answers_keep_their_distance_from_0_and_1(recipe, parts):
    unweighted = replace(recipe, label_smoothing=0.1, class_balance="none")
    target, weight = answers(unweighted, parts[0], np.array([1, 0]), HERE)
    assert [row.has_finding for row in parts[0].rows[:2]] == [False, True]
    assert target.tolist() == pytest.approx([0.9, 0.1])
    assert weight.tolist() == [1, 1]


def test_a_films_weight_multiplies_that_of_its_class(recipe, parts):
    weights = np.arange(1, len(parts[0].rows) + 1, dtype=np.float32)
    balanced, chosen = replace(recipe, class_balance="loss"), np.array([0, 1, 4])
    _, plain = answers(balanced, parts[0], chosen, HERE)
    _, weighted = answers(balanced, replace(parts[0], weights=weights), chosen, HERE)
    assert weighted.tolist() == pytest.approx((plain * torch.tensor([1.0, 2.0, 5.0])).tolist())


def test_a_batch_is_a_function_of_its_number(recipe, parts):
    recipe = replace(recipe, mixup=0.4)
    removed = {"lungs_removed": 0.4, "surroundings_removed": 0.4}
    first, again, other = (drawn(recipe, parts, number, **removed) for number in (1, 1, 2))
    for name in Batch.__slots__:
        assert torch.equal(getattr(first, name), getattr(again, name)), name
        assert not torch.equal(getattr(first, name), getattr(other, name)), name


def test_a_batch_has_the_stages_size(recipe, parts):
    batch = drawn(recipe, parts, size_px=96)
    assert batch.inputs.shape == batch.lung_masks.shape == (8, 1, 96, 96)


def test_a_batch_holds_every_look_at_a_radiograph_with_its_answer_and_weight_side_by_side(recipe, parts):
    once, batch = drawn(recipe, parts), drawn(recipe, parts, looks=2)
    assert batch.inputs.shape == batch.lung_masks.shape == (16, *once.inputs.shape[1:])
    assert batch.target.tolist() == once.target.repeat_interleave(2).tolist()
    assert batch.weight.tolist() == once.weight.repeat_interleave(2).tolist()
    assert torch.equal(batch.lung_masks, once.lung_masks.repeat_interleave(2, dim=0))


def test_each_look_may_lose_its_lungs_alone(recipe, parts):
    gone = torch.cat([drawn(recipe, parts, number, looks=2, lungs_removed=0.5).lungless > 0 for number in range(4)])
    first, second = gone.reshape(-1, 2).T
    assert (first != second).any()


def test_where_the_lungs_are_gone_the_answer_is_one_half_with_weight_one_and_no_lungs_are_seen(recipe, parts):
    recipe = replace(recipe, label_smoothing=0.1)
    batch = drawn(recipe, parts, lungs_removed=1.0)
    assert batch.target.tolist() == [0.5] * 8
    assert batch.weight.tolist() == [1.0] * 8
    assert not batch.lung_masks.any()


def test_where_the_surroundings_are_gone_answer_weight_and_lungs_stay(recipe, parts):
    batch = drawn(recipe, parts, surroundings_removed=1.0)
    assert batch.target.tolist() == parts[0].targets[CHOSEN].tolist()
    assert batch.weight.tolist() == pytest.approx([1.5, 0.75, 0.75, 1.5, 0.75, 0.75, 1.5, 0.75])  # 9 normal of 27
    assert batch.lung_masks.flatten(1).any(dim=1).all()


def test_a_process_takes_its_rows_of_everything(recipe, parts):
    whole = drawn(recipe, parts)
    part = whole.part(slice(4, 8))
    assert all(torch.equal(getattr(part, name), getattr(whole, name)[4:8]) for name in Batch.__slots__)


@pytest.fixture
def distinguishable():
    """Six inputs, each 1 in a pixel of its own, so that a blend tells of what it is made; the fourth has no lungs."""
    masks = torch.zeros(6, 1, 6, 6)
    for index in (0, 1, 2, 4, 5):
        masks[index, :, index] = 1
    return Batch(
        torch.eye(6).reshape(6, 1, 1, 6),
        masks,
        torch.tensor([0.0, 1.0, 0.0, 1.0, 0.5, 1.0]),
        torch.tensor([1.0, 2.0, 1.0, 2.0, 1.0, 2.0]),
        torch.tensor([0.0, 0.0, 0.0, 2.0, 0.0, 0.0]),
    )


def blended(batch, number):
    return mixed_up(batch, 0.4, generator=torch.Generator().manual_seed(number), number=number)


def test_mixup_blends_each_input_with_another_by_one_share_from_the_beta_distribution(distinguishable):
    shares = []
    for number in range(200):
        made_of = blended(distinguishable, number).inputs.flatten(1)
        assert made_of.sum(dim=1).tolist() == pytest.approx([1.0] * 6)
        assert made_of.sum(dim=0).tolist() == pytest.approx([1.0] * 6)  # the partners are a permutation
        own = {round(value, 5) for value in made_of.diagonal().tolist()} - {1.0}  # 1 where paired with itself
        assert len(own) <= 1
        shares += own
    # Beta(0.4, 0.4) has mean 1/2 and variance 1/4 / 1.8
    assert np.mean(shares) == pytest.approx(0.5, abs=0.1)
    assert np.var(shares) == pytest.approx(0.25 / 1.8, abs=0.03)


def test_mixup_blends_answers_and_weights_as_it_blends_the_inputs(distinguishable):
    found = blended(distinguishable, 6)
    made_of = found.inputs.flatten(1)
    assert 0.01 < made_of[0, 0] < 0.99
    assert torch.allclose(found.target, made_of @ distinguishable.target)
    assert torch.allclose(found.weight, made_of @ distinguishable.weight)


def test_a_blend_has_the_lungs_of_both_and_none_where_one_of_them_has_none(distinguishable):
    found = blended(distinguishable, 6)
    for index, made_of in enumerate(found.inputs.flatten(1) > 0):
        partners = made_of.nonzero().flatten().tolist()
        rows = {} if 3 in partners else set(partners)
        expected = torch.zeros(6, 6)
        for row in rows:
            expected[row] = 1
        assert torch.equal(found.lung_masks[index, 0], expected)


def test_a_batch_of_activations_is_of_the_view_and_the_radiographs_asked_for(recipe, parts):
    pieces = [np.arange(27, dtype=np.float16).reshape(27, 1, 1, 1) + 100 * view for view in range(2)]
    activations = CachedActivations(tuple((piece,) for piece in pieces))
    batch = batch_of_activations(recipe, parts[0], activations, 1, np.array([0, 4, 26]), HERE)
    assert batch.inputs.flatten().tolist() == [100, 104, 126]
    assert batch.inputs.dtype == torch.float32
    assert batch.target.tolist() == [0, 1, 1]
    assert not batch.lung_masks.any()
