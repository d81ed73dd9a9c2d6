"""VGG16 with the field's usual head, and Grad-CAM at `block5_conv3` as part of the forward pass.

Network: Simonyan & Zisserman 2014, arXiv:1409.1556, parameter names as torchvision publishes them
(`vgg16-397923af.pth`); head: global average pooling, Dense 512, 256, 128 with ReLU, Dense 1 (reference system).

Grad-CAM (Selvaraju 2017, arXiv:1610.02391) needs the gradient of the logit with respect to the feature map. Between
the two lie only a 2x2 max-pool, the mean and the dense layers, and their gradient has a closed form, so that the graph
needs no automatic differentiation: backwards through each dense layer, d ← (d ⊙ [pre-activation > 0]) W. The max-pool's
windows do not overlap, so each passes its gradient to exactly one pixel, and the channel's mean gradient over the map
is d / (rows * columns of the map), whichever pixel that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.model.classifier import ExplainedLogit

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
HEAD_WIDTHS = (512, 256, 128)
HEAD_DROPOUT = (0.5, 0.3, 0.2)
PUBLISHED_FILE = "vgg16-397923af.pth"


class VGG16(nn.Module):
    """Gray values in [0, 1] to the activations of `block5_conv3`, 512 channels at stride 16."""

    feature_channels = BLOCKS[-1][-1]

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for number, block in enumerate(BLOCKS):
            if number:
                layers.append(nn.MaxPool2d(2))
            for width in block:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)

    def forward(
        self, radiograph: Float[Tensor, "batch 1 rows columns"]
    ) -> Float[Tensor, "batch channels map_rows map_columns"]:
        feature_map: Tensor = self.features(radiograph.expand(-1, 3, -1, -1))
        return feature_map

    def load_published(self, weights: dict[str, Tensor]) -> None:
        """Take the convolutions of the published file; `RuntimeError` from torch if it is of another network."""
        own = {name.removeprefix("features."): value for name, value in weights.items() if name.startswith("features.")}
        self.features.load_state_dict(own)


class DenseHeadClassifier(nn.Module):
    """Any backbone, a 2x2 max-pool, global average pooling and dense layers with ReLU; one logit, one Grad-CAM."""

    def __init__(
        self,
        backbone: VGG16,
        *,
        widths: Sequence[int] = HEAD_WIDTHS,
        dropout: Sequence[float] = HEAD_DROPOUT,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        sizes = [backbone.feature_channels, *widths]
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.output = nn.Linear(sizes[-1], 1)
        self.dropout = tuple(dropout)

    def forward(self, radiograph: Float[Tensor, "batch 1 rows columns"]) -> ExplainedLogit:
        feature_map = self.backbone(radiograph)
        embedding = F.max_pool2d(feature_map, 2).mean(dim=(2, 3))
        activations = embedding
        pre_activations: list[Tensor] = []
        for layer, rate in zip(self.hidden, self.dropout, strict=True):
            pre_activations.append(layer(activations))
            activations = F.dropout(F.relu(pre_activations[-1]), rate, training=self.training)
        logit = self.output(activations).squeeze(1)
        gradient = self.gradient_at_embedding(pre_activations)
        return ExplainedLogit(logit, gradient_weighted_map(feature_map, gradient), embedding)

    def gradient_at_embedding(
        self, pre_activations: Sequence[Float[Tensor, "batch _"]]
    ) -> Float[Tensor, "batch channels"]:
        """D logit / d embedding of the head as it is evaluated (without dropout), in closed form."""
        gradient = self.output.weight  # one row; it widens to the batch with the first product
        for layer, pre_activation in zip(reversed(self.hidden), reversed(pre_activations), strict=True):
            gradient = (gradient * (pre_activation > 0).to(gradient.dtype)) @ layer.get_parameter("weight")
        return gradient


def gradient_weighted_map(
    feature_map: Float[Tensor, "batch channels rows columns"], gradient: Float[Tensor, "batch channels"]
) -> Float[Tensor, "batch rows columns"]:
    """Grad-CAM before its ReLU: channels weighted by their mean gradient over the map, signed."""
    rows, columns = feature_map.shape[2:]
    weight = gradient / (rows * columns)
    return torch.einsum("bcrk,bc->brk", feature_map, weight)
