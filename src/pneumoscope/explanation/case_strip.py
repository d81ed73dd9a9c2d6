"""Similar training radiographs in a row below a sheet: thumbnail, label, distance, and whose pictures they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PIL import Image

from pneumoscope.explanation.color_key import BACKGROUND, QUIET_TEXT, TEXT
from pneumoscope.explanation.lettering import letter, wrapped
from pneumoscope.explanation.sheet_parts import Spacing
from pneumoscope.explanation.sheet_words import ENGLISH, SheetWords
from pneumoscope.explanation.similar_cases import SimilarCase
from pneumoscope.explanation.thumbnails import picture_of

THUMBNAIL_EMS: Final = 8
FRAME: Final = (60, 64, 68)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStrip:
    """The cases, nearest first, and the attribution of their thumbnails (None where there are none)."""

    cases: tuple[SimilarCase, ...]
    attribution: str | None = None


def below(sheet: Image.Image, strip: CaseStrip, text_px: int, words: SheetWords = ENGLISH) -> Image.Image:
    """The sheet with the strip below it, in as many rows as its width calls for."""
    drawn = draw_strip(strip, sheet.width, text_px, words)
    whole = Image.new("RGB", (sheet.width, sheet.height + drawn.height), BACKGROUND)
    whole.paste(sheet, (0, 0))
    whole.paste(drawn, (0, sheet.height))
    return whole


def draw_strip(strip: CaseStrip, width_px: int, text_px: int, words: SheetWords = ENGLISH) -> Image.Image:
    """The strip alone; a case without a thumbnail has an empty frame. Title and attribution are wrapped, never cut."""
    spacing, side = Spacing(text_px), text_px * THUMBNAIL_EMS
    margin, line, small_px, smallest_px = spacing.margin, spacing.line, spacing.small_px, round(text_px * 0.7)
    cell = side + margin
    across = max(1, (width_px - margin) // cell)
    rows = -(-len(strip.cases) // across)
    row_height = side + 3 * line
    text_width = width_px - 2 * margin
    title = wrapped(words.similar, small_px, text_width)
    credit = words.small_pictures.format(attribution=strip.attribution) if strip.attribution else None
    told = wrapped(credit, smallest_px, text_width) if credit else []
    top = (1 + len(title)) * line
    height = top + rows * row_height + len(told) * line
    picture = Image.new("RGB", (width_px, height), BACKGROUND)
    for number, text in enumerate(title):
        letter(picture, (margin, line // 2 + number * line), text, small_px, TEXT, text_width)
    for place, case in enumerate(strip.cases):
        left, upper = margin + place % across * cell, top + place // across * row_height
        picture.paste(_thumbnail(case, side), (left, upper))
        lines = (case.label, f"{case.subtype} {words.number(f'{case.distance:.3f}')}".strip())
        for number, text in enumerate(lines):
            letter(picture, (left, upper + side + line // 4 + number * line), text, small_px, TEXT, side)
    for number, text in enumerate(told):
        corner = (margin, top + rows * row_height + number * line)
        letter(picture, corner, text, smallest_px, QUIET_TEXT, text_width)
    return picture


def _thumbnail(case: SimilarCase, side: int) -> Image.Image:
    """Enlarged to fit a square, on the colour of the frame."""
    square = Image.new("RGB", (side, side), FRAME)
    if case.thumbnail is None:
        return square
    gray = picture_of(case.thumbnail)
    scale = side / max(gray.size)
    size = (max(1, round(gray.width * scale)), max(1, round(gray.height * scale)))
    square.paste(gray.resize(size, Image.Resampling.BICUBIC), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square
