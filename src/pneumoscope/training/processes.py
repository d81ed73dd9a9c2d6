"""Several processes that train one model: started by torchrun, gloo on processors, NCCL on GPUs.

Every process draws the same whole batch and trains on its own slice of it, gradients are summed, and batch-norm sees the
statistics of the whole batch. So N processes take the steps that one would, up to rounding (and up to dropout, whose
random numbers are drawn by each process for its own slice).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn

from pneumoscope.errors import FailedTraining, UnusableOption

LONGEST_WAIT = timedelta(days=1)
"""Others wait while the leading process decodes and computes activations; PyTorch's own limit is 10 or 30 minutes."""

LONGEST_FAREWELL = timedelta(seconds=20)
"""How long a failed process may take to end after it has left the others."""


@dataclass(frozen=True, slots=True)
class Processes:
    """Which of how many processes this is; alone, every exchange is skipped."""

    rank: int = 0
    count: int = 1

    @property
    def leads(self) -> bool:
        """True in the one process that writes files and talks to people."""
        return self.rank == 0

    def slice_of(self, batch_size: int) -> slice:
        """The part of a batch that is this process's; `UnusableOption` where the batch cannot be shared out evenly."""
        if batch_size % self.count:
            raise UnusableOption(
                "processes-uneven",
                f"A batch of {batch_size} cannot be shared out evenly among {self.count} processes.",
                remedy="Start as many processes as divide batch_size, or set batch_size with --set.",
            )
        share = batch_size // self.count
        return slice(self.rank * share, (self.rank + 1) * share)

    def wait(self) -> None:
        """Until every process is here."""
        if self.count > 1:
            with exchange():
                dist.barrier()

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """The leading process does this alone, then the others do it, where it has not failed."""
        if not self.leads:
            self.wait()
        yield
        if self.leads:
            self.wait()

    def add_up(self, values: Tensor) -> Tensor:
        """The sum over processes, in place."""
        if self.count > 1:
            with exchange():
                dist.all_reduce(values)
        return values

    def add_up_gradients(self, model: nn.Module) -> None:
        """Sum each gradient over processes, all in one exchange."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        flat = self.add_up(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        totals = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, total in zip(gradients, totals, strict=True):
            gradient.copy_(total.reshape(gradient.shape))

    def gathered(self, part: Any) -> list[Any]:
        """What each process has to say, by rank."""
        if self.count == 1:
            return [part]
        parts: list[Any] = [None] * self.count
        with exchange():
            dist.all_gather_object(parts, part)
        return parts


@contextmanager
def processes_of_torchrun() -> Iterator[Processes]:
    """The processes that torchrun started, or this one alone.

    Where one of them fails, it says why; the others, who can only see that it has gone, end without a word, and not
    before torchrun, which names the first to end as the cause, has had time to see that one and to end them itself.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    gpu = own_gpu(int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()) if torch.cuda.is_available() else None
    if gpu is not None:
        torch.cuda.set_device(gpu)
    dist.init_process_group("gloo" if gpu is None else "nccl", device_id=gpu, timeout=LONGEST_WAIT)
    try:
        yield Processes(dist.get_rank(), count)
    except OtherProcessGoneError:
        time.sleep(LONGEST_FAREWELL.total_seconds())
        sys.exit(FailedTraining.exit_code)
    finally:
        dist.destroy_process_group()


def own_gpu(local_rank: int, gpus: int) -> torch.device:
    """The GPU of a process, one for each; `UnusableOption` where there are too few."""
    if local_rank >= gpus:
        raise UnusableOption(
            "processes-too-many",
            f"There are {gpus} GPUs here, and process {local_rank + 1} would need another.",
            remedy=f"Start torchrun with --nproc-per-node {gpus}, or without GPUs: CUDA_VISIBLE_DEVICES= torchrun ...",
        )
    return torch.device("cuda", local_rank)


class OtherProcessGoneError(Exception):
    """An exchange failed because another process has ended."""


@contextmanager
def exchange() -> Iterator[None]:
    """Around what processes do together: there a RuntimeError that is not the GPU's means that one of them has gone."""
    try:
        yield
    except (torch.OutOfMemoryError, torch.AcceleratorError):
        raise
    except RuntimeError as error:
        raise OtherProcessGoneError from error


class SummedOverProcesses(torch.autograd.Function):
    """The sum over processes, with its gradient: what each process's copy of the sum is told, summed likewise."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:  # noqa: ARG004 - torch's interface
        total = values.clone()
        with exchange():
            dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004 - torch's interface
        total = gradients[0].clone()
        with exchange():
            dist.all_reduce(total)
        return total


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167) over the batches of all processes together.

    torch.nn.SyncBatchNorm does this on GPUs only.
    """

    def forward(
        self, features: Float[Tensor, "batch channels rows columns"]
    ) -> Float[Tensor, "batch channels rows columns"]:
        if not self.training:
            return super().forward(features)
        count = features.shape[0] * features.shape[2] * features.shape[3] * dist.get_world_size()
        wide = features.float()
        mean = summed(wide.sum(dim=(0, 2, 3))) / count
        centred = wide - mean.reshape(1, -1, 1, 1)
        variance = summed((centred * centred).sum(dim=(0, 2, 3))) / count
        self.follow(mean.detach(), variance.detach() * count / (count - 1))
        scaled = centred * torch.rsqrt(variance + self.eps).reshape(1, -1, 1, 1)
        weighted = scaled * self.weight.reshape(1, -1, 1, 1) + self.bias.reshape(1, -1, 1, 1)
        return weighted.to(features.dtype)

    def follow(self, mean: Float[Tensor, " channels"], variance: Float[Tensor, " channels"]) -> None:
        """Move the running statistics, as `nn.BatchNorm2d` does."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked += 1
        momentum = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


def summed(values: Tensor) -> Tensor:
    """`SummedOverProcesses` with a type."""
    total: Tensor = SummedOverProcesses.apply(values)  # type: ignore[no-untyped-call]  # torch's own
    return total


def with_shared_batch_norm(model: nn.Module) -> None:
    """Put a `SharedBatchNorm2d` with the same parameters in the place of each batch-norm layer."""
    for name, child in model.named_children():
        if type(child) is nn.BatchNorm2d:
            shared = SharedBatchNorm2d(child.num_features, eps=child.eps, momentum=child.momentum)
            shared.weight, shared.bias = child.weight, child.bias
            shared.running_mean, shared.running_var = child.running_mean, child.running_var
            shared.num_batches_tracked = child.num_batches_tracked
            setattr(model, name, shared.train(child.training))
        else:
            with_shared_batch_norm(child)
