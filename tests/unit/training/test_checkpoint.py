import csv
import errno
from dataclasses import fields, replace

import pytest
import torch

from pneumoscope.errors import FailedTraining, UnusableOutput
from pneumoscope.training import checkpoint
from pneumoscope.training.checkpoint import (
    BEST_FILE,
    CHECKPOINT_FILE,
    EpochRecord,
    RunState,
    averaged_model,
    loaded,
    save_whole,
    write_history_row,
)
from pneumoscope.training.loop import state_of
from pneumoscope.training.setting import Setting
from pneumoscope.training.whole_run import network
from support.full_disk import files_of_at_most

RECORD = EpochRecord(1, 64, 1e-3, 0.5, 0.1, 0.4, 0.9, 0.8, 100.0, 1.0)


@pytest.fixture
def state_in(recipe):
    """A run at its beginning, whose parameters are all `value`."""

    def state_in(folder, value=1.0, **changes) -> RunState:
        setting = Setting(folder, 3)
        state = state_of(replace(recipe, **changes), network(recipe, None, setting), setting)
        fill(state.model, value)
        return state

    return state_in


def fill(model, value):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)


def same(first, second):
    return all(torch.equal(value, second[name]) for name, value in first.items()) and list(first) == list(second)


def stepped(state):
    """One step of the optimizer, so that it has a state."""
    state.model.head.bias.grad = torch.ones(1)
    state.optimizer.step()
    return state


def test_a_state_comes_back_whole(state_in, tmp_path):
    before = stepped(state_in(tmp_path, 2.0, weights_average=0.9))
    before.average.update_parameters(before.model)
    before.position.add(0.25, 0.5)
    before.position.progression.best_epoch = 4
    before.save()
    after = state_in(tmp_path, 5.0, weights_average=0.9)
    assert after.load()
    assert same(before.model.state_dict(), after.model.state_dict())
    assert same(before.average.state_dict(), after.average.state_dict())
    assert after.position == before.position
    momentum = [state.optimizer.state[state.model.head.bias]["exp_avg"] for state in (before, after)]
    assert torch.equal(*momentum)
    assert momentum[0].any()


def test_a_run_of_processors_goes_on_in_scaled_float16_and_the_scale_of_one_on_a_gpu_comes_back(state_in, tmp_path):
    stepped(state_in(tmp_path, 2.0)).save()
    scaled = replace(state_in(tmp_path), scaler=torch.amp.GradScaler("cpu", init_scale=8.0))
    assert scaled.load()
    assert scaled.scaler.get_scale() == 8.0
    scaled.save()
    again = replace(state_in(tmp_path), scaler=torch.amp.GradScaler("cpu"))
    assert again.load()
    assert again.scaler.get_scale() == 8.0
    assert state_in(tmp_path).load()


def test_without_a_checkpoint_a_run_is_at_its_beginning(state_in, tmp_path):
    assert not state_in(tmp_path).load()


def test_the_best_weights_come_back_into_the_followed_model(state_in, tmp_path):
    state = state_in(tmp_path, 2.0, weights_average=0.9)
    fill(state.followed, 3.0)
    state.save_best()
    fill(state.followed, 4.0)
    state.load_best()
    assert state.followed.head.bias.item() == 3.0
    assert state.model.head.bias.item() == 2.0


def fails_halfway(error):
    def save(content, file):
        file.write(b"half of a checkpoint")
        raise error

    return save


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (RuntimeError("[enforce fail] . PytorchStreamWriter failed writing file data/3\nC++ stack"), "failed writing"),
    ],
)
def test_where_writing_fails_the_checkpoint_before_stays_and_nothing_half_written(
    state_in, tmp_path, monkeypatch, error, said
):
    state_in(tmp_path, 1.0).save()
    before = (tmp_path / CHECKPOINT_FILE).read_bytes()
    monkeypatch.setattr(checkpoint.torch, "save", fails_halfway(error))
    with pytest.raises(UnusableOutput, match=rf"checkpoint\.pt cannot be written.*{said}") as refused:
        state_in(tmp_path, 2.0).save()
    assert "\n" not in refused.value.message
    assert (tmp_path / CHECKPOINT_FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]


