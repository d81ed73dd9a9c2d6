from dataclasses import fields, replace

import numpy as np
import pytest
from PIL import Image

from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.color_key import color_key
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.contours import checked_levels, draw_contours, levels_of_scale, line_color
from pneumoscope.explanation.lettering import ELLIPSIS, lettered
from pneumoscope.explanation.sheet import SheetCaption, Style, draw_sheet
from pneumoscope.explanation.sheet_parts import FOOTER
from pneumoscope.explanation.sheet_words import SheetWords

BOTH = Coloring(scale_logit=1.0, colormap="coolwarm")
FOR_ONLY = Coloring(scale_logit=1.0, colormap="jet")
GRAY = np.full((280, 280), 90, np.uint8)


def one_hot_cell(value: float) -> np.ndarray:
    evidence = np.zeros((7, 7), np.float32)
    evidence[3, 3] = value
    return evidence


def lines_of(evidence: np.ndarray, levels, coloring=BOTH) -> np.ndarray:
    picture = Image.fromarray(GRAY).convert("RGB")
    draw_contours(picture, evidence, coloring, levels)
    return np.asarray(picture)


def test_the_usual_levels_are_shares_of_the_fixed_scale():
    assert levels_of_scale(Coloring(scale_logit=0.8, colormap="coolwarm")) == (-0.8, -0.4, -0.2, 0.2, 0.4, 0.8)
    assert levels_of_scale(Coloring(scale_logit=0.8, colormap="jet")) == (0.2, 0.4, 0.8)


def test_a_line_runs_where_the_evidence_crosses_its_level():
    row = lines_of(one_hot_cell(1.0), [0.5])[140].astype(int)
    changed = np.flatnonzero(np.abs(row - 90).sum(axis=1) > 60)
    # the evidence falls from 1 at 140 px to 0 at 180 px, so it crosses a half at 160 px, and at 120 px on the other side
    assert {round(float(part.mean()), -1) for part in (changed[changed < 140], changed[changed > 140])} == {
        120.0,
        160.0,
    }


def test_evidence_below_every_level_leaves_the_radiograph_untouched():
    assert (lines_of(one_hot_cell(0.4), [0.5, -0.5]) == 90).all()


def test_lines_against_have_the_colours_of_evidence_against():
    red, _, blue = line_color(-1.0, BOTH)
    assert blue > red
    red, _, blue = line_color(1.0, BOTH)
    assert red > blue
    assert (lines_of(one_hot_cell(-1.0), [-0.5]) != 90).any()


@pytest.mark.parametrize("levels", [[], [0.0], [1.5], [float("nan")], [0.01 * place for place in range(1, 15)]])
def test_impossible_levels_say_which_are_possible(levels):
    with pytest.raises(UnusableOption) as caught:
        checked_levels(levels, BOTH)
    assert caught.value.code == "levels-impossible"


def test_levels_below_zero_need_a_colour_map_with_both_signs():
    assert checked_levels([0.5, -0.5, 0.5], BOTH) == (-0.5, 0.5)
    with pytest.raises(UnusableOption):
        checked_levels([-0.5], FOR_ONLY)


def sheet(style: Style, evidence: np.ndarray, gray=GRAY, panel_px=None) -> np.ndarray:
    caption = SheetCaption(title="Answer 1", lines=("file",), warnings=("look twice",), legend=("What it is.",))
    drawn = draw_sheet(gray, evidence, BOTH, caption, style=style, levels=(0.5,), panel_px=panel_px)
    return np.asarray(drawn)


@pytest.fixture
def lines_drawn(monkeypatch) -> list[str]:
    """All that is lettered while a test runs."""
    drawn: list[str] = []
    noted = lambda *text: drawn.append(text[0]) or lettered(*text)  # noqa: E731
    for module in ("lettering", "color_key", "sheet"):
        monkeypatch.setattr(f"pneumoscope.explanation.{module}.lettered", noted)
    color_key.cache_clear()
    return drawn


