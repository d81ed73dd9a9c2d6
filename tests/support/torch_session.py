"""PyTorch in the place of the ONNX Runtime session that caches activations: opened at once, and its runs counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from pneumoscope.model.backbone import Backbone


class TorchSession:
    """The first parts of a backbone; `scale` multiplies what they give."""

    def __init__(self, backbone: Backbone, part: str, *, scale: float = 1.0) -> None:
        self.backbone, self.part, self.scale, self.runs = backbone, part, scale, 0

    def run(self, _: Any, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.runs += 1
        (pictures,) = inputs.values()
        training = self.backbone.training
        self.backbone.eval()
        with torch.inference_mode(), np.errstate(invalid="ignore"):
            found = self.backbone.forward_until(torch.from_numpy(pictures), self.part).numpy() * self.scale
        self.backbone.train(training)
        return [found]
