"""Networks as a training run has left them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pneumoscope.errors import UnusableOption
from pneumoscope.model.build import classifier_of
from pneumoscope.model.classifier import Classifier
from pneumoscope.model.weights_file import read_safetensors

WRAPPED = "classifier."


def trained_classifier(
    weights: Path,
    *,
    backbone: str = "efficientnet-lite0",
    head: Literal["linear", "dense"] = "linear",
    map_stride: int | None = None,
    map_centred: bool = False,
) -> Classifier:
    """The network of a training run with its weights (`.safetensors`), evaluating; the map's grid is its recipe's.

    `UnusableOption` where the weights are of another network.
    """
    classifier = classifier_of(
        backbone,
        head,
        weights="random",
        dropout=0.0,
        drop_path=0.0,
        map_stride=map_stride,
        map_centred=map_centred,
    )
    found = {name.removeprefix(WRAPPED): value for name, value in read_safetensors(weights).items()}
    try:
        classifier.load_state_dict(found)
    except RuntimeError as error:
        raise UnusableOption(
            "weights-of-another-network",
            f"{weights} does not hold the weights of {backbone} with a {head} head.",
            remedy="Name backbone and head of the recipe that they were trained with.",
        ) from error
    return classifier.eval()
