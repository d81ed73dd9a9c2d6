"""The sheet holds the radiograph, the overlay and the words, whatever their size."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.lettering import (
    ELLIPSIS,
    SIGNS,
    drawable,
    font,
    lettered,
    shortened,
    text_width_px,
    wrapped,
)
from pneumoscope.explanation.overlay import BACKGROUND, OverlayCaption, draw_overlay
from support.phantom import chest_phantom

COLORING = Coloring(scale_logit=1.0)
CAPTION = OverlayCaption(file_name="IM-0001.jpeg", answer="Probability of pneumonia 0.93. PNEUMONIA")


def phantom(rows, columns):
    return chest_phantom(rows, columns, np.random.default_rng(2))


def hot_map():
    saliency_map = np.zeros((7, 7), np.float32)
    saliency_map[4, 1] = 1.0
    return saliency_map


def test_the_radiograph_stands_on_the_sheet_unchanged_at_its_own_resolution():
    gray = phantom(500, 600)
    sheet = np.asarray(draw_overlay(gray, hot_map(), COLORING, CAPTION, panel_px=None))
    margin = 18  # 1.2 times the smallest text, 15 px
    left = sheet[:, margin : margin + 600]
    tops = [top for top in range(sheet.shape[0] - 500) if (left[top : top + 500, :, 0] == gray).all()]
    assert len(tops) == 1
    np.testing.assert_array_equal(left[tops[0] : tops[0] + 500], np.repeat(gray[:, :, np.newaxis], 3, axis=2))


def test_only_the_overlay_and_the_key_have_colour():
    sheet = np.asarray(draw_overlay(phantom(600, 600), hot_map(), COLORING, CAPTION)).astype(int)
    colored = np.argwhere(np.ptp(sheet, axis=2) > 40)
    assert colored[:, 1].min() > 600 + 2 * 16
    assert len(colored) > 1000


def test_panels_are_limited_on_the_longer_side():
    sheet = draw_overlay(phantom(900, 1800), hot_map(), COLORING, CAPTION)
    assert 2 * 1024 < sheet.width < 2 * 1024 + 400
    assert 512 < sheet.height < 512 + 300


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (1000, 90), (90, 1000), (1, 1), (2, 3000)])
@pytest.mark.parametrize("warnings", [(), ("x" * 5000,), ("one", "two", "three", "four", "five", "six")])
def test_pictures_of_odd_sizes_give_a_sheet_on_which_words_can_be_read(rows, columns, warnings):
    caption = OverlayCaption(file_name="folder/" * 900 + "IM.dcm", answer="Probability " * 90, warnings=warnings)
    sheet = draw_overlay(np.full((rows, columns), 99, np.uint8), hot_map(), COLORING, caption)
    assert 600 < sheet.width < 2600
    assert 200 < sheet.height < 1600


def test_the_titles_of_very_narrow_panels_stand_apart():
    sheet = np.asarray(draw_overlay(np.full((480, 1), 99, np.uint8), hot_map(), COLORING, CAPTION)).astype(int)
    columns_with_gray = np.flatnonzero((sheet[200:400] == 99).all(axis=2).all(axis=0))
    assert len(columns_with_gray) >= 1
    assert text_width_px("Radiograph", 13) < 5 * 15  # the least width of a panel, at the smallest text


def test_long_texts_end_before_the_margin():
    caption = OverlayCaption(file_name="W" * 3000, answer="W" * 3000, warnings=("W" * 3000,) * 9)
    sheet = np.asarray(draw_overlay(phantom(480, 480), hot_map(), COLORING, caption))
    assert (sheet[:, -17:] == BACKGROUND).all()


def test_each_warning_has_a_line_and_many_are_counted():
    def height(count):
        caption = OverlayCaption(file_name="a", answer="b", warnings=("cropped",) * count)
        return draw_overlay(phantom(480, 480), hot_map(), COLORING, caption).height

    line = 22
    assert [height(count) - height(0) for count in (1, 2, 4, 5, 50)] == [line, 2 * line, 4 * line, 4 * line, 4 * line]


def test_a_long_warning_takes_the_lines_it_needs():
    def height(warning):
        caption = OverlayCaption(file_name="a", answer="b", warnings=(warning,))
        return draw_overlay(phantom(480, 300), hot_map(), COLORING, caption).height

    long = "The evidence lies outside of the lungs. " * 5
    lines = len(wrapped(f"Warning: {long}", 15, 15 * 54))
    assert lines > 1
    assert height(long) - height("cropped") == (lines - 1) * 22


def test_wrapped_lines_hold_every_word_in_order_and_none_is_too_wide():
    text = "Do not trust this map: only 59% of the evidence for pneumonia lies inside the lungs."
    lines = wrapped(text, 20, 200)
    assert len(lines) > 3
    assert " ".join(lines) == text
    assert all(text_width_px(line, 20) <= 200 for line in lines)
    greedy = [f"{line} {following.split()[0]}" for line, following in pairwise(lines)]
    assert all(text_width_px(longer, 20) > 200 for longer in greedy)


def test_a_word_that_is_wider_than_a_line_is_broken_within():
    lines = wrapped("in " + "W" * 100, 20, 200)
    assert "".join(lines) == "in" + "W" * 100
    assert all(text_width_px(line, 20) <= 200 for line in lines)
    assert wrapped("", 20, 200) == [""]
    assert wrapped("WW", 20, 1) == ["W", "W"]


def test_a_text_that_is_too_long_is_shortened_with_an_ellipsis():
    text = shortened("Evidence for pneumonia", 20, 120)
    assert text.endswith(ELLIPSIS)
    assert text.startswith("Evid")
    assert text_width_px(text, 20) <= 120


def test_a_file_name_that_is_too_long_keeps_its_end():
    name = shortened("folder/" * 40 + "person12_bacteria_47.jpeg", 20, 400, keep_end=True)
    assert name.startswith("folder/")
    assert name.endswith("bacteria_47.jpeg")
    assert ELLIPSIS in name


@pytest.mark.parametrize(
    ("text", "as_drawn"),
    [
        ("Müller, groß", "Müller, groß"),
        ("a\nb\x00", "a?b?"),
        ("胸部.png", "??.png"),
        ("e\u0301", "é"),
        ("m\u0301", "m"),
        ("Łódź", "?ódz"),
        ("59\u00a0%", "59 %"),
        ("ﬁ", "fi"),
        ("\udcff", "?"),
    ],
)
def test_signs_that_the_font_lacks_are_replaced(text, as_drawn):
    assert drawable(text) == as_drawn


def test_the_font_has_every_sign_that_it_is_said_to_have():
    large = font(60)
    missing = bytes(large.getmask("\ue123"))
    assert [sign for sign in SIGNS if bytes(large.getmask(sign)) == missing] == []


def test_letters_and_their_accents_lie_within_the_line():
    for text in ("ÄÖÜÅgjpq", "Ägß|()"):
        drawn = np.asarray(lettered(text, 40))
        assert not drawn[[0, -1]].any()
        assert (np.asarray(lettered("AOU", 40)) > 0).any(axis=1).argmax() > (drawn > 0).any(axis=1).argmax()


def test_several_threads_draw_the_same_sheet():
    draw = partial(draw_overlay, phantom(300, 400), hot_map(), Coloring(scale_logit=0.37), CAPTION)
    with ThreadPoolExecutor(4) as threads:
        sheets = list(threads.map(lambda _: draw().tobytes(), range(8)))
    assert set(sheets) == {draw().tobytes()}


def test_drawing_leaves_the_arrays_as_they_are():
    gray, saliency_map = phantom(64, 64), hot_map()
    before = gray.copy(), saliency_map.copy()
    assert isinstance(draw_overlay(gray, saliency_map, COLORING, CAPTION), Image.Image)
    np.testing.assert_array_equal(gray, before[0])
    np.testing.assert_array_equal(saliency_map, before[1])
