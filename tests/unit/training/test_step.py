import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pneumoscope.errors import FailedTraining
from pneumoscope.training.evidence import evidence_outside_lungs
from pneumoscope.training.loop import set_rate, state_of
from pneumoscope.training.setting import Setting
from pneumoscope.training.step import disagreement, optimizer_of, optimizer_step
from pneumoscope.training.supply import PictureSupply
from pneumoscope.training.whole_run import network

CHOSEN = np.arange(8)


@pytest.fixture
def begun(parts, tmp_path):
    """A run whose head already has an opinion, its supply, and a batch."""

    def begun(recipe, number=5):
        setting = Setting(tmp_path, 3)
        state = state_of(recipe, network(recipe, None, setting), setting)
        torch.nn.init.normal_(state.model.head.weight, generator=torch.Generator().manual_seed(1))
        state.model.train()
        set_rate(recipe, recipe.stages[0], state, 5, 10)
        supply = PictureSupply(recipe, recipe.stages[0], *parts, setting.compute)
        return state, supply, supply.batch(CHOSEN, number, 0), setting

    return begun


def stepped(recipe, begun_run):
    state, supply, batch, setting = begun_run
    outcome = optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    return outcome, state.model.state_dict()


def with_stage(recipe, **changes):
    return replace(recipe, stages=(replace(recipe.stages[0], **changes),))


def test_the_loss_is_the_mean_weighted_cross_entropy_of_the_batch(recipe, begun):
    state, supply, batch, setting = begun(replace(recipe, label_smoothing=0.1))
    with torch.no_grad():
        output = state.model(batch.inputs)
    logit, target, weight = (values.numpy().astype(float) for values in (output.logit, batch.target, batch.weight))
    losses = [
        -one_weight * (answer * math.log(1 / (1 + math.exp(-said))) + (1 - answer) * math.log(1 / (1 + math.exp(said))))
        for said, answer, one_weight in zip(logit, target, weight, strict=True)
    ]
    outcome = optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    assert outcome.loss == pytest.approx(sum(losses) / 8, rel=1e-5)
    assert outcome.logits.numpy() == pytest.approx(logit, rel=1e-5)


def test_the_share_outside_is_a_mean_over_the_pictures_that_have_masks(recipe, begun):
    state, supply, batch, setting = begun(recipe)
    batch = replace(batch, lung_masks=batch.lung_masks * (torch.arange(8) < 3).reshape(-1, 1, 1, 1))
    with torch.no_grad():
        shares = evidence_outside_lungs(state.model(batch.inputs).saliency_map, batch.lung_masks).in_favour
    outcome = optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    assert outcome.outside == pytest.approx(shares[:3].mean().item(), rel=1e-5)
    assert outcome.outside > 0.01


def test_lung_guidance_pulls_and_0_does_not(recipe, begun):
    weights = [
        stepped(with_stage(recipe, lung_guidance=guidance), begun(with_stage(recipe, lung_guidance=guidance)))[1]
        for guidance in (0.0, 0.0, 5.0)
    ]
    assert torch.equal(weights[0]["head.weight"], weights[1]["head.weight"])
    assert not torch.equal(weights[0]["head.weight"], weights[2]["head.weight"])


@pytest.mark.parametrize("key", ["lung_guidance_against", "lungs_removed_penalty"])
def test_each_penalty_pulls_and_0_does_not(recipe, begun, key):
    recipe = with_stage(recipe, lung_guidance=0.0, lungs_removed=0.5)
    gradients = []
    for weight in (0.0, 0.0, 5.0):
        run = begun(with_stage(recipe, **{key: weight}))
        stepped(with_stage(recipe, **{key: weight}), run)
        gradients.append(run[0].model.head.weight.grad.clone())
    assert torch.equal(gradients[0], gradients[1])
    assert not torch.allclose(gradients[0], gradients[2], rtol=0.01)


def test_what_is_said_without_lungs_is_pulled_to_zero_as_strongly_near_it(recipe, begun):
    recipe = with_stage(recipe, lung_guidance=0.0, lungs_removed_penalty=1.0)
    state, supply, batch, setting = begun(recipe)
    batch = replace(batch, weight=batch.weight * 0, lungless=torch.tensor([2.0] + [0.0] * 7))
    with torch.no_grad():
        state.model.head.bias += 1e-3 - state.model(batch.inputs).logit[0]
    state.model.eval()  # the same answer with and without the others
    bias = state.model.head.bias.item()
    for group in state.optimizer.param_groups:
        group["lr"] = 0.0
    optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    assert state.model.head.bias.grad.item() == pytest.approx(2 / 8)
    assert state.model.head.bias.item() == pytest.approx(bias)


def two_looks_each(batch, **changes):
    """Four radiographs, two looks at each."""
    return replace(batch, **{"weight": torch.ones(8), "lungless": torch.zeros(8), **changes})


def test_two_looks_disagree_by_the_square_of_half_their_distance_each(recipe, begun):
    batch = two_looks_each(begun(recipe)[2], weight=torch.tensor([1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0]))
    logit = torch.tensor([3.0, 1.0, -1.0, 1.0, 0.5, 0.5, -2.0, -5.0])
    found = disagreement(logit, batch, 2)
    assert found.tolist() == pytest.approx([1.0, 1.0, 2.0, 2.0, 0.0, 0.0, 2.25, 2.25])
    of_two = [slice(0, 4), slice(4, 8)]  # two processes: the looks at a radiograph stay together
    assert torch.equal(torch.cat([disagreement(logit[rows], batch.part(rows), 2) for rows in of_two]), found)


