"""The closed forms against worked cases; against autograd in tests/unit/model/test_reference_maps.py."""

import numpy as np
import pytest

from pneumoscope.explanation.gradient_maps import (
    MapGradient,
    grad_cam,
    grad_cam_plus_plus,
    gradient_of_mean,
    hires_cam,
    layer_cam,
)

FEATURE_MAP = np.array([[[1, 2], [3, 4]], [[0, 0], [0, 8]]], np.float32)
WEIGHT = np.array([0.5, -0.25], np.float32)
"""Mean gradient of each channel: a linear head of 2 and -1 over four cells."""


def test_with_a_constant_gradient_hirescam_is_grad_cam():
    values = gradient_of_mean(WEIGHT, FEATURE_MAP, pool=1)
    assert grad_cam(values).tolist() == [[0.5, 1.0], [1.5, 0.0]]
    assert hires_cam(values).tolist() == grad_cam(values).tolist()


def test_layercam_leaves_out_the_channels_that_speak_against():
    values = gradient_of_mean(WEIGHT, FEATURE_MAP, pool=1)
    assert layer_cam(values).tolist() == [[0.5, 1.0], [1.5, 2.0]]


def test_grad_cam_plus_plus_weighs_a_channel_less_the_more_of_it_there_is():
    values = gradient_of_mean(WEIGHT, FEATURE_MAP, pool=1)
    # alpha = g² / (2 g² + S g³) = 1 / (2 + 10 · 0.5) = 1/7, times g = 0.5; the other channel's gradient is negative
    assert grad_cam_plus_plus(values) == pytest.approx(FEATURE_MAP[0] / 14)


def test_behind_a_max_pool_the_whole_gradient_goes_to_the_largest_cell():
    values = gradient_of_mean(WEIGHT, FEATURE_MAP, pool=2)
    assert values.gradient.tolist() == [[[0, 0], [0, 2.0]], [[0, 0], [0, -1.0]]]
    assert hires_cam(values).tolist() == [[0, 0], [0, 0.0]]
    assert grad_cam(values).tolist() == [[0.5, 1.0], [1.5, 0.0]]


def test_of_equal_cells_the_first_has_the_gradient_and_odd_rows_have_none():
    values = gradient_of_mean(np.array([1.0], np.float32), np.ones((1, 3, 3), np.float32), pool=2)
    assert values.gradient.tolist() == [[[9.0, 0, 0], [0, 0, 0], [0, 0, 0]]]


def test_a_channel_of_zeros_gives_nothing():
    values = MapGradient(np.zeros((1, 2, 2), np.float32), np.zeros((1, 2, 2), np.float32))
    assert all(not made(values).any() for made in (grad_cam, grad_cam_plus_plus, hires_cam, layer_cam))
