"""What a run keeps on disk so that it can be stopped anywhere: `checkpoint.pt` and `history.csv`, each whole or not there."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch

from pneumoscope.model.classifier import LinearHeadClassifier
from pneumoscope.whole_file import write_whole


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


class RunState:
    """Position, weights and optimizer of a run, saved aside and renamed so that a checkpoint is never half there."""

    def __init__(self, path: Path, model: LinearHeadClassifier, optimizer: torch.optim.Optimizer) -> None:
        self.path, self.model, self.optimizer = path, model, optimizer
        self.epoch = self.step = 0
        self.loss_sum = self.outside_sum = 0.0

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
        self.save()

    def save(self) -> None:
        aside = self.path.with_suffix(".partial")
        position = {name: getattr(self, name) for name in ("epoch", "step", "loss_sum", "outside_sum")}
        content = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "position": position}
        with aside.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.path)

    def load(self) -> None:
        if not self.path.is_file():
            return
        content = torch.load(self.path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(content["model"])
        self.optimizer.load_state_dict(content["optimizer"])
        for name, value in content["position"].items():
            setattr(self, name, value)


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
