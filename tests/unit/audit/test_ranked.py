import numpy as np
import pytest

from pneumoscope.audit.ranked import RankedScores, equal_parts, mean_of
from pneumoscope.evaluation.metrics import area_under_roc


def test_auroc_of_any_draw_is_that_of_the_evaluation(generator):
    scores = generator.integers(0, 20, 200).astype(float)  # with ties
    labels = generator.random(200) < 0.4
    ranked = RankedScores.of(scores, labels)
    for rows in (np.arange(200), generator.integers(200, size=200), generator.integers(200, size=50)):
        assert ranked.auroc(rows) == pytest.approx(area_under_roc(scores[rows], labels[rows]))


def test_within_strata_only_pairs_of_one_stratum_count():
    scores = np.array([1.0, 2.0, 3.0, 10.0, 11.0, 12.0])
    labels = np.array([False, True, False, True, False, True])
    strata = np.array([0, 0, 0, 1, 1, 1])
    # of all 9 pairs, 2 wins one, 10 wins two, 12 wins three
    # stratum 0: 2 > 1, 2 < 3: 1 of 2; stratum 1: 10 < 11, 12 > 11: 1 of 2
    assert RankedScores.of(scores, labels, strata).auroc(np.arange(6)) == 0.5
    assert RankedScores.of(scores, labels).auroc(np.arange(6)) == pytest.approx(6 / 9)


def test_a_score_that_only_tells_the_stratum_is_worth_nothing_within_strata(generator):
    strata = generator.integers(0, 4, 300)
    labels = generator.random(300) < (0.1 + 0.25 * strata)
    assert RankedScores.of(strata.astype(float), labels).auroc(np.arange(300)) > 0.7
    assert RankedScores.of(strata.astype(float), labels, strata).auroc(np.arange(300)) == 0.5


def test_strata_are_pooled_by_their_pairs(generator):
    scores, strata = generator.normal(size=90), generator.integers(0, 3, 90)
    labels = generator.random(90) < 0.5
    won = pairs = 0.0
    for number in range(3):
        inside = strata == number
        there = labels[inside].sum() * (~labels[inside]).sum()
        won += there * area_under_roc(scores[inside], labels[inside])
        pairs += there
    assert RankedScores.of(scores, labels, strata).auroc(np.arange(90)) == pytest.approx(won / pairs)


def test_what_is_not_known_takes_no_part():
    scores = np.array([0.0, np.nan, 1.0, 2.0])
    labels = np.array([True, True, False, True])
    strata = np.array([0, 0, 0, -1])
    ranked = RankedScores.of(scores, labels, strata)
    assert ranked.known.tolist() == [True, False, True, False]
    assert ranked.auroc(np.arange(4)) == 0.0


def test_without_a_pair_there_is_no_auroc():
    ranked = RankedScores.of(np.array([0.0, 1.0]), np.array([True, False]))
    assert np.isnan(ranked.auroc(np.array([0, 0])))
    nothing = RankedScores.of(np.array([np.nan, np.nan]), np.array([True, False]))
    assert np.isnan(nothing.auroc(np.arange(2)))


def test_the_mean_is_over_what_is_known():
    values = np.array([1.0, np.nan, 4.0])
    assert mean_of(values, np.array([0, 1, 2, 2])) == 3.0
    assert np.isnan(mean_of(values, np.array([1])))


def test_equal_parts_hold_equally_many_and_equal_values_stay_together():
    parts = equal_parts(np.array([5.0, 1.0, np.nan, 3.0, 7.0]), 2)
    assert parts.tolist() == [1, 0, -1, 0, 1]
    assert equal_parts(np.array([2.0, 2.0, 2.0]), 10).max() == equal_parts(np.array([2.0, 2.0, 2.0]), 10).min()
