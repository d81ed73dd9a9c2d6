"""How much each radiograph counts in the loss: more where it is unlike the others of its class.

Films that look different from those learnt from are where a training fails, and `train` has few of them. To count them
more is importance weighting for a shift of the films (Shimodaira 2000, doi:10.1016/S0378-3758(00)00115-4), with a rank
of unlikeness in place of a ratio of densities that nobody knows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from pneumoscope.training.data import TrainingData
from pneumoscope.training.recipe import Recipe
from pneumoscope.training.validation_design import atypicality, ranks, resemblance


def with_film_weights(recipe: Recipe, training: TrainingData) -> TrainingData:
    """The part with the weights that the recipe asks for; the same part where it asks for none."""
    if recipe.atypical_normals_factor == recipe.atypical_pneumonias_factor == 1:
        return training
    return replace(
        training,
        weights=film_weights(
            training, normals=recipe.atypical_normals_factor, pneumonias=recipe.atypical_pneumonias_factor
        ),
    )


def film_weights(training: TrainingData, *, normals: float, pneumonias: float) -> Float[np.ndarray, " radiographs"]:
    """A factor ** rank, the rank of unlikeness from 0 to 1; the mean is 1 in each class, so that the classes stay balanced.

    NORMAL films are ranked as for the validation part, pneumonias by how much their thumbnails look like NORMAL films.
    The least typical film of a class counts `normals` or `pneumonias` times as much as the most typical one.
    """
    finding = training.targets > 0.5
    unlike = atypicality(training.rows, training.pictures)
    like_normal = ranks(-resemblance(training.rows, training.pictures), finding)
    weights = np.where(finding, pneumonias**like_normal, normals**unlike)
    for members in (finding, ~finding):
        weights[members] /= weights[members].mean()
    return weights.astype(np.float32)