@pytest.mark.parametrize("most_bytes", [0, 1000, 60_000])
def test_on_a_disk_that_is_really_full_the_checkpoint_before_stays(state_in, tmp_path, most_bytes):
    state_in(tmp_path, 1.0).save()
    assert (tmp_path / CHECKPOINT_FILE).stat().st_size > 60_000
    state = state_in(tmp_path, 2.0)
    with files_of_at_most(most_bytes), pytest.raises(UnusableOutput, match="output-unwritable"):
        state.save()
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]
    assert state.load()
    assert state.model.head.bias.item() == 1.0


def test_a_kill_while_writing_leaves_the_checkpoint_before(state_in, tmp_path, monkeypatch):
    state = state_in(tmp_path, 1.0)
    state.save()
    fill(state.model, 2.0)
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint.torch, "save", fails_halfway(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            state.save()
    assert state.load()
    assert state.model.head.bias.item() == 1.0


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text"])
def test_a_damaged_checkpoint_is_named_as_that(state_in, tmp_path, damage):
    state = state_in(tmp_path)
    state.save()
    path = tmp_path / CHECKPOINT_FILE
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "flipped": whole[:30] + b"\xff" * 40 + whole[70:],
            "empty": b"",
            "text": b"hi",
        }[damage]
    )
    with pytest.raises(
        FailedTraining, match=r"checkpoint\.pt cannot be read.*checkpoint-damaged.*Delete it"
    ) as refused:
        state.load()
    assert "weights_only" not in refused.value.message


def test_a_checkpoint_is_only_data_and_runs_nothing(tmp_path):
    class Trap:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save({"model": Trap()}, tmp_path / BEST_FILE)
    with pytest.raises(FailedTraining, match="checkpoint-damaged"):
        loaded(tmp_path / BEST_FILE)


def test_what_is_saved_is_on_disk_under_its_name_only(tmp_path):
    save_whole(tmp_path / BEST_FILE, {"a": torch.ones(2)})
    assert torch.equal(loaded(tmp_path / BEST_FILE)["a"], torch.ones(2))
    assert [path.name for path in tmp_path.iterdir()] == [BEST_FILE]


def history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_an_epoch_that_a_killed_run_had_written_is_replaced(tmp_path):
    for epoch, loss in [(1, 0.5), (2, 0.4), (3, 0.3), (2, 0.45), (3, 0.35)]:
        write_history_row(tmp_path / "history.csv", replace(RECORD, epoch=epoch, loss=loss))
    found = history(tmp_path)
    assert [(row["epoch"], row["loss"]) for row in found] == [("1", "0.5"), ("2", "0.45"), ("3", "0.35")]
    assert list(found[0]) == [field.name for field in fields(EpochRecord)]


def test_the_average_of_the_weights_by_hand(recipe, tmp_path):
    model = network(recipe, None, Setting(tmp_path, 3))
    average = averaged_model(model, 0.3)
    followed = []
    for value in (1.0, 2.0, 3.0, 4.0):
        fill(model, value)
        average.update_parameters(model)
        followed.append(average.module.head.bias.item())
    second = (2 / 11) * 1 + (9 / 11) * 2  # the decay grows: (1 + n) / (10 + n) after n steps
    third = (3 / 12) * second + (9 / 12) * 3
    fourth = 0.3 * third + 0.7 * 4  # 4 / 13 would be more than 0.3
    assert followed == pytest.approx([1, second, third, fourth], rel=1e-6)


def test_the_average_follows_batch_norm_statistics_and_counts_as_the_network(recipe, tmp_path):
    model = network(recipe, None, Setting(tmp_path, 3))
    average = averaged_model(model, 0.999)
    norm, averaged = model.backbone.blocks["block2"][1], average.module.backbone.blocks["block2"][1]
    for count in (1, 2):
        norm.running_mean.fill_(float(count))
        norm.num_batches_tracked.fill_(count)
        average.update_parameters(model)
    assert averaged.running_mean[0].item() == pytest.approx(20 / 11)
    assert averaged.num_batches_tracked.item() == 2


def test_a_decay_of_0_keeps_no_average(recipe, tmp_path):
    assert averaged_model(network(recipe, None, Setting(tmp_path, 3)), 0.0) is None
