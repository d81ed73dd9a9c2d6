"""Deletion and insertion with a model whose answer is the gray of known pixels."""

from types import SimpleNamespace

import numpy as np
import pytest

from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.explanation_audit.faithfulness import STEPS, area_under, baselines, faithfulness, pixel_ranks
from pneumoscope.inference.predictor import Predictor


class BrightCorner(Predictor):
    """Its logit is the mean gray of the upper left quarter, 1 where that is white."""

    def __init__(self):
        self.bundle = SimpleNamespace(card=SimpleNamespace(calibration=PlattCalibration(1.0, 0.0)))

    def run(self, batch):
        size = batch.shape[-1] // 2
        logits = batch[:, 0, :size, :size].mean(axis=(1, 2))
        return logits, np.zeros((len(batch), 4, 4), np.float32), None


@pytest.fixture
def gray():
    gray = np.zeros((32, 32), np.uint8)
    gray[:16, :16] = 255
    return gray


@pytest.fixture
def lungs():
    lungs = np.zeros((32, 32), bool)
    lungs[:, 16:] = True  # all dark, so the lungs' mean is black
    return lungs


def quarter(row, column):
    saliency_map = np.zeros((2, 2), np.float32)
    saliency_map[row, column] = 1
    return np.kron(saliency_map, np.ones((16, 16), np.float32))


def test_the_area_under_a_line_from_one_to_zero_is_a_half():
    assert area_under(np.linspace(1, 0, 9)) == pytest.approx(0.5)


def test_a_map_on_the_deciding_pixels_loses_the_answer_first_and_gains_it_first(gray, lungs):
    orders = {"right": quarter(0, 0), "wrong": quarter(1, 1)}
    areas = faithfulness(gray, lungs, orders, BrightCorner())
    # an eighth of all pixels is half of the quarter: the curve falls 1, 1/2, 0, 0, ... and the wrong map keeps 1 to the end
    assert areas["deletion/lung-mean/right/logit"] == pytest.approx((0.5 + 0.5) / STEPS, abs=1e-3)
    assert areas["insertion/lung-mean/right/logit"] == pytest.approx(1 - 1 / STEPS, abs=1e-3)
    assert areas["deletion/lung-mean/wrong/logit"] > 0.4
    assert areas["insertion/lung-mean/wrong/logit"] < 0.6
    assert areas["deletion/lung-mean/right/probability"] == pytest.approx(
        (5.5 * 0.5 + 1 / (1 + np.exp(-0.5)) + 0.5 * (1 / (1 + np.exp(-1))) + 1 * 0.5) / STEPS, abs=1e-3
    )
    assert areas["without/lung-mean/logit"] == pytest.approx(0)


def test_without_lungs_only_the_blur_can_stand_for_a_taken_pixel(gray):
    assert set(baselines(gray, None)) == {"blur"}
    assert {name.split("/")[1] for name in faithfulness(gray, None, {"map": quarter(0, 0)}, BrightCorner())} == {"blur"}


def test_pixels_are_ranked_from_hottest_each_once():
    ranks = pixel_ranks(np.array([[0, 1], [2, 3]], np.float32), 4)
    assert sorted(ranks.ravel()) == list(range(16))
    assert ranks[3, 3] == 0
    assert ranks[0, 0] == 15
