"""How a training follows itself: PyTorch's logits of the validation part. What is evaluated is the exported graph."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.model.classifier import Classifier
from pneumoscope.training.setting import Setting
from pneumoscope.training.supply import Supply

BATCH = 64


def validation_logits(model: Classifier, supply: Supply, setting: Setting) -> Float[np.ndarray, " radiographs"]:
    """Logits in the order of the validation part; each process does every so-manieth batch."""
    model.eval()
    count, processes = len(supply.validation.rows), setting.processes
    starts = range(0, count, BATCH)
    own: dict[int, np.ndarray] = {}
    with torch.inference_mode(), setting.compute.mixed_precision():
        for start in starts[processes.rank :: processes.count]:
            chosen = np.arange(start, min(start + BATCH, count))
            own[start] = supply.validation_output(model, chosen).logit.float().cpu().numpy()
    everything = {start: logits for part in processes.gathered(own) for start, logits in part.items()}
    return np.concatenate([everything[start] for start in starts])


def validation_metrics(logits: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Loss (mean of both classes, in nats), AUROC, and accuracy at logit 0."""
    return {
        "validation_loss": balanced_loss(logits, targets),
        "validation_auroc": area_under_roc(logits, targets > 0.5),
        "validation_accuracy": float(np.mean((logits > 0) == (targets > 0.5))),
    }


def balanced_loss(logits: np.ndarray, targets: np.ndarray) -> float:
    """Cross-entropy in nats, mean of the two classes."""
    losses = np.logaddexp(0, np.where(targets > 0.5, -logits, logits))
    return float(0.5 * losses[targets > 0.5].mean() + 0.5 * losses[targets <= 0.5].mean())
