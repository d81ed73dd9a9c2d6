"""From the names in a recipe to a network: a backbone with its weights, and a head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from pneumoscope.errors import MissingExtra, UnusableRecipe
from pneumoscope.model.backbone import Backbone
from pneumoscope.model.classifier import Classifier, LinearHeadClassifier
from pneumoscope.model.dense_head import DenseHeadClassifier
from pneumoscope.model.densenet121 import DenseNet121
from pneumoscope.model.efficientnet_lite import WIDTH_AND_DEPTH, EfficientNetLite
from pneumoscope.model.published import Weights, weights_for
from pneumoscope.model.tiny import Tiny
from pneumoscope.model.vgg16 import VGG16

PLAIN: Mapping[str, Callable[[], Backbone]] = {"densenet121": DenseNet121, "vgg16": VGG16, "tiny": Tiny}
"""The backbones without residual branches, which drop_path could leave out."""


def classifier_of(
    backbone: str, head: Literal["linear", "dense"], *, weights: Weights, dropout: float, drop_path: float
) -> Classifier:
    """The whole network. Its head, and what is random in the backbone, come from torch's global generator.

    `dropout` is that of the linear head (the dense head has the reference system's own 0.5, 0.3, 0.2), `drop_path` the
    stochastic depth of EfficientNet-Lite. `UnusableRecipe` where either is set and would do nothing.
    """
    made = backbone_of(backbone, weights=weights, drop_path=drop_path)
    if head == "linear":
        return LinearHeadClassifier(made, dropout=dropout)
    if dropout:
        raise UnusableRecipe(
            "recipe-value",
            "The dense head has dropout of its own (0.5, 0.3, 0.2).",
            remedy="Set dropout = 0.0, or head = 'linear'.",
        )
    return DenseHeadClassifier(made)


def backbone_of(name: str, *, weights: Weights, drop_path: float) -> Backbone:
    """The backbone that a recipe names; the errors of `weights_for` where its weights cannot be had."""
    if name not in backbone_names():
        raise MissingExtra(
            "backbone-unknown", f"There is no backbone {name!r}.", remedy=f"Use one of {', '.join(backbone_names())}."
        )
    if name in WIDTH_AND_DEPTH:
        backbone: Backbone = EfficientNetLite(name, drop_path=drop_path)
    elif drop_path:
        raise UnusableRecipe(
            "recipe-value", f"{name} has no residual branches to drop.", remedy="Set drop_path = 0.0 in the recipe."
        )
    else:
        backbone = PLAIN[name]()
    found = weights_for(name, weights)
    if found is not None:
        backbone.load_published(found)
    return backbone


def backbone_names() -> tuple[str, ...]:
    """Every backbone that a recipe can name."""
    return (*WIDTH_AND_DEPTH, *PLAIN)
