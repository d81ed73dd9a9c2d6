"""What occlusion and RISE share: cover parts of the picture, ask the model, stop when the time is up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32

from pneumoscope.arrays import ModelInput, ModelInputBatch, SaliencyMap, Scores
from pneumoscope.errors import UnusableOption

Answers: TypeAlias = Callable[[ModelInputBatch], Scores]
"""One number for each picture of a batch."""

Clock: TypeAlias = Callable[[], float]
Watch: TypeAlias = Callable[[int, int], None]
Visible = Float32[np.ndarray, "size_px size_px"]
"""How much of each pixel is left: 1 as it was, 0 covered."""


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """A map, and how many of the planned masks it was made of."""

    saliency_map: SaliencyMap
    masks: int
    planned_masks: int


def nobody(done: int, planned: int) -> None:
    """Watch without a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a model is asked about covered copies of a picture.

    After `budget_seconds` (None: no limit) no further batch is begun. `watch` hears after each batch how many masks are
    done and how many are planned; `clock` gives seconds.
    """

    answers: Answers
    batch_size: int = 16
    budget_seconds: float | None = None
    watch: Watch = nobody
    clock: Clock = time.monotonic

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UnusableOption(
                "batch-impossible", f"A batch of {self.batch_size} holds no picture.", remedy="Give 1 or more."
            )
        budget = self.budget_seconds
        if budget is not None and not (math.isfinite(budget) and budget > 0):
            raise UnusableOption(
                "budget-impossible", f"The budget is {budget} seconds.", remedy="Give a number greater than 0."
            )

    def each(
        self, picture: ModelInput, masks: Iterable[Visible], planned: int
    ) -> Iterator[tuple[list[Visible], Scores]]:
        """Batches of masks with what the model answers: at least one batch, then as many as the time allows.

        What is covered takes the mean gray of the picture.
        """
        began, done = self.clock(), 0
        waiting = iter(masks)
        cover = picture.mean(dtype=np.float32)
        while batch := list(islice(waiting, self.batch_size)):
            covered = cover + np.stack(batch)[:, np.newaxis] * (picture - cover)
            yield batch, self.answers(covered.astype(np.float32))
            done += len(batch)
            self.watch(done, planned)
            if self.budget_seconds is not None and self.clock() - began >= self.budget_seconds:
                return
