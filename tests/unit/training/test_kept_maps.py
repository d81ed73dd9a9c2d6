"""Whether maps stay when weights are stored in fewer bits, by hand."""

import json
import math

import numpy as np
import pytest

from pneumoscope.audit.limits import read_limits
from pneumoscope.explanation_audit.question import ROWS
from pneumoscope.training.kept_maps import LEAST_CORRELATION, LEAST_HOTTEST_SHARE, MapsKept, maps_kept

ONE = np.array([[0.0, 1.0], [2.0, 3.0]])
TURNED = ONE[::-1, ::-1]  # its correlation with the one is -1, its hottest place the first
BEFORE = np.stack([ONE, ONE, ONE, ONE])


def test_correlation_is_the_mean_of_all_and_the_hottest_place_is_asked_of_positive_decisions():
    after = np.stack([ONE * 2 + 1, ONE, ONE, TURNED])
    decided = np.array([True, True, False, True])
    kept = maps_kept(BEFORE, after, decided)
    assert kept.correlation == pytest.approx((1 + 1 + 1 - 1) / 4)
    assert kept.hottest_share == pytest.approx(2 / 3)
    assert not kept.hold
    assert maps_kept(BEFORE, after[:3].repeat([1, 1, 2], axis=0), decided).hold


def test_each_of_the_two_alone_is_too_little():
    assert MapsKept(LEAST_CORRELATION, LEAST_HOTTEST_SHARE).hold
    assert not MapsKept(LEAST_CORRELATION - 0.001, 1.0).hold
    assert not MapsKept(1.0, LEAST_HOTTEST_SHARE - 0.001).hold


def test_a_map_without_a_pattern_has_none_to_lose_but_one_that_loses_it_counts_as_nothing():
    flat, decided = np.zeros((2, 2)), np.array([True, False])
    assert maps_kept(np.stack([ONE, flat]), np.stack([ONE, flat]), decided).correlation == pytest.approx(1)
    assert maps_kept(np.stack([ONE, ONE]), np.stack([ONE, flat]), decided).correlation == pytest.approx(0.5)


def test_what_was_not_measured_has_not_been_shown_to_stay():
    without_positives = maps_kept(BEFORE, BEFORE, np.zeros(4, bool))
    assert math.isnan(without_positives.hottest_share)
    without_patterns = maps_kept(BEFORE * 0, BEFORE * 0, np.ones(4, bool))
    assert math.isnan(without_patterns.correlation)
    for kept in (without_positives, without_patterns):
        assert not kept.hold
        assert None in json.loads(json.dumps(kept.to_dict(), allow_nan=False)).values()


def test_the_limits_are_those_of_the_gate_of_compressed_bundles():
    limits = read_limits(None, ROWS, room="pneumoscope.explanation_audit").by_row
    assert limits["against.correlation"].at_least == LEAST_CORRELATION
    assert limits["against.hottest-cell"].at_least == LEAST_HOTTEST_SHARE
