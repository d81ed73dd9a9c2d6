"""From the names in a recipe to a network: a backbone with its weights, and a head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pneumoscope.errors import UnusableRecipe
from pneumoscope.model.backbone import Backbone
from pneumoscope.model.classifier import Classifier, LinearHeadClassifier
from pneumoscope.model.dense_head import DenseHeadClassifier
from pneumoscope.model.densenet121 import DenseNet121
from pneumoscope.model.efficientnet_lite import WIDTH_AND_DEPTH, EfficientNetLite
from pneumoscope.model.published import Weights, weights_for
from pneumoscope.model.tiny import Tiny
from pneumoscope.model.vgg16 import VGG16

PLAIN: Mapping[str, type[DenseNet121 | VGG16 | Tiny]] = {"densenet121": DenseNet121, "vgg16": VGG16, "tiny": Tiny}
"""The backbones that are built in one way only: without residual branches to drop, with one map."""


def classifier_of(
    backbone: str,
    head: Literal["linear", "dense"],
    *,
    weights: Weights,
    dropout: float,
    drop_path: float,
    map_stride: int | None = None,
    map_centred: bool = False,
) -> Classifier:
    """The whole network. Its head, and what is random in the backbone, come from torch's global generator.

    `dropout` is that of the linear head (the dense head has the reference system's own 0.5, 0.3, 0.2), `drop_path` the
    stochastic depth of EfficientNet-Lite; the map's grid is as in `backbone_of`. `UnusableRecipe` where any is set and
    would do nothing.
    """
    made = backbone_of(backbone, weights=weights, drop_path=drop_path, map_stride=map_stride, map_centred=map_centred)
    if head == "linear":
        return LinearHeadClassifier(made, dropout=dropout)
    if dropout:
        raise UnusableRecipe(
            "recipe-value",
            "The dense head has dropout of its own (0.5, 0.3, 0.2).",
            remedy="Set dropout = 0.0, or head = 'linear'.",
        )
    return DenseHeadClassifier(made)


def backbone_of(
    name: str,
    *,
    weights: Weights,
    drop_path: float,
    map_stride: int | None = None,
    map_centred: bool = False,
) -> Backbone:
    """The backbone that a recipe names; the errors of `weights_for` where its weights cannot be had.

    `map_stride` is how many pixels of the radiograph's side a place of the feature map takes, `None` as published;
    `map_centred` has each place look at the middle of them. The same weights fit all of them. `UnusableRecipe` where
    this backbone cannot be so.
    """
    if name not in backbone_names():
        raise UnusableRecipe(
            "backbone-unknown", f"There is no backbone {name!r}.", remedy=f"Use one of {', '.join(backbone_names())}."
        )
    kind = EfficientNetLite if name in WIDTH_AND_DEPTH else PLAIN[name]
    stride = kind.map_strides[0] if map_stride is None else map_stride
    for wrong, says, remedy in (
        (
            stride not in kind.map_strides,
            f"has no feature map of stride {stride}",
            f"map_stride = {kind.map_strides[0]}",
        ),
        (name in PLAIN and map_centred, "cannot be centred anew", "map_centred = false"),
        (name in PLAIN and drop_path, "has no residual branches to drop", "drop_path = 0.0"),
    ):
        if wrong:
            raise UnusableRecipe("recipe-value", f"{name} {says}.", remedy=f"Set {remedy} in the recipe.")
    if kind is EfficientNetLite:
        backbone: Backbone = EfficientNetLite(name, drop_path=drop_path, map_stride=stride, map_centred=map_centred)
    else:
        backbone = PLAIN[name]()
    found = weights_for(name, weights)
    if found is not None:
        backbone.load_published(found)
    return backbone


def backbone_names() -> tuple[str, ...]:
    """Every backbone that a recipe can name."""
    return (*WIDTH_AND_DEPTH, *PLAIN)
