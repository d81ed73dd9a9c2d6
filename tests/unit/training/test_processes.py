import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from pneumoscope.errors import UnusableOption
from pneumoscope.training import activations, validation
from pneumoscope.training.processes import (
    Processes,
    SharedBatchNorm2d,
    own_gpu,
    processes_of_torchrun,
    with_shared_batch_norm,
)
from support import short_training

TESTS = Path(short_training.__file__).parents[1]


def test_a_batch_is_shared_out_evenly_by_rank():
    assert [Processes(rank, 3).slice_of(12) for rank in range(3)] == [slice(0, 4), slice(4, 8), slice(8, 12)]
    assert Processes().slice_of(7) == slice(0, 7)


def test_a_batch_that_cannot_be_shared_out_evenly_is_refused_with_what_to_do():
    with pytest.raises(UnusableOption, match=r"batch of 9.*among 2 processes.*processes-uneven.*batch_size"):
        Processes(0, 2).slice_of(9)


def test_the_first_process_leads():
    assert [Processes(rank, 2).leads for rank in range(2)] == [True, False]
    assert Processes().leads


@pytest.mark.parametrize(("leads", "order"), [(True, ["work", "wait"]), (False, ["wait", "work"])])
def test_the_leading_process_goes_first_and_the_others_wait_for_it(monkeypatch, leads, order):
    done = []
    monkeypatch.setattr(Processes, "wait", lambda _: done.append("wait"))
    with Processes(0 if leads else 1, 2).leader_first():
        done.append("work")
    assert done == order


def test_where_the_leading_process_fails_it_does_not_call_the_others(monkeypatch):
    monkeypatch.setattr(Processes, "wait", lambda _: pytest.fail("it waited"))
    with pytest.raises(ValueError, match="broken"), Processes(0, 2).leader_first():
        raise ValueError("broken")


def failing(error):
    def fail(*_):
        raise error

    return fail


def test_an_exchange_with_a_process_that_has_gone_ends_without_a_word(as_one_of_two, monkeypatch, capfd):
    monkeypatch.setattr(dist, "barrier", failing(RuntimeError("Connection closed by peer [127.0.0.1]:3")))
    monkeypatch.setattr(time, "sleep", as_one_of_two.append)
    with pytest.raises(SystemExit) as ended, processes_of_torchrun() as processes:
        processes.wait()
    assert ended.value.code == 8
    assert capfd.readouterr() == ("", "")
    assert as_one_of_two[-2:] == [20, "destroyed"]  # the one that failed ends first: torchrun takes it for the cause


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), torch.AcceleratorError("CUDA error")])
def test_a_failure_of_the_gpu_in_an_exchange_stays_what_it_is(as_one_of_two, monkeypatch, error):
    monkeypatch.setattr(dist, "all_reduce", failing(error))
    with pytest.raises(type(error)), processes_of_torchrun() as processes:
        processes.add_up(torch.ones(1))


def test_each_process_has_a_gpu_of_its_own_before_they_meet_over_nccl(as_one_of_two, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", as_one_of_two.append)
    with processes_of_torchrun():
        pass
    gpu = torch.device("cuda", 1)
    assert as_one_of_two == [gpu, ("nccl", gpu, timedelta(days=1)), "destroyed"]


def test_on_processors_they_meet_over_gloo_and_wait_a_day_for_each_other(as_one_of_two):
    with processes_of_torchrun() as processes:
        assert processes == Processes(1, 2)
    assert as_one_of_two == [("gloo", None, timedelta(days=1)), "destroyed"]


def test_more_processes_than_gpus_are_refused_with_how_many_there_may_be():
    assert own_gpu(1, 2) == torch.device("cuda", 1)
    with pytest.raises(UnusableOption, match=r"There are 2 GPUs.*processes-too-many.*--nproc-per-node 2"):
        own_gpu(2, 2)


@pytest.fixture
def as_one_of_two(monkeypatch):
    """As torchrun starts the second of two processes, but nobody is met; returns what was asked of PyTorch."""
    asked = []
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(
        dist,
        "init_process_group",
        lambda backend, *, device_id, timeout: asked.append((backend, device_id, timeout)),
    )
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: asked.append("destroyed"))
    return asked


