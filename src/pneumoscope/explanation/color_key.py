"""The colour bar beside an overlay, with its ticks in logit units."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.lettering import lettered, shortened
from pneumoscope.explanation.sheet_words import ENGLISH, SheetWords

BACKGROUND: Final = (16, 18, 21)
TEXT: Final = (226, 229, 233)
QUIET_TEXT: Final = (158, 165, 174)
WARNING_TEXT: Final = (226, 192, 120)


@lru_cache(maxsize=16)
def color_key(coloring: Coloring, width: int, height: int, text_px: int, words: SheetWords = ENGLISH) -> Image.Image:
    """The bar and its ticks; drawn once for each size and lent out, so paste it and leave it as it is."""
    key = Image.new("RGB", (width, height), BACKGROUND)
    inset = text_px // 2
    bar = _bar(coloring, round(text_px * 1.6), height - 2 * inset)
    key.paste(bar, (0, inset))
    draw = ImageDraw.Draw(key)
    small_px = round(text_px * 0.85)
    text_left = bar.width + round(text_px * 0.6)
    positions = (1.0, 0.5, 0.0, -0.5, -1.0) if coloring.shows_both_signs else (1.0, 0.75, 0.5, 0.25, 0.0)
    for place, position in enumerate(positions):
        y = inset + round(place / (len(positions) - 1) * (bar.height - 1))
        draw.line([(bar.width, y), (bar.width + text_px // 3, y)], fill=QUIET_TEXT)
        text = shortened(_tick(position, coloring, words), small_px, width - text_left)
        key.paste(TEXT, (text_left, y - round(small_px * 0.6)), lettered(text, small_px))
    return key


def _bar(coloring: Coloring, width: int, height: int) -> Image.Image:
    """The colours over all shades of gray, black to white, as they lie on a radiograph: every colour that can appear."""
    shades = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    lowest = -coloring.scale_logit if coloring.shows_both_signs else 0.0
    levels = coloring.levels(np.linspace(coloring.scale_logit, lowest, height)[:, np.newaxis])
    level_picture = Image.fromarray(np.tile(levels, (1, width)))
    colors = level_picture.copy()
    colors.putpalette(coloring.colors)
    bar = Image.fromarray(shades).convert("RGB")
    bar.paste(colors.convert("RGB"), (0, 0), level_picture.point(coloring.opacities))
    return bar


def _tick(position: float, coloring: Coloring, words: SheetWords) -> str:
    if position == 0:
        return "0" if coloring.shows_both_signs else words.zero_or_less
    value = words.number(f"{position * coloring.scale_logit:+.3g}")
    if abs(position) < 1:
        return value
    return (words.or_more if position > 0 else words.or_less).format(value=value)
