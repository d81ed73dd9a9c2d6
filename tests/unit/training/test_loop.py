"""Real, small trainings: stopped anywhere they end in the same weights, bit for bit."""

import csv
import math
from dataclasses import replace

import pytest
import torch

from pneumoscope.errors import FailedTraining, UnusableOption
from pneumoscope.training import loop
from pneumoscope.training.batch import step_number
from pneumoscope.training.compute import Compute
from pneumoscope.training.data import TrainingData
from pneumoscope.training.processes import Processes
from pneumoscope.training.setting import Setting
from pneumoscope.training.whole_run import network

STEPS = 3  # an epoch of 27 radiographs in batches of 8
EVERY_STEP = {"checkpoint_seconds": -1.0}


class Stopped(Exception):
    """Stands for a kill."""


def checkpoint(folder):
    return torch.load(folder / "checkpoint.pt", weights_only=True)


def history(folder):
    """What is the same however often a run was stopped."""
    with (folder / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: row[name] for name in row if name not in {"seconds", "pictures_per_second"}} for row in rows]


def assert_same(first, second):
    first, second = first.state_dict(), second.state_dict()
    assert list(first) == list(second)
    different = [name for name, value in first.items() if not torch.equal(value, second[name])]
    assert not different


def stop_at(epoch, step):
    def on_step(report):
        if (report.epoch, report.step) == (epoch, step):
            raise Stopped

    return {"on_step": on_step}


def stop_after(epoch):
    def on_epoch(record):
        if record.epoch == epoch:
            raise Stopped

    return {"on_epoch": on_epoch}


@pytest.fixture
def rich_recipe(recipe):
    """Everything at once: two stages, parts frozen then free, an average of the weights, a plateau, the best epoch."""
    first = replace(recipe.stages[0], frozen_through="block2", lungs_removed=0.2, surroundings_removed=0.2)
    second = replace(first, epochs=3, size_px=96, frozen_through="", lung_segmentation=0.3)
    return replace(
        recipe,
        stages=(first, second),
        weights_average=0.9,
        schedule="plateau",
        plateau_patience=1,
        plateau_factor=0.5,
        keep="validation_loss",
        mixup=0.4,
        dropout=0.3,
        label_smoothing=0.05,
        class_balance="sampling",
    )


@pytest.fixture
def cached_recipe(recipe):
    """A stage from two cached views, then one from pictures."""
    first = replace(recipe.stages[0], epochs=3, frozen_through="block2", cached_views=2, lung_guidance=0.0)
    return replace(recipe, stages=(first, recipe.stages[0]), dropout=0.3)


def resumed(trained, recipe, folder, stops):
    """Start again after each stop, to the end."""
    for stop in stops:
        with pytest.raises(Stopped):
            trained(recipe, folder, **EVERY_STEP, **stop)
    return trained(recipe, folder, **EVERY_STEP)


@pytest.mark.parametrize(
    "stops",
    [
        [stop_at(0, 1)],
        [stop_at(0, 2), stop_at(1, 1)],
        [stop_after(1)],
        [stop_at(1, STEPS)],
        [stop_after(2)],
    ],
    ids=["before any checkpoint", "twice in an epoch", "between epochs", "at a last step", "at the end"],
)
def test_a_run_that_was_stopped_ends_in_the_same_weights(recipe, trained, tmp_path, stops):
    straight = trained(recipe, tmp_path / "straight")
    assert_same(straight, resumed(trained, recipe, tmp_path / "cut", stops))
    assert history(tmp_path / "straight") == history(tmp_path / "cut")


@pytest.mark.parametrize(
    "stops",
    [
        [stop_at(0, 2), stop_at(1, 3), stop_at(2, 1), stop_at(4, 2)],
        [stop_after(1), stop_after(2), stop_after(4), stop_after(5)],
    ],
    ids=["in epochs", "between epochs"],
)
def test_so_does_a_run_with_every_technique_at_once(rich_recipe, trained, tmp_path, stops):
    straight = trained(rich_recipe, tmp_path / "straight")
    assert_same(straight, resumed(trained, rich_recipe, tmp_path / "cut", stops))
    assert history(tmp_path / "straight") == history(tmp_path / "cut")


