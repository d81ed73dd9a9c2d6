"""What a run keeps so that it can be stopped anywhere: `checkpoint.pt`, `best.pt`, `history.csv`, each whole or not there."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from pneumoscope.errors import FailedTraining
from pneumoscope.model.classifier import Classifier
from pneumoscope.training.schedule import Progression
from pneumoscope.whole_file import unusable, write_whole

CHECKPOINT_FILE = "checkpoint.pt"
BEST_FILE = "best.pt"
HISTORY_FILE = "history.csv"

Tensors = tuple[Tensor, ...] | list[Tensor]


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One line of `history.csv`."""

    epoch: int
    size_px: int
    learning_rate: float
    loss: float
    outside_share: float
    validation_loss: float
    validation_auroc: float
    validation_accuracy: float
    pictures_per_second: float
    seconds: float


@dataclass(slots=True)
class Position:
    """Where a run is: `epoch` and `step` (both from 0) are the next to do."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    outside_sum: float = 0.0
    progression: Progression = field(default_factory=Progression)

    def add(self, loss: float, outside: float) -> None:
        self.step += 1
        self.loss_sum += loss
        self.outside_sum += outside

    @property
    def mean_loss(self) -> float:
        return self.loss_sum / max(1, self.step)

    @property
    def mean_outside(self) -> float:
        return self.outside_sum / max(1, self.step)

    def finish_epoch(self) -> None:
        self.epoch, self.step, self.loss_sum, self.outside_sum = self.epoch + 1, 0, 0.0, 0.0


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything that changes while a run goes on."""

    folder: Path
    model: Classifier
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: AveragedModel | None
    position: Position

    def save(self) -> None:
        """Write the checkpoint; the one before stays until this one is whole."""
        save_whole(
            self.folder / CHECKPOINT_FILE,
            {
                "model": self.model.state_dict(),
                "average": self.average.state_dict() if self.average else {},
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "position": asdict(self.position),
            },
        )

    def load(self) -> bool:
        """Go to where the checkpoint is; False where there is none."""
        path = self.folder / CHECKPOINT_FILE
        if not path.is_file():
            return False
        content = loaded(path)
        self.model.load_state_dict(content["model"])
        if self.average:
            self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        if content["scaler"]:  # empty where the run was on processors, or in bfloat16
            self.scaler.load_state_dict(content["scaler"])
        progression = Progression(**content["position"].pop("progression"))
        for name, value in content["position"].items():
            setattr(self.position, name, value)
        self.position.progression = progression
        return True

    def save_best(self) -> None:
        """Keep the weights that were just validated."""
        save_whole(self.folder / BEST_FILE, self.followed.state_dict())

    def load_best(self) -> None:
        """Put the kept weights into the model that is validated and exported."""
        self.followed.load_state_dict(loaded(self.folder / BEST_FILE))

    @property
    def followed(self) -> Classifier:
        """The model that is validated and exported: the average of the weights where the recipe wants one."""
        if self.average is None:
            return self.model
        return cast("Classifier", self.average.module)


def save_whole(path: Path, content: dict[str, Any]) -> None:
    """Write aside, flush to the disk, rename; `UnusableOutput` where that fails, and what was there stays."""
    aside = path.with_suffix(".partial")
    try:
        with aside.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except (OSError, RuntimeError) as error:  # torch's writer reports a full disk as a RuntimeError
        aside.unlink(missing_ok=True)
        reason = error if isinstance(error, OSError) else OSError(None, str(error).splitlines()[0])
        raise unusable(path, reason) from error


def loaded(path: Path) -> dict[str, Any]:
    """A file that `save_whole` wrote; `FailedTraining` where it is damaged."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) else "it is cut off, damaged, or no checkpoint of ours"
        raise FailedTraining(
            "checkpoint-damaged",
            f"{path} cannot be read: {reason}.",
            remedy="Delete it to start this run anew, or copy it again from where it came.",
        ) from error
    return content


def averaged_model(model: Classifier, decay: float) -> AveragedModel | None:
    """An exponential moving average of the weights (Polyak & Juditsky 1992), or None for a decay of 0.

    The decay grows from 0.1 to its value with the steps taken, as (1 + n) / (10 + n), so that the first weights do not
    linger in a short run.
    """
    if decay == 0:
        return None

    @torch.no_grad()
    def follow(averages: Tensors, values: Tensors, count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        for average, value in zip(averages, values, strict=True):
            if average.is_floating_point():
                average.lerp_(value, 1 - now)
            else:
                average.copy_(value)

    return AveragedModel(model, multi_avg_fn=follow, use_buffers=True)


def write_history_row(path: Path, record: EpochRecord) -> None:
    """Append a line; an epoch that a killed run had already written is replaced."""
    kept: list[dict[str, str]] = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            kept = [row for row in csv.DictReader(file) if int(row["epoch"]) < record.epoch]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(EpochRecord)])
    writer.writeheader()
    writer.writerows(kept)
    writer.writerow(asdict(record))
    write_whole(path, text.getvalue().encode())
