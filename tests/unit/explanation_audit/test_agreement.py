"""What a covered place itself loses, by stand-ins for a network whose answer is known."""

import numpy as np
import pytest

from pneumoscope.explanation_audit.agreement import covered_alone
from pneumoscope.inference.predictor import Predictor

CELLS, SIZE_PX = 4, 32
SIDE = SIZE_PX // CELLS


class CellMeans(Predictor):
    """The map holds how much brighter than the middle gray each cell is, seen `turn` columns farther right."""

    def __init__(self, turn: int = 0) -> None:
        self.turn = turn

    def run(self, batch):
        cells = batch[:, 0].reshape(len(batch), CELLS, SIDE, CELLS, SIDE).mean(axis=(2, 4))
        maps = np.roll(cells - 0.5, self.turn, axis=2).astype(np.float32)
        return maps.sum(axis=(1, 2)), maps, np.zeros((len(batch), 1), np.float32)


@pytest.fixture
def gray(generator):
    """Cells of one gray each, with the mean 127.5, which is what a covered place gets."""
    half = generator.integers(0, 100, CELLS * CELLS // 2)
    cells = generator.permutation(np.concatenate([half, 255 - half])).reshape(CELLS, CELLS)
    return np.repeat(np.repeat(cells, SIDE, axis=0), SIDE, axis=1).astype(np.uint8)


def covered(gray, network):
    saliency_map = network.run((gray / 255).astype(np.float32)[np.newaxis, np.newaxis])[1][0]
    return covered_alone(gray, saliency_map, network)


def test_a_map_that_shows_what_lies_in_each_place_loses_just_that(gray):
    found = covered(gray, CellMeans())
    assert found["agreement/own/values"] == pytest.approx(1, abs=1e-4)
    assert found["agreement/own/ranks"] == pytest.approx(1, abs=1e-4)
    assert found["agreement/own/top"] == 1
    assert found["agreement/own/far"] == pytest.approx(0, abs=1e-4)


def test_a_map_that_shows_what_lies_two_places_on_loses_nothing_where_it_is_covered(gray):
    assert covered(gray, CellMeans(turn=2))["agreement/own/far"] == pytest.approx(1, abs=1e-4)
