"""Backbone, global average pooling and a head, with the explanation as part of the forward pass.

For a linear head, logit = bias + sum over channels of w_c * mean of feature map c
                         = bias + sum over pixels of (sum over channels of w_c * f_c) / (rows * columns):
the class activation map (Zhou 2016, arXiv:1512.04150), scaled by the number of its pixels, adds up to the logit. Its
gradient is constant over the map, so Grad-CAM (Selvaraju 2017, arXiv:1610.02391) is the same map.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.model.backbone import Backbone


class ExplainedLogit(NamedTuple):
    """What the graph returns for a batch."""

    logit: Float[Tensor, " batch"]
    saliency_map: Float[Tensor, "batch map_rows map_columns"]
    embedding: Float[Tensor, "batch channels"]


class Classifier(nn.Module, ABC):
    """Abstract: a backbone and what is made of its last feature map."""

    backbone: Backbone

    saliency_method: ClassVar[str]
    """What the map is, for the card."""

    def forward(self, radiograph: Float[Tensor, "batch 1 rows columns"]) -> ExplainedLogit:
        feature_map: Tensor = self.backbone(radiograph)
        return self.explained(feature_map)

    @abstractmethod
    def explained(self, feature_map: Float[Tensor, "batch channels rows columns"]) -> ExplainedLogit:
        """Logit, map and embedding from the backbone's last feature map."""

    @abstractmethod
    def bias_logit(self) -> float | None:
        """What the map's sum lacks of the logit, the same for every radiograph; `None` where the map does not add up."""

    @property
    def feature_map_name(self) -> str:
        """Which feature map the saliency map is made of, for the card."""
        return f"{self.backbone.part_names[-1]} of {self.backbone.name}"


class LinearHeadClassifier(Classifier):
    """One linear layer on the pooled features: the map adds up to the logit exactly."""

    saliency_method = "class activation map (equals Grad-CAM up to a constant)"

    def __init__(self, backbone: Backbone, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(backbone.feature_channels, 1)
        self.dropout = dropout
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def explained(self, feature_map: Float[Tensor, "batch channels rows columns"]) -> ExplainedLogit:
        embedding = feature_map.mean(dim=(2, 3))
        logit = self.head(F.dropout(embedding, self.dropout, training=self.training)).squeeze(1)
        return ExplainedLogit(logit, class_activation_map(feature_map, self.head.weight.squeeze(0)), embedding)

    def bias_logit(self) -> float:
        return float(self.head.bias.item())


def class_activation_map(
    feature_map: Float[Tensor, "batch channels rows columns"], head_weight: Float[Tensor, " channels"]
) -> Float[Tensor, "batch rows columns"]:
    """Evidence of each pixel in logit units: its sum over the map, plus the head's bias, is the logit."""
    rows, columns = feature_map.shape[2:]
    weight = (head_weight / (rows * columns)).reshape(1, -1, 1, 1)
    return F.conv2d(feature_map, weight).squeeze(1)
