"""A second task for the backbone while it learns: where the lungs are.

Tasks that share a network can help each other (multi-task learning, Caruana 1997, doi:10.1023/A:1007379606734). One
convolution says of each place of the feature map how much of it is lung; it is trained along and left behind.
"""

from __future__ import annotations

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.model.classifier import Classifier
from pneumoscope.training.augmentation import PictureBatch
from pneumoscope.training.evidence import with_lungs

NAME = "lung_task"
"""Of the submodule, and so of its parameters in a checkpoint."""


class LungTask(nn.Module):
    """One linear layer on each place of the feature map."""

    def __init__(self, feature_channels: int) -> None:
        super().__init__()
        self.lung = nn.Conv2d(feature_channels, 1, kernel_size=1)

    def forward(
        self, feature_map: Float[Tensor, "batch channels map_rows map_columns"]
    ) -> Float[Tensor, "batch map_rows map_columns"]:
        said: Tensor = self.lung(feature_map)
        return said.squeeze(1)


def give_lung_task(model: Classifier) -> None:
    """The task becomes a part of the model, so that the optimizer, the checkpoint and the average have it."""
    model.add_module(NAME, LungTask(model.backbone.feature_channels))


def leave_lung_task(model: Classifier) -> None:
    """What is kept of a training has no task; nothing where it had none."""
    if hasattr(model, NAME):
        delattr(model, NAME)


def lung_errors(
    model: Classifier, feature_map: Float[Tensor, "batch channels map_rows map_columns"], lung_masks: PictureBatch
) -> Float[Tensor, " batch"]:
    """Mean cross-entropy (nats) over each picture's places, against the share that is lung; 0 where no lungs are seen."""
    said = cast("LungTask", model.get_submodule(NAME))(feature_map.float())  # mixed precision leaves it in 16 bits
    share = F.interpolate(lung_masks, size=said.shape[1:], mode="area").squeeze(1)
    errors = F.binary_cross_entropy_with_logits(said, share, reduction="none").mean(dim=(1, 2))
    return torch.where(with_lungs(lung_masks), errors, torch.zeros_like(errors))