def test_so_does_a_run_from_cached_activations(cached_recipe, trained, tmp_path, quick_sessions):
    straight = trained(cached_recipe, tmp_path / "straight")
    stops = [stop_at(0, 2), stop_at(1, 2), stop_after(2), stop_at(3, 1)]
    assert_same(straight, resumed(trained, cached_recipe, tmp_path / "cut", stops))
    assert history(tmp_path / "straight") == history(tmp_path / "cut")


def test_so_does_a_run_in_scaled_float16(recipe, trained, tmp_path):
    half = {"compute": Compute(torch.device("cpu"), torch.float16)}
    straight = trained(recipe, tmp_path / "straight", **half)
    with pytest.raises(Stopped):
        trained(recipe, tmp_path / "cut", **half, **EVERY_STEP, **stop_at(1, 2))
    assert checkpoint(tmp_path / "cut")["scaler"]["scale"] > 1
    assert_same(straight, trained(recipe, tmp_path / "cut", **half))


def test_another_seed_ends_in_other_weights(recipe, trained, tmp_path):
    first, other = (trained(recipe, tmp_path / str(seed), seed=seed) for seed in (3, 4))
    assert not torch.equal(first.head.weight, other.head.weight)


def test_a_polite_stop_loses_not_one_step(recipe, trained, tmp_path):
    done = []

    def on_step(report):
        done.append((report.epoch, report.step))

    with pytest.raises(KeyboardInterrupt):
        trained(recipe, tmp_path / "run", on_step=on_step, wants_stop=lambda: len(done) == 4)
    assert checkpoint(tmp_path / "run")["position"]["step"] == 1
    found = trained(recipe, tmp_path / "run", on_step=on_step)
    assert done == [(epoch, step) for epoch in range(2) for step in (1, 2, 3)]
    assert_same(found, trained(recipe, tmp_path / "straight"))


def test_a_display_is_told_what_is_said_of_every_look_and_the_right_answer(recipe, trained, tmp_path):
    told = []
    twice = replace(recipe, stages=(replace(recipe.stages[0], looks=2, consistency=0.1),))
    trained(twice, tmp_path, on_step=lambda report: told.append((report.logits, report.targets)))
    assert all(logits.shape == targets.shape == (16,) for logits, targets in told)
    assert all((targets[::2] == targets[1::2]).all() for _, targets in told)
    assert all((logits[::2] != logits[1::2]).any() for logits, _ in told[1:])  # the head begins at 0


@pytest.mark.parametrize(("seconds", "goes_on_with"), [(300.0, (1, 1)), (-1.0, (1, 2))])
def test_a_kill_loses_the_steps_since_the_last_checkpoint(recipe, trained, tmp_path, seconds, goes_on_with):
    with pytest.raises(Stopped):
        trained(recipe, tmp_path, checkpoint_seconds=seconds, **stop_at(1, 2))
    done = []
    trained(recipe, tmp_path, on_step=lambda report: done.append((report.epoch, report.step)))
    assert done[0] == goes_on_with


def weights_after_epochs(trained, recipe, folder):
    """The network's weights as they were, after each epoch."""
    found = []
    model = trained(recipe, folder, on_epoch=lambda _: found.append(checkpoint(folder)["model"]))
    return model, found


def block(weights, name):
    return {key: value for key, value in weights.items() if f"blocks.{name}." in key}


def changed(before, after, name):
    return {key for key, value in block(before, name).items() if not torch.equal(value, block(after, name)[key])}


