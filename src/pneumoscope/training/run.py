"""A training from manifest and recipe to a checkpointed run folder that can be stopped anywhere and gone on with.

`runs/NAME/` holds `recipe.json`, `manifest.csv` (with the validation part marked), `history.csv` (one row an epoch) and
`checkpoint.pt`. Every batch is a function of (seed, step), so a resumed run ends in the same weights.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.dataset.manifest import (
    ManifestRow,
    Split,
    read_kermany,
    read_manifest,
    refuse_test_rows,
    write_manifest,
)
from pneumoscope.dataset.pictures import Pictures, decoded_lung_masks, decoded_pictures
from pneumoscope.dataset.split import split_off_validation
from pneumoscope.errors import FailedTraining, UnusableData
from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.model.classifier import LinearHeadClassifier
from pneumoscope.model.published import backbone_of
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.training.augmentation import augmented
from pneumoscope.training.checkpoint import EpochRecord, RunState, write_history_row
from pneumoscope.training.evidence import evidence_outside_lungs, with_evidence_removed
from pneumoscope.training.recipe import Recipe, Stage

CHECKPOINT_SECONDS = 300.0
VALIDATION_BATCH = 64


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a progress display is told after each step."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    pictures_per_second: float


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The two parts of `train`, decoded."""

    rows: Sequence[ManifestRow]
    pictures: Pictures
    lung_masks: Pictures

    @property
    def targets(self) -> np.ndarray:
        return np.array([row.has_finding for row in self.rows], np.float32)


def prepare_run(
    recipe: Recipe, *, data: Path, lung_masks: Path | None, output: Path, seed: int, cache: Path
) -> tuple[TrainingData, TrainingData]:
    """Write (or check) the run folder and decode both parts; the official test split is never opened."""
    output.mkdir(parents=True, exist_ok=True)
    manifest = output / "manifest.csv"
    settings = {"recipe": recipe.to_dict(), "seed": seed, "lung_masks": lung_masks is not None}
    settings_file = output / "recipe.json"
    if manifest.is_file():
        if json.loads(settings_file.read_text("utf-8")) != json.loads(json.dumps(settings)):
            raise FailedTraining(
                "run-differs",
                f"{output} holds a run with another recipe or seed.",
                remedy="Choose another --output, or resume with the recipe and seed of that run.",
            )
        rows = read_manifest(manifest)
    else:
        official = read_kermany(data, splits={Split.TRAIN})
        rows = split_off_validation(official, share=recipe.validation_share, generator=np.random.default_rng([seed, 0]))
        settings_file.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        write_manifest(rows, manifest)
    refuse_test_rows(rows, purpose="training")
    preprocessing = Preprocessing(recipe.size_px)
    pictures = decoded_pictures(rows, data, preprocessing, cache=cache)
    if lung_masks is None:
        masks = np.broadcast_to(np.uint8(0), pictures.shape)
    else:
        masks, _ = decoded_lung_masks(rows, lung_masks, preprocessing, cache=cache)
    parts = []
    for split in (Split.TRAIN, Split.VALIDATION):
        chosen = [index for index, row in enumerate(rows) if row.split is split]
        if len({rows[index].label for index in chosen}) < 2:
            raise UnusableData(
                "one-class-only",
                f"The {split} part holds radiographs of one label only.",
                remedy="Add radiographs of the other label; both are needed.",
            )
        parts.append(TrainingData([rows[index] for index in chosen], pictures[chosen], masks[chosen]))
    return parts[0], parts[1]


def train(
    recipe: Recipe,
    training: TrainingData,
    validation: TrainingData,
    *,
    output: Path,
    seed: int,
    on_step: Callable[[StepReport], None],
    on_epoch: Callable[[EpochRecord], None],
) -> LinearHeadClassifier:
    """Train to the recipe's last epoch, going on from `output/checkpoint.pt` where there is one."""
    torch.manual_seed(seed)  # the initial weights of layers that are not published; each step seeds itself below
    backbone = backbone_of(recipe.backbone, pretrained=recipe.pretrained, drop_path=recipe.drop_path)
    model = LinearHeadClassifier(backbone, dropout=recipe.dropout)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack this form
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.0, weight_decay=recipe.weight_decay)
    state = RunState(output / "checkpoint.pt", model, optimizer)
    state.load()
    steps = len(training.rows) // recipe.batch_size
    last_saved = time.monotonic()
    for epoch in range(state.epoch, recipe.epochs):
        order = np.random.default_rng([seed, 1, epoch]).permutation(len(training.rows))
        started = time.monotonic()
        first_step = state.step
        model.train()
        for step in range(first_step, steps):
            batch = np.sort(order[step * recipe.batch_size : (step + 1) * recipe.batch_size])
            loss, outside = training_step(recipe, model, optimizer, training, batch, (seed, epoch, step, steps))
            state.add(loss, outside)
            speed = (step - first_step + 1) * recipe.batch_size / (time.monotonic() - started)
            on_step(StepReport(epoch, recipe.epochs, step + 1, steps, state.mean_loss, speed))
            if time.monotonic() - last_saved > CHECKPOINT_SECONDS:
                state.save()
                last_saved = time.monotonic()
        seconds = time.monotonic() - started
        scores = logits_of(model, validation.pictures)
        stage, _ = recipe.stage_of(epoch)
        record = EpochRecord(
            epoch=epoch + 1,
            size_px=stage.size_px,
            learning_rate=optimizer.param_groups[0]["lr"],
            loss=state.mean_loss,
            outside_share=state.mean_outside,
            validation_loss=balanced_loss(scores, validation.targets),
            validation_auroc=area_under_roc(scores, validation.targets > 0.5),
            validation_accuracy=float(np.mean((scores > 0) == (validation.targets > 0.5))),
            pictures_per_second=(steps - first_step) * recipe.batch_size / max(seconds, 1e-9),
            seconds=seconds,
        )
        write_history_row(output / "history.csv", record)
        state.finish_epoch()
        on_epoch(record)
        last_saved = time.monotonic()
    model.eval()
    return model