def test_a_look_without_lungs_has_nothing_to_agree_with(recipe, begun):
    batch = two_looks_each(begun(recipe)[2], lungless=torch.tensor([1.0, 0, 0, 2.0, 1.0, 1.0, 0, 0]))
    logit = torch.tensor([9.0, 1.0, -1.0, 9.0, 9.0, -9.0, 2.0, 4.0])
    assert disagreement(logit, batch, 2).tolist() == pytest.approx([0, 0, 0, 0, 0, 0, 1.0, 1.0])
    three = replace(batch.part(slice(6)), weight=torch.ones(6), lungless=torch.tensor([0.0, 2.0, 0, 0, 0, 0]))
    found = disagreement(torch.tensor([2.0, 9.0, 4.0, 1.0, 2.0, 3.0]), three, 3)
    assert found.tolist() == pytest.approx([1.0, 0, 1.0, 1.0, 0, 1.0])


def test_consistency_pulls_the_looks_at_a_radiograph_together_and_0_does_not(recipe, begun):
    recipe = with_stage(recipe, lung_guidance=0.0, looks=2)
    gradients = []
    for weight in (0.0, 0.0, 1.0):
        run = begun(with_stage(recipe, consistency=weight))
        stepped(with_stage(recipe, consistency=weight), run)
        gradients.append(run[0].model.head.weight.grad.clone())
    assert torch.equal(gradients[0], gradients[1])
    assert not torch.allclose(gradients[0], gradients[2], rtol=0.01)


def test_a_batch_without_masks_has_no_penalty(recipe, begun):
    state, supply, batch, setting = begun(recipe)
    batch = replace(batch, lung_masks=batch.lung_masks * 0)
    assert optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting).outside == 0


def sgd_change(recipe, begun_run):
    """How far one plain gradient step with rate 1 moves the weights."""
    state, supply, batch, setting = begun_run
    state = replace(state, optimizer=torch.optim.SGD(state.model.parameters(), lr=1.0))
    before = [parameter.detach().clone() for parameter in state.model.parameters()]
    optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    return math.sqrt(
        sum(
            float(((now.detach() - then) ** 2).sum())
            for now, then in zip(state.model.parameters(), before, strict=True)
        )
    )


def test_gradients_longer_than_the_clip_are_cut_to_it_and_0_cuts_none(recipe, begun):
    whole = sgd_change(replace(recipe, gradient_clip=0.0), begun(recipe))
    assert whole > 0.05
    assert sgd_change(replace(recipe, gradient_clip=1000.0), begun(recipe)) == pytest.approx(whole, rel=1e-5)
    assert sgd_change(replace(recipe, gradient_clip=0.01), begun(recipe)) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "kind", "decay"), [("adam", torch.optim.Adam, 0.0), ("adamw", torch.optim.AdamW, 0.02)]
)
def test_the_recipe_names_the_optimizer_and_its_weight_decay(recipe, tmp_path, name, kind, decay):
    model = network(recipe, None, Setting(tmp_path, 3))
    optimizer = optimizer_of(replace(recipe, optimizer=name, weight_decay=decay), model)
    assert type(optimizer) is kind
    assert optimizer.param_groups[0]["weight_decay"] == decay


def test_a_loss_that_is_no_number_stops_before_the_weights_change(recipe, begun):
    state, supply, batch, setting = begun(recipe)
    before = {name: value.clone() for name, value in state.model.named_parameters()}
    batch = replace(batch, target=batch.target * float("nan"))
    with pytest.raises(FailedTraining, match=r"loss is nan at epoch 1, step 1.*loss-not-finite.*learning_rate"):
        optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    assert all(torch.equal(value, before[name]) for name, value in state.model.named_parameters())


@pytest.mark.parametrize("clip", [0.0, 5.0])
def test_a_gradient_that_is_no_number_stops_before_the_weights_change(recipe, begun, clip):
    recipe = replace(recipe, gradient_clip=clip)
    state, supply, batch, setting = begun(recipe)
    before = {name: value.clone() for name, value in state.model.named_parameters()}
    state.model.head.bias.register_hook(lambda gradient: gradient + float("inf"))
    with pytest.raises(FailedTraining, match=r"gradient is inf at epoch 1, step 1.*loss-not-finite"):
        optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    assert all(torch.equal(value, before[name]) for name, value in state.model.named_parameters())


@pytest.mark.parametrize(("scale", "fails"), [(1024.0, False), (0.5, True)])
def test_scaled_steps_are_left_out_until_the_scale_cannot_be_what_is_wrong(recipe, begun, scale, fails):
    state, supply, batch, setting = begun(recipe)
    state = replace(state, scaler=torch.amp.GradScaler("cpu", init_scale=scale))
    before = {name: value.clone() for name, value in state.model.named_parameters()}
    state.model.head.bias.register_hook(lambda gradient: gradient + float("inf"))
    if fails:
        with pytest.raises(FailedTraining, match=r"gradient is inf.*loss-not-finite"):
            optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    else:
        optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
        assert state.scaler.get_scale() == scale / 2
    assert all(torch.equal(value, before[name]) for name, value in state.model.named_parameters())


def test_the_average_follows_each_step(recipe, begun):
    recipe = replace(recipe, weights_average=0.5)
    state, supply, batch, setting = begun(recipe)
    optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    assert torch.equal(state.followed.head.weight, state.model.head.weight)
    optimizer_step(recipe, recipe.stages[0], state, supply, batch, setting)
    assert not torch.equal(state.followed.head.weight, state.model.head.weight)
