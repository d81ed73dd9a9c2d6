"""Maps alone: correlations by another implementation, places and shares by hand."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from pneumoscope.explanation_audit.maps import (
    centred_prior,
    correlation,
    hottest_pixel,
    points_into,
    random_map,
    rank_correlation,
    shared_top,
    stretched,
    times_chance,
)


def test_rank_correlation_is_spearmans_with_ties_at_their_mean_rank():
    generator = np.random.default_rng(0)
    one, other = (generator.integers(0, 5, (7, 7)).astype(np.float32) for _ in range(2))
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel()).statistic, abs=1e-12)
    assert correlation(one, other) == pytest.approx(pearsonr(one.ravel(), other.ravel()).statistic, abs=1e-6)


def test_shared_top_is_the_share_of_the_strongest_tenth_that_is_in_both_whatever_its_sign():
    one, other = np.zeros((2, 20), np.float32), np.zeros((2, 20), np.float32)
    one.flat[[3, 8, 21, 30]] = (5, -4, 3, 2)
    other.flat[[3, 8, 21, 31]] = (-1, 2, 3, 4)
    assert shared_top(one, other) == 3 / 4
    assert shared_top(one, -one) == 1
    assert shared_top(np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)) == 1  # one place of four: the first


def test_a_map_that_is_the_same_everywhere_tells_nothing_of_another():
    assert rank_correlation(np.ones((2, 2), np.float32), random_map((2, 2), np.random.default_rng(0))) == 0


def test_the_hottest_place_points_at_the_pixel_in_its_middle():
    saliency_map = np.zeros((7, 7), np.float32)
    saliency_map[1, 5] = 1
    assert hottest_pixel(saliency_map, 224) == (48, 176)
    mask = np.zeros((224, 224), bool)
    assert points_into(saliency_map, mask) == 0
    mask[48, 176] = True
    assert points_into(saliency_map, mask) == 1


def test_a_map_with_nothing_for_the_finding_points_nowhere():
    assert np.isnan(points_into(-np.ones((7, 7), np.float32), np.ones((224, 224), bool)))


def test_all_evidence_in_a_quarter_of_the_picture_is_four_times_chance():
    saliency_map = np.array([[3, 0], [0, -5]], np.float32)
    mask = np.zeros((8, 8), bool)
    mask[:4, :4] = True
    assert times_chance(saliency_map, mask) == pytest.approx(4)


def test_a_stretched_map_keeps_its_values_in_the_middle_of_its_places():
    saliency_map = random_map((7, 7), np.random.default_rng(0))
    fine = stretched(saliency_map, 7 * 9)
    np.testing.assert_allclose(fine[4::9, 4::9], saliency_map, atol=1e-6)


def test_the_centred_prior_is_hottest_in_the_middle_and_alike_on_all_sides():
    prior = centred_prior((7, 7))
    assert prior.argmax() == 24
    np.testing.assert_allclose(prior, prior[::-1, ::-1])
    np.testing.assert_allclose(prior, prior.T)
