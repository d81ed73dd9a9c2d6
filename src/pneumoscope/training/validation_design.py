"""Which radiographs of `train` a training validates with: drawn at random, a fold, or the NORMAL ones least like the rest.

A random part looks like what is learnt from, so a threshold chosen on it promises too much wherever films look
different: on the official test the NORMAL films are blurrier, and even a logistic regression on thumbnails, right for
96 % of `train`, calls two thirds of them pneumonia. `atypical-normals` holds out the NORMAL films of `train` that are
least sharp and those whose thumbnails look most like pneumonia to a regression that has not seen them, half and half.
Which design foretells the shift is measured by benchmarks/validation_designs.py. `folds` deals the patients out once for
all seeds, and the seed says which fold is held out: the runs of as many seeds as there are folds have together judged
every radiograph of `train` without having learnt from its patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from jaxtyping import Float
from PIL import Image

from pneumoscope.dataset.cues import training_folds
from pneumoscope.dataset.examination import THUMBNAIL_PX
from pneumoscope.dataset.manifest import ManifestRow, refuse_test_rows
from pneumoscope.dataset.pictures import Pictures
from pneumoscope.evaluation.shortcuts import fitted_logits, has_both
from pneumoscope.radiograph.sharpness import laplacian_variance

Atypicality = Float[np.ndarray, " radiographs"]
FOLD_SEED = 0


class ValidationDesign(StrEnum):
    """How the validation part is drawn."""

    RANDOM = "random"
    FOLDS = "folds"
    ATYPICAL_NORMALS = "atypical-normals"


def atypicality(rows: Sequence[ManifestRow], pictures: Pictures) -> Atypicality:
    """How unlike the other NORMAL films each one is, 0 to 1: the greater of two ranks, blurriness and resemblance.

    Rows with the finding are 0. Rows of the test split are refused.
    """
    refuse_test_rows(rows, purpose="the choice of a validation part")
    normal = np.array([not row.has_finding for row in rows])
    blurriness = -np.array([laplacian_variance(picture) for picture in pictures])
    return np.where(normal, np.maximum(ranks(blurriness, normal), ranks(resemblance(rows, pictures), normal)), 0.0)


def resemblance(rows: Sequence[ManifestRow], pictures: Pictures) -> Float[np.ndarray, " radiographs"]:
    """The logit of pneumonia of each thumbnail, by a logistic regression on the other folds of patients.

    Zeros where patients are too few for folds, so that only blurriness counts.
    """
    thumbnails = np.stack([thumbnail(picture) for picture in pictures])
    folds = training_folds(rows, np.random.default_rng(FOLD_SEED))
    labels = np.array([row.has_finding for row in rows])
    logits = np.zeros(len(rows))
    for fold in np.unique(folds[folds >= 0]):
        others = (folds >= 0) & (folds != fold)
        if has_both(labels[others]):
            logits[folds == fold] = fitted_logits(thumbnails[others], labels[others], thumbnails[folds == fold])
    return logits


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """28 x 28 gray values in [0, 1], one after another."""
    small = Image.fromarray(picture).resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS)
    return np.asarray(small, np.float64).ravel() / 255


def ranks(values: Float[np.ndarray, " radiographs"], among: np.ndarray) -> Atypicality:
    """The rank of each value among the chosen ones, 0 (lowest) to 1."""
    found = np.zeros(len(values))
    order = values[among].argsort(kind="stable").argsort(kind="stable")
    found[among] = order / max(1, len(order) - 1)
    return found
