"""What can go wrong with the machine in the middle of a training, in words of ours; the last checkpoint is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pneumoscope.errors import FailedTraining

ALLOCATOR_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "Failed to allocate memory",
    "CUDA error: out of memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""PyTorch on processors, ONNX Runtime, and CUDA's libraries, whose memory is outside of PyTorch's own."""


@contextmanager
def clear_failures() -> Iterator[None]:
    """Turn a lack of memory, wherever it shows, into `FailedTraining`."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise out_of_memory() from error
    except RuntimeError as error:
        if any(words in str(error) for words in ALLOCATOR_WORDS):
            raise out_of_memory() from error
        raise


def out_of_memory() -> FailedTraining:
    """The error for a machine that is too small for a step."""
    return FailedTraining(
        "out-of-memory",
        "The memory does not suffice for this batch.",
        remedy="The last checkpoint is kept. Start in another --output with smaller batches (--set batch_size=16) or "
        "pictures (--set stages.size_px=160).",
    )
