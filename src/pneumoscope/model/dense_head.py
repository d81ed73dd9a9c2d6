"""The field's usual head, and Grad-CAM of any backbone under it as part of the forward pass.

Head: 2x2 max-pool, global average pooling, Dense 512, 256, 128 with ReLU, Dense 1 (reference system).

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

from pneumoscope.model.backbone import Backbone
from pneumoscope.model.classifier import Classifier, ExplainedLogit

HEAD_WIDTHS = (512, 256, 128)
HEAD_DROPOUT = (0.5, 0.3, 0.2)


class DenseHeadClassifier(Classifier):
    """Any backbone, a 2x2 max-pool, global average pooling and dense layers with ReLU; one logit, one Grad-CAM."""

    saliency_method = "Grad-CAM, signed"

    def __init__(
        self, backbone: Backbone, *, widths: Sequence[int] = HEAD_WIDTHS, dropout: Sequence[float] = HEAD_DROPOUT
    ) -> None:
        super().__init__()
        self.backbone = backbone
        sizes = [backbone.feature_channels, *widths]
        self.hidden = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.output = nn.Linear(sizes[-1], 1)
        self.dropout = tuple(dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):  # as Keras starts its dense layers (Glorot 2010)
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def explained(self, feature_map: Float[Tensor, "batch channels rows columns"]) -> ExplainedLogit:
        embedding = F.max_pool2d(feature_map, 2).mean(dim=(2, 3))
        activations = embedding
        pre_activations: list[Tensor] = []
        for layer, rate in zip(self.hidden, self.dropout, strict=True):
            pre_activations.append(layer(activations))
            activations = F.dropout(F.relu(pre_activations[-1]), rate, training=self.training)
        logit = self.output(activations).squeeze(1)
        gradient = self.gradient_at_embedding(pre_activations)
        return ExplainedLogit(logit, gradient_weighted_map(feature_map, gradient), embedding)

    def bias_logit(self) -> None:
        return None

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
