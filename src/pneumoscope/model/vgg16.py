"""VGG16 as a backbone, up to `block5_conv3`.

Simonyan & Zisserman 2014, arXiv:1409.1556, parameter names as torchvision publishes them (`vgg16-397923af.pth`); parts
are named as Keras names the layers that end them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from jaxtyping import Float
from torch import Tensor, nn

from pneumoscope.model.backbone import Backbone

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG16(Backbone):
    """Gray values in [0, 1] to the activations of `block5_conv3`, 512 channels at stride 16.

    The input is repeated to three channels and not normalised further, as the reference system has it.
    """

    name = "vgg16"
    feature_channels = BLOCKS[-1][-1]
    map_strides = (16,)
    part_names = ("block1_pool", "block2_pool", "block3_pool", "block4_pool", "block5_conv3")

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for block in BLOCKS:
            for width in block:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers[:-1])
        for layer in layers:
            if isinstance(layer, nn.Conv2d):  # without batch-norm, torch's default lets the signal fade (He 2015)
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def run_part(
        self, name: str, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        if name == self.part_names[0]:
            features = features.expand(-1, 3, -1, -1)
        for layer in self.modules_of(name):
            features = layer(features)
        return features

    def modules_of(self, name: str) -> list[nn.Module]:
        ends = list(accumulate(2 * len(block) + 1 for block in BLOCKS))
        number = self.part_names.index(name)
        return [*self.features][ends[number - 1] if number else 0 : ends[number]]

    def own_names(self, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value for name, value in published.items() if not name.startswith("classifier.")}
