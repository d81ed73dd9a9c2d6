"""Occlusion and RISE on answers whose true map is known, with a clock that tests turn."""

import numpy as np
import pytest

from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.masking import Asking
from pneumoscope.explanation.occlusion import corners_in_order, occlusion_map
from pneumoscope.explanation.rise import random_masks, rise_map

SIZE_PX = 56
BRIGHT = np.s_[8:16, 40:48]
DARK = np.s_[40:48, 8:16]


def planted() -> np.ndarray:
    picture = np.full((1, SIZE_PX, SIZE_PX), 0.5, np.float32)
    picture[0][BRIGHT] = 1.0
    picture[0][DARK] = 0.0
    return picture


def answers(batch: np.ndarray) -> np.ndarray:
    """Brightness of one place for, darkness of another against: 2 and -1 logit units when all of it is there."""
    seen = batch[:, 0]
    return (seen[:, *BRIGHT].mean((1, 2)) - 0.5) * 4 - (0.5 - seen[:, *DARK].mean((1, 2))) * 2


class Clock:
    """Each batch takes a second."""

    def __init__(self) -> None:
        self.seconds = -1.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


def test_occlusion_finds_what_speaks_for_and_what_against_in_units_of_the_answer():
    found = occlusion_map(planted(), Asking(answers=answers), cells=7, window_cells=1)
    assert found.saliency_map.shape == (7, 7)
    assert found.saliency_map[1, 5] == pytest.approx(2, abs=0.01)
    assert found.saliency_map[5, 1] == pytest.approx(-1, abs=0.01)
    elsewhere = np.delete(found.saliency_map.ravel(), [1 * 7 + 5, 5 * 7 + 1])
    assert np.abs(elsewhere).max() < 0.01
    assert (found.masks, found.planned_masks) == (49, 49)


def test_larger_windows_blur_the_map_but_keep_its_peak():
    found = occlusion_map(planted(), Asking(answers=answers))
    row, column = np.unravel_index(found.saliency_map.argmax(), found.saliency_map.shape)
    assert (row // 2, column // 2) == (1, 5)
    assert found.planned_masks == 13 * 13


def test_the_first_windows_cover_the_picture_once():
    corners = corners_in_order(14, 2, np.random.default_rng(0))
    assert sorted(corners[:49]) == [(row, column) for row in range(0, 14, 2) for column in range(0, 14, 2)]
    assert len(set(corners)) == len(corners) == 169


def test_windows_that_do_not_tile_the_grid_still_reach_its_end():
    corners = corners_in_order(5, 2, np.random.default_rng(0))
    assert (3, 3) in corners[:9]
    assert len(corners) == 16


def test_rise_finds_what_speaks_for_and_what_against():
    found = rise_map(planted(), Asking(answers=answers), masks=1500)
    cell = 28 / SIZE_PX
    best = np.unravel_index(found.saliency_map.argmax(), (28, 28))
    worst = np.unravel_index(found.saliency_map.argmin(), (28, 28))
    assert best == pytest.approx((12 * cell, 44 * cell), abs=2)
    assert worst == pytest.approx((44 * cell, 12 * cell), abs=2)
    assert 1.5 < found.saliency_map.max() < 2.5
    assert -1.4 < found.saliency_map.min() < -0.7
    assert abs(np.median(found.saliency_map)) < 0.15


def test_rise_ranks_places_as_the_published_formula():
    asking = Asking(answers=answers)
    found = rise_map(planted(), asking, masks=400, seed=3)
    masks = np.stack(list(random_masks(400, 7, SIZE_PX, np.random.default_rng(3))))
    cover = planted().mean()
    published = np.tensordot(answers(cover + masks[:, np.newaxis] * (planted() - cover)), masks, axes=1) / masks.sum(0)
    at_cells = published[1::2, 1::2]
    assert np.corrcoef(at_cells.ravel(), found.saliency_map.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("method", [occlusion_map, rise_map])
def test_the_same_seed_gives_the_same_map_and_another_seed_another_order(method):
    def made(seed: int) -> np.ndarray:
        return method(planted(), Asking(answers=answers, budget_seconds=2, clock=Clock()), seed=seed).saliency_map

    assert np.array_equal(made(0), made(0))
    assert not np.array_equal(made(0), made(1))


@pytest.mark.parametrize("method", [occlusion_map, rise_map])
def test_the_batch_does_not_change_the_map(method):
    one, many = (method(planted(), Asking(answers=answers, batch_size=size)).saliency_map for size in (1, 64))
    assert one == pytest.approx(many, abs=1e-5)


@pytest.mark.parametrize(("method", "planned"), [(occlusion_map, 169), (rise_map, 2000)])
def test_after_the_budget_no_further_batch_is_begun(method, planned):
    heard = []
    asking = Asking(
        answers=answers, budget_seconds=3, clock=Clock(), watch=lambda done, planned: heard.append((done, planned))
    )
    found = method(planted(), asking)
    assert (found.masks, found.planned_masks) == (48, planned)
    assert heard == [(16, planned), (32, planned), (48, planned)]


def test_a_short_occlusion_still_covers_most_of_the_picture():
    found = occlusion_map(planted(), Asking(answers=answers, budget_seconds=3, clock=Clock()))
    row, column = np.unravel_index(found.saliency_map.argmax(), (14, 14))
    assert (row // 2, column // 2) == (1, 5)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (lambda: Asking(answers=answers, batch_size=0), "batch-impossible"),
        (lambda: Asking(answers=answers, budget_seconds=0), "budget-impossible"),
        (lambda: Asking(answers=answers, budget_seconds=float("nan")), "budget-impossible"),
        (lambda: occlusion_map(planted(), Asking(answers=answers), cells=2, window_cells=3), "window-impossible"),
        (lambda: rise_map(planted(), Asking(answers=answers), masks=1), "masks-impossible"),
    ],
)
def test_impossible_settings_say_so(wrong, code):
    with pytest.raises(UnusableOption) as caught:
        wrong()
    assert caught.value.code == code
