"""Where the arithmetic happens: a GPU with mixed precision where there is one, else processors in full precision."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Compute:
    """A device, and the 16-bit type of mixed precision (Micikevicius 2018, arXiv:1710.03740) or None for full precision."""

    device: torch.device
    half: torch.dtype | None = None

    def mixed_precision(self) -> AbstractContextManager[None]:
        """A context in which torch chooses the precision of each operation."""
        return torch.autocast(self.device.type, dtype=self.half, enabled=self.half is not None)

    def loss_scaler(self) -> torch.amp.GradScaler:
        """Keeps small gradients from vanishing in float16; does nothing in bfloat16 and full precision."""
        return torch.amp.GradScaler(self.device.type, enabled=self.half is torch.float16)

    def batch(self, pictures: np.ndarray) -> Tensor:
        """Pictures in 8 bits as a float batch (batch, 1, rows, columns) in [0, 1]."""
        return torch.from_numpy(np.array(pictures)).to(self.device).float().unsqueeze(1) / 255

    def place(self, model: nn.Module) -> None:
        """Move a model here, channels last: convolutions are fastest so."""
        model.to(self.device)
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this form

    def generator(self, number: int) -> torch.Generator:
        """A source of chance on this device."""
        return torch.Generator(self.device).manual_seed(number)


def compute_here() -> Compute:
    """The GPU (bfloat16 where it has it in hardware, else float16), or its processors."""
    if not torch.cuda.is_available():
        return Compute(torch.device("cpu"))
    return Compute(
        torch.device("cuda", torch.cuda.current_device()),
        torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16,
    )
