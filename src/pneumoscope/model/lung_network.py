"""A small fully convolutional network that finds the lungs in a radiograph.

Shrinking and growing again with sums across, as LinkNet does it (Chaurasia 2017, arXiv:1707.03718), out of depth-wise
separable blocks (Howard 2017, arXiv:1704.04861). The finest features stand at a quarter of the picture's side; each gives
four pixels of the answer (Shi 2016, arXiv:1609.05158). The deepest ones see from the middle of the picture to its
corners, so that an upright chest can be told from one that lies on its side.
"""

from __future__ import annotations

import itertools

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

CHANNELS = (16, 48, 96, 160)
"""At a quarter, an eighth, ... of the picture's side, down to a thirty-second."""

COARSEST_STRIDE = 32


class LungNetwork(nn.Module):
    """Gray values in [0, 1] to the logit of "here is lung", at half the picture's side.

    The picture's sides must be multiples of `COARSEST_STRIDE`.
    """

    def __init__(self) -> None:
        super().__init__()
        first, *_, deepest = CHANNELS
        steps = list(itertools.pairwise(CHANNELS))
        self.stem = nn.Sequential(
            nn.Conv2d(1, first, 6, stride=4, padding=1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
            SeparableBlock(first, first),
        )
        self.shrinking = nn.ModuleList(
            nn.Sequential(SeparableBlock(finer, coarser, stride=2), SeparableBlock(coarser, coarser))
            for finer, coarser in steps
        )
        self.deepest = nn.Sequential(SeparableBlock(deepest, deepest), SeparableBlock(deepest, deepest))
        self.narrowing = nn.ModuleList(nn.Conv2d(coarser, finer, 1) for finer, coarser in reversed(steps))
        self.growing = nn.ModuleList(SeparableBlock(finer, finer) for finer, _ in reversed(steps))
        self.logits = nn.Sequential(SeparableBlock(first, first), nn.Conv2d(first, 4, 1), nn.PixelShuffle(2))

    def forward(
        self, radiograph: Float[Tensor, "batch 1 rows columns"]
    ) -> Float[Tensor, "batch 1 half_rows half_cols"]:
        features = self.stem(radiograph - 0.5)
        passed = []
        for stage in self.shrinking:
            passed.append(features)
            features = stage(features)
        features = self.deepest(features)
        for narrow, block in zip(self.narrowing, self.growing, strict=True):
            grown = F.interpolate(narrow(features), scale_factor=2.0, mode="nearest")
            features = block(grown + passed.pop())
        logits: Tensor = self.logits(features)
        return logits


class SeparableBlock(nn.Module):
    """Filter each channel, then mix the channels; each step is normalised, and the input is added where shapes allow."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.keeps_shape = stride == 1 and in_channels == out_channels
        self.steps = nn.Sequential(
            nn.Conv2d(in_channels, in_channels, 3, stride=stride, padding=1, groups=in_channels, bias=False),
            nn.BatchNorm2d(in_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(
        self, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        mixed: Tensor = self.steps(features)
        return F.relu(features + mixed if self.keeps_shape else mixed)


class LungProbability(nn.Module):
    """What ships: the network's answer as a probability of lung for each pixel, at half the picture's side."""

    def __init__(self, network: LungNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, radiograph: Float[Tensor, "batch 1 rows columns"]) -> Float[Tensor, "batch half_rows half_cols"]:
        return torch.sigmoid(self.network(radiograph).squeeze(1))
