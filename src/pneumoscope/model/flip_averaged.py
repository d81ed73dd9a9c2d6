"""Test-time augmentation inside the graph: what a classifier says of a radiograph and of its mirror image, averaged."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pneumoscope.model.classifier import Classifier, ExplainedLogit


class FlipAveraged(nn.Module):
    """Logit, map and embedding, each the mean of both ways to look; the mirror's map is mirrored back first.

    A mean of maps that add up to their logits adds up to the mean of the logits, so the explanation stays exact.
    """

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, radiograph: Float[Tensor, "batch 1 rows columns"]) -> ExplainedLogit:
        both: ExplainedLogit = self.classifier(torch.cat([radiograph, radiograph.flip(3)]))
        map_size, channels = both.saliency_map.shape[1:], both.embedding.shape[1]
        seen, mirrored = both.saliency_map.reshape(2, -1, *map_size)
        return ExplainedLogit(
            logit=both.logit.reshape(2, -1).mean(0),
            saliency_map=(seen + mirrored.flip(2)) / 2,
            embedding=both.embedding.reshape(2, -1, channels).mean(0),
        )

    def bias_logit(self) -> float | None:
        """As of the classifier: both ways have the same bias."""
        return self.classifier.bias_logit()

    @property
    def saliency_method(self) -> str:
        """What the map is, for the card."""
        return f"{self.classifier.saliency_method}, mean of the radiograph and its mirror image"

    @property
    def feature_map_name(self) -> str:
        """Which feature map the saliency map is made of, for the card."""
        return self.classifier.feature_map_name