def words_in_capitals() -> SheetWords:
    texts = {each.name: each.default.upper().replace("{VALUE}", "{value}") for each in fields(SheetWords)}
    return SheetWords(**{**texts, "warning": "LOOK: {text}", "decimal": ","})


@pytest.mark.parametrize("style", [*Style])
def test_every_word_around_the_caption_is_of_the_language_given(lines_drawn, style):
    caption = SheetCaption(title="1", lines=("2",), warnings=("3",), legend=("4",))
    draw_sheet(GRAY, one_hot_cell(1.0), FOR_ONLY, caption, style=style, levels=(0.5,), words=words_in_capitals())
    told = " ".join(lines_drawn)
    assert told == told.upper()
    assert "LOOK: 3" in lines_drawn
    assert "+0,5" in lines_drawn


def test_the_footer_stands_on_every_sheet_and_cannot_be_left_out(lines_drawn):
    sheet(Style.OVERLAY, one_hot_cell(1.0))
    assert lines_drawn[-1] == FOOTER == "Research and education only. Not a medical device."
    with pytest.raises(ValueError, match="research and education"):
        SheetWords(footer=" ")


def test_a_title_that_is_too_long_goes_on_below_and_what_follows_makes_room():
    caption = SheetCaption(title="one", lines=("file",))
    long = replace(caption, title="no word of a title is cut off " * 5)
    heights = [draw_sheet(GRAY, one_hot_cell(1.0), BOTH, each, style=Style.OVERLAY).height for each in (caption, long)]
    assert heights[1] - heights[0] == 22  # one line more


@pytest.mark.parametrize("style", [*Style])
def test_every_style_draws_evidence_and_without_evidence_only_the_radiograph(style):
    hot, plain = sheet(style, one_hot_cell(1.0)), sheet(style, one_hot_cell(0.0))
    assert hot.shape == plain.shape
    changed = (hot != plain).any(axis=2)
    assert 100 < changed.sum() < 0.2 * changed.size


def test_no_word_of_a_warning_or_line_is_cut_off_at_the_narrowest_width(monkeypatch):
    drawn: list[str] = []
    monkeypatch.setattr(
        "pneumoscope.explanation.lettering.lettered", lambda *text: drawn.append(text[0]) or lettered(*text)
    )
    told = "only 59% of the evidence for pneumonia lies inside the lungs. " * 4
    caption = SheetCaption(title="a", lines=(f"{told}the line ends",), warnings=(f"{told}do not trust it",))
    tall = draw_sheet(GRAY, one_hot_cell(1.0), BOTH, caption, style=Style.OVERLAY)
    assert f"{told}the line ends Warning: {told}do not trust it" in " ".join(drawn)
    assert not any(ELLIPSIS in line for line in drawn)
    short = draw_sheet(GRAY, one_hot_cell(1.0), BOTH, replace(caption, lines=("b",), warnings=()), style=Style.OVERLAY)
    assert (tall.width, short.width) == (15 * 54 + 36,) * 2  # the narrowest, at the smallest text
    assert tall.height - short.height == 5 * 22  # three lines each, instead of one


def test_side_by_side_leaves_the_left_radiograph_untouched():
    changed = (sheet(Style.SIDE_BY_SIDE, one_hot_cell(1.0)) != sheet(Style.SIDE_BY_SIDE, one_hot_cell(0.0))).any(axis=2)
    assert np.flatnonzero(changed.any(axis=0)).min() > changed.shape[1] * 0.45


def test_the_original_size_is_kept_and_otherwise_limited():
    large = np.full((1200, 900), 90, np.uint8)
    own, limited = (sheet(Style.OVERLAY, one_hot_cell(1.0), large, panel_px) for panel_px in (None, 600))
    assert own.shape[0] > 1200
    assert limited.shape[0] < 1200


def test_more_evidence_is_a_stronger_colour_because_the_scale_is_fixed():
    faint, strong = (sheet(Style.OVERLAY, one_hot_cell(value)).astype(int) for value in (0.2, 0.8))
    none = sheet(Style.OVERLAY, one_hot_cell(0.0)).astype(int)
    assert np.abs(strong - none).sum() > 1.5 * np.abs(faint - none).sum()
