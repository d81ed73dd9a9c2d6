import numpy as np
import pytest

from pneumoscope.audit.outlines import on_grid_of, outline_of, outlines_of, usual_lungs
from pneumoscope.radiograph.preprocessing import Preprocessing

PREPROCESSING = Preprocessing()


def test_a_place_of_the_outline_is_the_share_that_is_lung():
    mask = np.zeros((224, 224), bool)
    mask[:8, :4] = True  # half of the first place of 8 x 8 pixels
    mask[8:16, 8:16] = True
    outline = outline_of(mask, PREPROCESSING).reshape(28, 28)
    assert outline[0, 0] == 0.5
    assert outline[1, 1] == 1
    assert outline.sum() == 1.5


def test_an_outline_does_not_depend_on_the_resolution_of_the_mask():
    mask = np.zeros((112, 112), bool)
    mask[28:84, 56:] = True
    large = np.repeat(np.repeat(mask, 4, axis=0), 4, axis=1)
    assert np.array_equal(outline_of(mask, PREPROCESSING), outline_of(large, PREPROCESSING))


def test_lungs_are_usually_where_one_mask_in_twenty_has_them():
    outlines = np.zeros((40, 784), np.float32)
    outlines[:2, 0] = 1  # two of forty: one in twenty
    outlines[0, 1] = 1
    unknown = np.full((5, 784), np.nan, np.float32)
    usual = usual_lungs(np.concatenate([outlines, unknown]))
    assert usual[0].tolist() == [True] + [False] * 27
    assert usual.sum() == 1
    assert usual_lungs(unknown) is None


def test_the_usual_lungs_lie_on_any_grid():
    usual = np.zeros((28, 28), bool)
    usual[:14] = True
    mask = on_grid_of(usual, (300, 200))
    assert mask.shape == (300, 200)
    assert mask[:149].all()
    assert not mask[151:].any()


def test_rows_without_a_mask_have_no_outline(labelled):
    class FirstOnly:
        description = "of the first"

        def mask_of(self, row, gray):
            mask = np.zeros(gray.shape, bool)
            mask[: len(mask) // 2] = True
            return mask if row is labelled.rows[0] else None

    settings = {"workers": 2, "watched": lambda items, total: items}
    outlines = outlines_of(labelled.rows[:3], labelled.data, FirstOnly(), PREPROCESSING, **settings)
    assert outlines[0].mean() == pytest.approx(0.5)
    assert np.isnan(outlines[1:]).all()
    assert outlines_of([], labelled.data, FirstOnly(), PREPROCESSING, **settings).shape == (0, 784)