def test_frozen_parts_stand_still_with_their_statistics_until_they_are_freed(recipe, trained, tmp_path):
    first = replace(recipe.stages[0], epochs=1, frozen_through="block2")
    recipe = replace(recipe, stages=(first, replace(first, frozen_through="block1"), replace(first, frozen_through="")))
    begin = {name: value.clone() for name, value in network(recipe, None, Setting(tmp_path, 3)).state_dict().items()}
    _, after = weights_after_epochs(trained, recipe, tmp_path / "run")
    moving = {kind: set(block(begin, kind)) for kind in ("block1", "block2", "block3", "block4")}
    assert len(moving["block1"]) == 6  # a convolution; scale, offset, mean, variance and count of its batch-norm
    expected = {1: ("block3", "block4"), 2: ("block2", "block3", "block4"), 3: tuple(moving)}
    for number, (before, now) in enumerate(zip([begin, *after], after, strict=False), 1):
        for name, everything in moving.items():
            assert changed(before, now, name) == (everything if name in expected[number] else set()), (number, name)


def test_cached_activations_learn_what_the_frozen_parts_would_have_taught(plain_recipe, trained, tmp_path):
    """Here ONNX Runtime computes them. Without augmentation all views are alike; float16 is the only difference."""
    losses, validation = {}, {}
    for views in (0, 1):
        stage = replace(plain_recipe.stages[0], frozen_through="block2", cached_views=views)
        folder = tmp_path / str(views)
        losses[views] = of_run = []
        trained(
            replace(plain_recipe, stages=(stage,)),
            folder,
            on_step=lambda report, of_run=of_run: of_run.append(report.loss),
        )
        validation[views] = [float(row["validation_loss"]) for row in history(folder)]
    assert losses[1] == pytest.approx(losses[0], abs=2e-3)
    assert validation[1] == pytest.approx(validation[0], abs=2e-3)
    assert max(losses[0]) - min(losses[0]) > 0.05  # far more than they may differ


def test_activations_are_on_disk_only_while_their_stage_lasts(cached_recipe, trained, tmp_path, quick_sessions):
    there = {}

    def on_step(report):
        there.setdefault(report.epoch, (tmp_path / "run" / "activations").is_dir())

    trained(cached_recipe, tmp_path / "run", on_step=on_step)
    assert there == {0: True, 1: True, 2: True, 3: False, 4: False}
    only_cached = replace(cached_recipe, stages=cached_recipe.stages[:1])
    trained(only_cached, tmp_path / "only")
    assert not (tmp_path / "only" / "activations").exists()


@pytest.fixture
def scripted(monkeypatch):
    """Let the validation part say, epoch by epoch, what a test wants it to say."""

    def scripted(**columns):
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        given = iter(rows)
        other = {"validation_loss": 0.5, "validation_auroc": 0.5, "validation_accuracy": 0.5}
        monkeypatch.setattr(loop, "validation_metrics", lambda *_: other | next(given))

    return scripted


def epochs_of(recipe, epochs, **changes):
    return replace(recipe, stages=(replace(recipe.stages[0], epochs=epochs),), **changes)


@pytest.mark.parametrize(
    ("keep", "column", "values"),
    [
        ("validation_auroc", "validation_auroc", [0.6, 0.9, 0.8]),
        ("validation_accuracy", "validation_accuracy", [0.6, 0.9, 0.8]),
        ("validation_loss", "validation_loss", [0.6, 0.2, 0.3]),
    ],
)
def test_the_weights_of_the_best_epoch_are_exported(recipe, trained, tmp_path, scripted, keep, column, values):
    scripted(**{column: values})
    model, after = weights_after_epochs(trained, epochs_of(recipe, 3, keep=keep), tmp_path / "run")
    assert all(torch.equal(value, after[1][name]) for name, value in model.state_dict().items())
    assert not torch.equal(after[1]["head.weight"], after[2]["head.weight"])


