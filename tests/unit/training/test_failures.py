import pytest
import torch

from pneumoscope.errors import FailedTraining
from pneumoscope.training.failures import clear_failures


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:75] data. DefaultCPUAllocator: not enough memory: you tried"),
    ],
)
def test_a_lack_of_memory_says_what_to_make_smaller(error):
    with pytest.raises(FailedTraining, match=r"out-of-memory.*batch_size.*size_px") as failed, clear_failures():
        raise error
    assert failed.value.__cause__ is error


def test_the_allocators_own_words_are_known():
    with pytest.raises(FailedTraining, match="out-of-memory"), clear_failures():
        torch.empty(2**55, dtype=torch.uint8)


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("x"), KeyboardInterrupt()])
def test_other_failures_stay_what_they_are(error):
    with pytest.raises(type(error)) as failed, clear_failures():
        raise error
    assert failed.value is error
