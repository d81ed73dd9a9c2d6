"""Shifts are shifted back; a map that moves with the film is a stable one."""

import numpy as np
import pytest

from pneumoscope.explanation_audit.answers import Answers
from pneumoscope.explanation_audit.maps import random_map, rank_correlation
from pneumoscope.explanation_audit.stability import (
    CHANGES,
    SIDES,
    changed,
    shift_px,
    shifted,
    shifted_back,
    stability,
    turned_decisions,
)
from support.phantom import chest_phantom


def test_a_shift_moves_the_picture_and_draws_its_edge_on():
    gray = np.arange(16, dtype=np.uint8).reshape(4, 4)
    moved = shifted(gray, 1, -1)
    np.testing.assert_array_equal(moved[1:, :3], gray[:3, 1:])
    np.testing.assert_array_equal(moved[0], [1, 2, 3, 3])


def test_a_map_that_moves_with_the_film_is_the_same_once_shifted_back():
    before = random_map((64, 64), np.random.default_rng(0))
    after = np.roll(before, (4, 0), axis=(0, 1))
    assert rank_correlation(*shifted_back(before, after, (4, 0), 64)) == pytest.approx(1)
    assert rank_correlation(*shifted_back(before, before, (4, 0), 64)) < 0.5


def test_the_same_maps_are_stable_and_others_are_not():
    one, other = (random_map((7, 7), np.random.default_rng(seed)) for seed in (0, 1))
    for number, change in enumerate(CHANGES[1:]):
        maps = np.stack([one] * (len(SIDES) + 3))
        maps[len(SIDES) + number] = other
        found = stability(one, Answers(np.zeros(len(maps)), maps), 224)
        kept = [name for name in CHANGES[1:] if name != change]
        assert all(found[f"stability/{name}/ranks"] == pytest.approx(1) for name in kept)
        assert found[f"stability/{change}/values"] < 0.5


def test_every_change_leaves_a_picture_of_the_same_size_that_looks_the_same():
    gray = chest_phantom(112, 112, np.random.default_rng(0))
    copies = changed(gray, np.random.default_rng(0))
    assert len(copies) == len(SIDES) + 3
    assert all(copy.shape == gray.shape and copy.dtype == np.uint8 for copy in copies)
    differences = [np.abs(copy.astype(int) - gray.astype(int)).mean() for copy in copies]
    assert min(differences) > 0
    assert max(differences) < 20
    assert shift_px(112) == 2


def test_a_quarter_of_the_shifts_turning_is_a_quarter_of_a_decision():
    turned = turned_decisions(True, np.array([True, True, False, True, True, False, True]))
    assert turned == {"turned/shift": 0.25, "turned/noise": 0, "turned/jpeg-90": 1, "turned/jpeg-60": 0}