def training_step(
    recipe: Recipe,
    model: LinearHeadClassifier,
    optimizer: torch.optim.Optimizer,
    training: TrainingData,
    batch: np.ndarray,
    position: tuple[int, int, int, int],
) -> tuple[float, float]:
    """One optimizer step; returns the loss and the share of positive evidence outside the lungs."""
    seed, epoch, step, steps = position
    stage, epochs_before = recipe.stage_of(epoch)
    number = int(np.random.SeedSequence([seed, 2, epoch, step]).generate_state(1)[0])
    torch.manual_seed(number)  # dropout takes no generator; seeding each step makes a resumed run equal
    generator = torch.Generator().manual_seed(number)
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(stage, step + epochs_before * steps, steps * stage.epochs)
    pictures, masks = augmented(
        as_batch(training.pictures[batch]),
        as_batch(training.lung_masks[batch]),
        recipe.augmentation,
        size_px=stage.size_px,
        generator=generator,
    )
    removed = with_evidence_removed(
        pictures,
        masks,
        lungs_share=stage.lungs_removed,
        surroundings_share=stage.surroundings_removed,
        generator=generator,
    )
    finding = torch.from_numpy(training.targets[batch])
    target = finding * (1 - 2 * recipe.label_smoothing) + recipe.label_smoothing
    target = torch.where(removed.lungs_gone, torch.full_like(target, 0.5), target)
    weight = class_weights(training.targets, finding) if recipe.balance_classes else torch.ones_like(finding)
    weight = torch.where(removed.lungs_gone, torch.ones_like(weight), weight)
    output = model(removed.pictures.contiguous(memory_format=torch.channels_last))
    outside = evidence_outside_lungs(output.saliency_map, masks * ~removed.lungs_gone.reshape(-1, 1, 1, 1))
    loss = F.binary_cross_entropy_with_logits(output.logit, target, weight)
    total = loss + stage.lung_guidance * outside
    if not math.isfinite(total.item()):
        raise FailedTraining(
            "loss-not-finite",
            f"The loss is {total.item()} at epoch {epoch + 1}, step {step + 1}.",
            remedy="Resume from the last checkpoint with a lower learning_rate.",
        )
    optimizer.zero_grad()
    torch.autograd.backward(total)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    return loss.item(), outside.item()


def learning_rate(stage: Stage, step: int, steps: int) -> float:
    """Linear warm-up, then a cosine from `learning_rate` to `final_learning_rate` (Loshchilov 2017, arXiv:1608.03983)."""
    if step < stage.warmup_steps:
        return stage.learning_rate * (step + 1) / stage.warmup_steps
    share = (step - stage.warmup_steps) / max(1, steps - stage.warmup_steps)
    return stage.final_learning_rate + (stage.learning_rate - stage.final_learning_rate) * 0.5 * (
        1 + math.cos(math.pi * share)
    )


def class_weights(all_targets: np.ndarray, finding: Tensor) -> Tensor:
    """Weights that give both classes half of the loss, whatever their numbers."""
    share = float(all_targets.mean())
    return torch.where(finding > 0.5, torch.tensor(0.5 / share), torch.tensor(0.5 / (1 - share)))


def balanced_loss(logits: np.ndarray, targets: np.ndarray) -> float:
    """Cross-entropy in nats, mean of the two classes."""
    losses = np.logaddexp(0, np.where(targets > 0.5, -logits, logits))
    return float(0.5 * losses[targets > 0.5].mean() + 0.5 * losses[targets <= 0.5].mean())


def logits_of(model: LinearHeadClassifier, pictures: Pictures) -> np.ndarray:
    """PyTorch's logits, for following a training; what is evaluated is the exported graph."""
    model.eval()
    with torch.inference_mode():
        parts = [
            model(as_batch(pictures[start : start + VALIDATION_BATCH]).contiguous(memory_format=torch.channels_last))
            for start in range(0, len(pictures), VALIDATION_BATCH)
        ]
    return torch.cat([part.logit for part in parts]).numpy()


def as_batch(pictures: Pictures) -> Tensor:
    """Pictures in 8 bits as a float batch (batch, 1, rows, columns) in [0, 1]."""
    return torch.from_numpy(np.array(pictures, dtype=np.float32)).unsqueeze(1) / 255
