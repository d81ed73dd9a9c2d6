import numpy as np
import pytest
from scipy.ndimage import laplace

from pneumoscope.radiograph.sharpness import laplacian_variance


def test_a_flat_picture_and_a_ramp_have_no_sharpness():
    assert laplacian_variance(np.full((5, 6), 90, np.uint8)) == 0
    assert laplacian_variance(np.tile(np.arange(6, dtype=np.uint8), (5, 1))) == 0


def test_one_bright_pixel_worked_by_hand():
    """Inner Laplacians of a 3 x 4 picture with one 10: -40 at the pixel, 10 beside it; mean -15, variance 625."""
    gray = np.zeros((3, 4), np.uint8)
    gray[1, 1] = 10
    assert laplacian_variance(gray) == 625


def test_it_is_the_variance_of_scipys_laplacian_over_the_inner_pixels(generator):
    gray = generator.integers(0, 256, (40, 30), dtype=np.uint8)
    expected = laplace(gray.astype(np.float64))[1:-1, 1:-1].var()
    assert laplacian_variance(gray) == pytest.approx(expected, rel=1e-5)


def test_a_picture_without_inner_pixels_has_none():
    assert np.isnan(laplacian_variance(np.zeros((2, 9), np.uint8)))
