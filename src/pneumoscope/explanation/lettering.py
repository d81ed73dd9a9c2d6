"""Text on pictures: one font that comes along, lines that always fit.

The font (`aileron/`) has the letters of western European languages. Letters beyond them are written without their
accents, or as a question mark.
"""

from __future__ import annotations

import math
import unicodedata
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

ELLIPSIS: Final = "…"
ACCENTED: Final = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿŒœŸ"
SIGNS: Final = frozenset(f"{ACCENTED}¡¢£¥§©«®°±·»¿×÷–—‘’‚“”„•…‹›€™")  # noqa: RUF001 - these are meant
"""Beyond ASCII, all that the font has and words may need."""
FONT_FILE: Final = Path(str(resources.files("pneumoscope.explanation"))) / "aileron" / "Aileron-Regular.ttf"
BASELINE: Final = 0.98
"""Of the size, below the upper edge of a line; higher capitals with accents fit above the others."""
LONGEST: Final = 400
"""Characters of a line that are looked at: no picture shows more, and a caption may be of any length."""
OVERSAMPLING: Final = 3
"""Letters are drawn this much larger and reduced: at small sizes FreeType moves each to a whole pixel, unevenly."""


@lru_cache(maxsize=256)
def lettered(text: str, size_px: int) -> Image.Image:
    """A line of text as an opacity mask; lent out, so paste through it and leave it as it is."""
    large = font(size_px * OVERSAMPLING)
    mask = Image.new("L", (OVERSAMPLING * (math.ceil(text_width_px(text, size_px)) + 1), round(1.4 * large.size)))
    ImageDraw.Draw(mask).text((0, round(BASELINE * large.size)), text, font=large, fill=255, anchor="ls")
    return mask.reduce(OVERSAMPLING)


def letter(
    picture: Image.Image, corner: tuple[int, int], text: str, size_px: int, color: tuple[int, int, int], width_px: int
) -> None:
    """Write a line onto a picture, its end cut with an ellipsis where it is too wide."""
    picture.paste(color, corner, lettered(shortened(text, size_px, width_px), size_px))


def text_width_px(text: str, size_px: int) -> float:
    """How wide the text is when drawn."""
    return font(size_px * OVERSAMPLING).getlength(text) / OVERSAMPLING


@lru_cache(maxsize=32)
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """The font at a size."""
    return ImageFont.truetype(FONT_FILE, size_px, layout_engine=ImageFont.Layout.BASIC)


def drawable(text: str) -> str:
    """The text with what the font can draw: other accents dropped, any other sign as a question mark, on one line."""
    whole = text if len(text) <= LONGEST else text[: LONGEST // 2] + ELLIPSIS + text[-LONGEST // 2 :]
    if whole.isascii() and whole.isprintable():
        return whole
    return "".join(_drawable_sign(sign) for sign in unicodedata.normalize("NFC", whole))


def _drawable_sign(sign: str) -> str:
    if sign in SIGNS:
        return sign
    plain = "".join(part for part in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(part))
    if unicodedata.combining(sign):
        return ""
    return plain if plain.isascii() and plain.isprintable() else "?"


@lru_cache(maxsize=256)
def shortened(text: str, size_px: int, width_px: int, *, keep_end: bool = False) -> str:
    """The text as drawn, cut with an ellipsis to fit a width; `keep_end` cuts in the middle, as file names need."""
    whole = drawable(text)
    if text_width_px(whole, size_px) <= width_px:
        return whole
    fitting, too_long = 0, len(whole)
    while too_long - fitting > 1:
        kept = (fitting + too_long) // 2
        if text_width_px(_cut(whole, kept, keep_end=keep_end), size_px) <= width_px:
            fitting = kept
        else:
            too_long = kept
    return _cut(whole, fitting, keep_end=keep_end)


def wrapped(text: str, size_px: int, width_px: int) -> list[str]:
    """The text as drawn, on as many lines as it needs at a width: broken at spaces, and within words that are too long."""
    lines: list[str] = []
    rest = drawable(text).strip()
    while text_width_px(rest, size_px) > width_px:
        fitting = _signs_that_fit(rest, size_px, width_px)
        at_space = rest.rfind(" ", 1, fitting + 1)
        end = at_space if at_space > 0 else fitting
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, rest] if rest or not lines else lines


def _signs_that_fit(text: str, size_px: int, width_px: int) -> int:
    """How many signs of the text's beginning are not too wide, at least one."""
    fitting, too_long = 1, len(text)
    while too_long - fitting > 1:
        kept = (fitting + too_long) // 2
        if text_width_px(text[:kept], size_px) <= width_px:
            fitting = kept
        else:
            too_long = kept
    return fitting


def _cut(text: str, kept: int, *, keep_end: bool) -> str:
    at_end = kept // 2 if keep_end else 0
    return text[: kept - at_end] + ELLIPSIS + (text[-at_end:] if at_end else "")