def test_one_process_alone_exchanges_nothing(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    values = torch.tensor([1.0, 2.0])
    with processes_of_torchrun() as alone:
        alone.wait()
        assert alone == Processes()
        assert alone.add_up(values) is values
        assert alone.gathered({0: "logits"}) == [{0: "logits"}]
        assert not dist.is_initialized()


@pytest.fixture
def group_of_one(tmp_path):
    """A process group in which every sum is over this process alone."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'meet'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_shared_batch_norm_alone_is_batch_norm(group_of_one):
    """Outputs, gradients and running statistics as of torch.nn.BatchNorm2d, over three batches and in evaluation."""
    generator = torch.Generator().manual_seed(0)
    plain, shared = nn.BatchNorm2d(3), SharedBatchNorm2d(3)
    for layer in (plain, shared):
        layer.weight.data.copy_(torch.tensor([0.5, 1.0, 2.0]))
    for _ in range(3):
        features = torch.randn(4, 3, 5, 6, generator=generator) * 3 + 1
        wanted = torch.randn(4, 3, 5, 6, generator=generator)
        results = []
        for layer in (plain, shared):
            layer.zero_grad()
            given = features.clone().requires_grad_()
            found = layer(given)
            ((found - wanted) ** 2).sum().backward()
            results.append([found.detach(), given.grad, layer.weight.grad, layer.bias.grad])
        for first, second in zip(*results, strict=True):
            assert torch.allclose(first, second, rtol=1e-4, atol=1e-4)
    for name, value in plain.state_dict().items():
        assert torch.allclose(value, shared.state_dict()[name], atol=1e-6), name
    with torch.no_grad():
        assert torch.allclose(plain.eval()(features), shared.eval()(features), atol=1e-5)


def test_every_batch_norm_is_replaced_and_keeps_its_parameters_and_names():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ModuleDict({"a": nn.Sequential(nn.BatchNorm2d(2, eps=1e-3))}))
    model[1]["a"].eval()
    before = dict(model.named_parameters())
    names = list(model.state_dict())
    with_shared_batch_norm(model)
    found = model[1]["a"][0]
    assert type(found) is SharedBatchNorm2d
    assert (found.eps, found.training) == (1e-3, False)
    assert list(model.state_dict()) == names
    assert all(parameter is before[name] for name, parameter in model.named_parameters())


def largest_difference(first, second):
    assert list(first) == list(second)
    return max(float((value.double() - second[name].double()).abs().max()) for name, value in first.items())


@pytest.fixture
def one_process(tmp_path, monkeypatch):
    monkeypatch.setattr(activations, "prefix_session", activations.prefix_session)  # put back what the training sets
    monkeypatch.setattr(validation, "BATCH", validation.BATCH)
    (tmp_path / "one").mkdir()
    short_training.train_shortly(tmp_path / "one", Processes())
    return torch.load(tmp_path / "one" / short_training.FILE, weights_only=True)


def test_two_processes_take_the_steps_of_one(one_process, tmp_path):
    """Pictures with lung masks and removed lungs, then cached activations; batch-norm statistics of the whole batch."""
    (tmp_path / "two").mkdir()
    run = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"),
            *("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "--no-python"),
            *(sys.executable, short_training.__file__, str(tmp_path / "two")),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path]), "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    two = torch.load(tmp_path / "two" / short_training.FILE, weights_only=True)
    assert two["losses"] == pytest.approx(one_process["losses"], abs=1e-5)
    assert [*map(list, two["records"])] == [pytest.approx(list(record), abs=1e-5) for record in one_process["records"]]
    for name in ("trained", "exported"):
        assert largest_difference(two[name], one_process[name]) < 1e-5
    begun = one_process["trained"]["backbone.blocks.block4.1.num_batches_tracked"]
    assert begun == 6
    assert not list((tmp_path / "two").glob("activations"))
