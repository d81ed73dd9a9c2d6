"""The bundle's answers to many pictures that are on the model's grid already, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from pneumoscope.arrays import GrayPicture, ModelInputBatch
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.inference.predictor import Predictor

PICTURES_AT_ONCE = 8
"""Larger batches are no faster on a processor, and take more memory."""

Maps = Float32[np.ndarray, "pictures map_rows map_columns"]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Logits and saliency maps, one a picture."""

    logits: Float[np.ndarray, " pictures"]
    maps: Maps


def answers_to(pictures: Sequence[GrayPicture], predictor: Predictor) -> Answers:
    """Answers to 8-bit pictures of the model's size, in order; there must be one at least."""
    logits, maps = [], []
    for start in range(0, len(pictures), PICTURES_AT_ONCE):
        found, saliency_maps, _ = predictor.run(model_input(np.stack(pictures[start : start + PICTURES_AT_ONCE])))
        logits.append(found)
        maps.append(saliency_maps)
    return Answers(np.concatenate(logits).astype(np.float64), np.concatenate(maps))


def model_input(pictures: UInt8[np.ndarray, "batch size_px size_px"]) -> ModelInputBatch:
    """What the preprocessing makes of pictures that need no sampling."""
    scaled: ModelInputBatch = np.multiply(pictures[:, np.newaxis], np.float32(1 / 255), dtype=np.float32)
    return scaled


def probabilities(
    logits: Float[np.ndarray, " pictures"], calibration: PlattCalibration
) -> Float[np.ndarray, " pictures"]:
    """Calibrated probabilities, one a logit."""
    return np.array([calibration.probability(float(logit)) for logit in logits], np.float64)
