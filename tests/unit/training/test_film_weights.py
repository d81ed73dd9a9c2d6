from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.errors import UnusableRecipe
from pneumoscope.training.film_weights import film_weights, with_film_weights
from pneumoscope.training.validation_design import atypicality, ranks, resemblance


def test_the_least_typical_normal_film_counts_so_many_times_the_most_typical_one(parts):
    training = parts[0]
    weights = film_weights(training, normals=20, pneumonias=1)
    finding = training.targets > 0.5
    unlike = atypicality(training.rows, training.pictures)
    assert weights[~finding][unlike[~finding].argmax()] == weights[~finding].max()
    ratio = weights[~finding] / weights[~finding].min()
    assert ratio == pytest.approx(20.0 ** (unlike[~finding] - unlike[~finding].min()), rel=1e-5)
    assert (weights[finding] == 1).all()


def test_the_pneumonia_that_looks_most_like_a_normal_film_counts_most(parts):
    training = parts[0]
    weights = film_weights(training, normals=1, pneumonias=4)
    finding = training.targets > 0.5
    like_normal = ranks(-resemblance(training.rows, training.pictures), finding)
    assert weights[finding] / weights[finding].min() == pytest.approx(4.0 ** like_normal[finding], rel=1e-5)
    assert (weights[~finding] == 1).all()


def test_the_mean_weight_of_each_class_is_one_so_that_the_classes_stay_balanced(parts):
    weights = film_weights(parts[0], normals=20, pneumonias=4)
    finding = parts[0].targets > 0.5
    assert [weights[finding].mean(), weights[~finding].mean()] == pytest.approx([1, 1], rel=1e-5)
    assert np.unique(weights).size > 2


def test_a_recipe_without_factors_leaves_every_film_its_weight(recipe, parts):
    assert with_film_weights(recipe, parts[0]) is parts[0]
    weighted = with_film_weights(replace(recipe, atypical_normals_factor=20.0), parts[0])
    assert weighted.weights == pytest.approx(film_weights(parts[0], normals=20, pneumonias=1))


def test_a_factor_below_one_is_refused(recipe):
    with pytest.raises(UnusableRecipe, match="must be at least 1"):
        replace(recipe, atypical_pneumonias_factor=0.5)
