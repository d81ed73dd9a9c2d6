"""What comes before a training: the allocator's settings, and whether PyTorch is there."""

from __future__ import annotations

import os
import sys

from pneumoscope.errors import MissingExtra

ALLOCATOR_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""glibc otherwise gives big blocks back after each step and faults them in again: five times slower."""


def ready_to_train() -> None:
    """Start again with the allocator's settings where they lack; `MissingExtra` without PyTorch."""
    with_allocator_settings()
    try:
        import torch  # noqa: F401 - to say early and clearly that it is missing
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "train-extra-missing",
            "Training needs PyTorch.",
            remedy="pip install '.[train]' in a copy of the repository",
        ) from error


def with_allocator_settings() -> None:
    """Start again with the allocator's settings, which are read only when a process starts."""
    if any(name not in os.environ for name in ALLOCATOR_SETTINGS):
        os.execve(  # noqa: S606 - this very program
            sys.executable, [sys.executable, *sys.orig_argv[1:]], ALLOCATOR_SETTINGS | dict(os.environ)
        )
