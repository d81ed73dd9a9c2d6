"""What a training stands in: where it writes, its seed, its hardware, how often it saves, and who watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from pneumoscope.training.activations import Progress
from pneumoscope.training.checkpoint import EpochRecord
from pneumoscope.training.compute import Compute
from pneumoscope.training.processes import Processes

CHECKPOINT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a progress display is told after each step; `logits` and `targets` are this process's part of the batch."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    pictures_per_second: float
    logits: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True, slots=True)
class Watchers:
    """Whom a training tells what happens, and who may ask it to stop; each does nothing unless given."""

    on_step: Callable[[StepReport], None] = lambda _: None
    on_epoch: Callable[[EpochRecord], None] = lambda _: None
    on_activations: Callable[[Progress], None] = lambda _: None
    wants_stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Setting:
    """The surroundings of one training."""

    output: Path
    seed: int
    compute: Compute = field(default_factory=lambda: Compute(torch.device("cpu")))
    processes: Processes = field(default_factory=Processes)
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    watchers: Watchers = field(default_factory=Watchers)

    @property
    def activations_folder(self) -> Path:
        """Where cached activations are while a stage lasts."""
        return self.output / "activations"