def test_or_those_of_the_last(recipe, trained, tmp_path, scripted):
    scripted(validation_loss=[0.6, 0.2, 0.3])
    model, after = weights_after_epochs(trained, epochs_of(recipe, 3), tmp_path / "run")
    assert all(torch.equal(value, after[2][name]) for name, value in model.state_dict().items())
    assert not (tmp_path / "run" / "best.pt").exists()


def test_where_the_weights_are_averaged_the_average_is_exported(recipe, trained, tmp_path):
    model = trained(replace(recipe, weights_average=0.9), tmp_path / "run")
    saved = checkpoint(tmp_path / "run")
    assert all(torch.equal(value, saved["average"][f"module.{name}"]) for name, value in model.state_dict().items())
    assert not torch.equal(model.head.weight, saved["model"]["head.weight"])


def test_the_average_has_the_frozen_parts_as_they_stand_when_a_stage_freezes_them(recipe, trained, tmp_path):
    free = recipe.stages[0]
    stages = (free, replace(free, frozen_through="block2", cached_views=1, lung_guidance=0.0))
    trained(replace(recipe, weights_average=0.9, stages=stages), tmp_path / "run")
    saved = checkpoint(tmp_path / "run")
    frozen = [name for name in saved["model"] if name.startswith(("backbone.blocks.block1", "backbone.blocks.block2"))]
    assert frozen
    assert all(torch.equal(saved["model"][name], saved["average"][f"module.{name}"]) for name in frozen)


def test_a_run_stops_early_and_stays_stopped(recipe, trained, tmp_path, scripted):
    recipe = epochs_of(recipe, 10, keep="validation_auroc", early_stopping_patience=2)
    scripted(validation_auroc=[0.6, 0.7, 0.65, 0.7, 0.9])
    model, after = weights_after_epochs(trained, recipe, tmp_path / "run")
    assert len(history(tmp_path / "run")) == 4
    assert all(torch.equal(value, after[1][name]) for name, value in model.state_dict().items())
    assert_same(model, trained(recipe, tmp_path / "run"))
    assert len(history(tmp_path / "run")) == 4


def test_on_a_plateau_the_rate_in_the_history_is_halved(recipe, trained, tmp_path, scripted):
    recipe = epochs_of(recipe, 5, schedule="plateau", plateau_patience=1, plateau_factor=0.5)
    scripted(validation_loss=[0.5, 0.5, 0.4, 0.4, 0.3])
    trained(recipe, tmp_path)
    full = recipe.stages[0].learning_rate
    assert [float(row["learning_rate"]) for row in history(tmp_path)] == [full, full, full / 2, full / 2, full / 4]


def test_warm_up_and_cosine_run_over_the_steps_of_a_whole_stage(recipe, trained, tmp_path):
    stage = replace(recipe.stages[0], learning_rate=1e-3, final_learning_rate=0.0, warmup_steps=2)
    trained(replace(recipe, stages=(stage, stage)), tmp_path)
    last_of_epochs = [0.5 * (1 + math.cos(math.pi * share)) * 1e-3 for share in (0.0, 3 / 4)]
    assert [float(row["learning_rate"]) for row in history(tmp_path)] == pytest.approx(last_of_epochs * 2)


def test_a_loss_that_is_no_number_fails_and_keeps_the_last_good_checkpoint(recipe, trained, tmp_path):
    model = network(recipe, None, Setting(tmp_path, 3))

    def spoil(report):
        if (report.epoch, report.step) == (1, 1):
            model.head.weight.data.fill_(float("nan"))

    with pytest.raises(FailedTraining, match=r"epoch 2, step 2.*loss-not-finite"):
        trained(recipe, tmp_path, model=model, on_step=spoil)
    saved = checkpoint(tmp_path)
    assert (saved["position"]["epoch"], saved["position"]["step"]) == (1, 0)
    assert all(value.isfinite().all() for value in saved["model"].values())
    assert_same(trained(recipe, tmp_path), trained(recipe, tmp_path / "straight"))


