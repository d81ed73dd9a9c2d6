"""DenseNet-121 as a backbone, up to the ReLU after `norm5`.

Huang 2017, arXiv:1608.06993, parameter names as torchvision publishes them (`densenet121-a639ec97.pth`, whose older
spelling `denselayer1.norm.1` is read as well). Two families of published weights fit, and differ in what they read:

- torchvision: three colour channels, (value - mean) / standard deviation of ImageNet;
- torchxrayvision (Cohen 2022, arXiv:2111.00595): one gray channel in [-1024, 1024], that is (value - 1/2) * 2048.

So that one network is exactly the one or the other, it keeps three channels, and mean and deviation of each travel with
the weights. (Folding them into the first convolution would be wrong at the border, where the padding is zeros after
normalisation; and weights for values in the thousands, folded, would be too large for any learning rate to move.)
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.model.backbone import Backbone

GROWTH = 32
BOTTLENECK = 4
STEM_CHANNELS = 64
LAYERS = (6, 12, 24, 16)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
XRV_MEAN = (0.5, 0.5, 0.5)
XRV_DEVIATION = (1 / 2048, 1 / 2048, 1 / 2048)
LEFT_OUT = ("classifier.", "op_threshs")
OLD_SPELLING = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


class DenseNet121(Backbone):
    """Gray values in [0, 1] to the last feature map, 1024 channels at stride 32 (7 x 7 for 224 px)."""

    name = "densenet121"
    map_strides = (32,)
    part_names = (
        "stem",
        "denseblock1",
        "transition1",
        "denseblock2",
        "transition2",
        "denseblock3",
        "transition3",
        "denseblock4",
        "norm5",
    )
    input_mean: Tensor
    input_deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("input_mean", torch.tensor(IMAGENET_MEAN))
        self.register_buffer("input_deviation", torch.tensor(IMAGENET_DEVIATION))
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["conv0"] = nn.Conv2d(3, STEM_CHANNELS, 7, stride=2, padding=3, bias=False)
        layers["norm0"] = nn.BatchNorm2d(STEM_CHANNELS)
        channels = STEM_CHANNELS
        for number, count in enumerate(LAYERS, start=1):
            layers[f"denseblock{number}"] = dense_block(channels, count)
            channels += count * GROWTH
            if number < len(LAYERS):
                layers[f"transition{number}"] = Transition(channels, channels // 2)
                channels //= 2
        layers["norm5"] = nn.BatchNorm2d(channels)
        self.feature_channels = channels
        self.features = nn.Sequential(layers)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def run_part(
        self, name: str, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        modules = self.modules_of(name)
        if name == "stem":
            mean, deviation = (value.reshape(1, 3, 1, 1) for value in (self.input_mean, self.input_deviation))
            convolution, norm = modules
            return F.max_pool2d(F.relu(norm(convolution((features - mean) / deviation))), 3, stride=2, padding=1)
        activations: Tensor = modules[0](features)
        return F.relu(activations) if name == "norm5" else activations

    def modules_of(self, name: str) -> list[nn.Module]:
        names = ("conv0", "norm0") if name == "stem" else (name,)
        return [self.features.get_submodule(each) for each in names]

    def own_names(self, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        own = {
            OLD_SPELLING.sub(r"\1\2", name): value for name, value in published.items() if not name.startswith(LEFT_OUT)
        }
        first = own.get("features.conv0.weight")
        gray = first is not None and first.ndim == 4 and first.shape[1] == 1
        if first is not None and gray:
            own["features.conv0.weight"] = first.expand(-1, 3, -1, -1) / 3
        own.setdefault("input_mean", torch.tensor(XRV_MEAN if gray else IMAGENET_MEAN))
        own.setdefault("input_deviation", torch.tensor(XRV_DEVIATION if gray else IMAGENET_DEVIATION))
        return own


def dense_block(in_channels: int, count: int) -> nn.Sequential:
    """Layers of which each reads what all before it gave."""
    return nn.Sequential(
        OrderedDict((f"denselayer{index + 1}", DenseLayer(in_channels + index * GROWTH)) for index in range(count))
    )


class DenseLayer(nn.Module):
    """A bottleneck and a 3x3 convolution, whose channels are put behind those that came in."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        inner = BOTTLENECK * GROWTH
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, GROWTH, 3, padding=1, bias=False)

    def forward(
        self, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels rows columns"]:
        inner = self.conv1(F.relu(self.norm1(features)))
        return torch.cat([features, self.conv2(F.relu(self.norm2(inner)))], dim=1)


class Transition(nn.Module):
    """Half the channels, half the rows and columns."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(
        self, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        return F.avg_pool2d(self.conv(F.relu(self.norm(features))), 2)
