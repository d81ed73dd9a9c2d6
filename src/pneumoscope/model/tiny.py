"""Four strided convolutions with batch-norm: a backbone that trains in a minute, for tests and for learning one's way."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from pneumoscope.model.backbone import Backbone

CHANNELS = (1, 8, 16, 32, 48)


class Tiny(Backbone):
    """Gray values in [0, 1] to the last feature map, 48 channels at stride 16; 20 thousand parameters, none published."""

    name = "tiny"
    feature_channels = CHANNELS[-1]
    map_strides = (16,)
    part_names = ("block1", "block2", "block3", "block4")

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()
                )
                for name, (before, after) in zip(self.part_names, pairwise(CHANNELS), strict=True)
            }
        )

    def run_part(
        self, name: str, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        if name == self.part_names[0]:
            features = features * 2 - 1
        activations: Tensor = self.blocks[name](features)
        return activations

    def modules_of(self, name: str) -> list[nn.Module]:
        return [self.blocks[name]]

    def own_names(self, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(published)