def test_a_gradient_that_overflows_in_the_last_step_of_an_epoch_spoils_no_checkpoint(recipe, trained, tmp_path):
    model, position = network(recipe, None, Setting(tmp_path, 3)), []
    model.head.bias.register_hook(
        lambda gradient: gradient * float("inf") if position and position[-1] == (1, STEPS - 1) else gradient
    )
    with pytest.raises(FailedTraining, match=r"epoch 2, step 3.*loss-not-finite"):
        trained(
            recipe,
            tmp_path,
            model=model,
            on_step=lambda report: position.append((report.epoch, report.step)),
            **EVERY_STEP,
        )
    saved = checkpoint(tmp_path)
    assert (saved["position"]["epoch"], saved["position"]["step"]) == (1, STEPS - 1)
    assert all(value.isfinite().all() for value in saved["model"].values())


def test_fewer_radiographs_than_a_batch_are_refused(recipe, trained, parts, tmp_path):
    few = TrainingData(parts[0].rows[:7], parts[0].pictures[:7], parts[0].lung_masks[:7])
    with pytest.raises(FailedTraining, match=r"7 radiographs.*one batch of 8.*batch-too-large.*batch_size"):
        trained(recipe, tmp_path, parts=(few, parts[1]))


def test_a_batch_that_processes_cannot_share_out_is_refused_before_anything_is_done(recipe, trained, tmp_path):
    with pytest.raises(
        UnusableOption, match=r"batch of 8 cannot be shared out evenly among 3 processes.*processes-uneven"
    ):
        trained(recipe, tmp_path, processes=Processes(0, 3))
    assert not list(tmp_path.iterdir())


def test_mixed_precision_trains_full_precision_weights_a_little_differently(recipe, trained, tmp_path):
    losses = {}
    models = {}
    for name, half in (("full", None), ("half", torch.bfloat16)):
        losses[name] = of_run = []
        models[name] = trained(
            recipe,
            tmp_path / name,
            compute=Compute(torch.device("cpu"), half),
            on_step=lambda report, of_run=of_run: of_run.append(report.loss),
        )
    assert {value.dtype for value in models["half"].parameters()} == {torch.float32}
    assert losses["half"] == pytest.approx(losses["full"], abs=0.03)
    assert losses["half"] != losses["full"]


def test_watchers_are_told_every_step_with_its_logits_and_every_epoch(recipe, trained, parts, tmp_path):
    reports, records = [], []
    trained(recipe, tmp_path, on_step=reports.append, on_epoch=records.append)
    assert [(report.epoch, report.step) for report in reports] == [
        (epoch, step) for epoch in (0, 1) for step in (1, 2, 3)
    ]
    assert {(report.epochs, report.steps) for report in reports} == {(2, STEPS)}
    assert all(report.logits.shape == report.targets.shape == (8,) for report in reports)
    assert all(report.pictures_per_second > 0 for report in reports)
    assert [record.epoch for record in records] == [1, 2]
    assert records[0].loss == reports[2].loss


def test_training_finds_the_bright_patch(plain_recipe, trained, tmp_path):
    trained(epochs_of(plain_recipe, 20), tmp_path)
    found = history(tmp_path)
    assert float(found[-1]["loss"]) < 0.4
    assert float(found[0]["loss"]) > 0.5
    assert float(found[-1]["validation_loss"]) < 0.5 < float(found[0]["validation_loss"])
    assert float(found[-1]["validation_auroc"]) > 0.95


def test_each_step_draws_its_dropout_from_a_seed_of_its_own(recipe, trained, tmp_path):
    seeds = []
    trained(recipe, tmp_path, on_step=lambda _: seeds.append(torch.initial_seed()))
    assert seeds == [step_number(3, epoch, step) for epoch in range(2) for step in range(STEPS)]
    assert len(set(seeds)) == 2 * STEPS
