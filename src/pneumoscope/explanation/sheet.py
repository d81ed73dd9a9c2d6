"""One explanation as a picture for people: panels, the key to the colours, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from PIL import Image, ImageDraw

from pneumoscope.arrays import GrayPicture, SaliencyMap
from pneumoscope.explanation.case_strip import CaseStrip, below
from pneumoscope.explanation.color_key import BACKGROUND, QUIET_TEXT, TEXT, color_key
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.contours import draw_contours, line_color
from pneumoscope.explanation.heat_map import lay_over
from pneumoscope.explanation.lettering import lettered, shortened, wrapped
from pneumoscope.explanation.overlay import DEFAULT_PANEL_PX, FOOTER, SMALLEST_PANEL_PX

NARROWEST_TEXT_EMS: Final = 54
WARNING_TEXT: Final = (226, 192, 120)


class Style(StrEnum):
    """By the name that `--style` takes."""

    OVERLAY = "overlay"
    SIDE_BY_SIDE = "side-by-side"
    CONTOURS = "contours"
    HEAT_MAP = "heat-map"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetCaption:
    """The words on the sheet: a title, lines below it, warnings, and the legend below the panels.

    All but the title are wrapped at words, so that no conclusion is cut off.
    """

    title: str
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    legend: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything goes, in pixels; every distance follows from the size of the text."""

    panel: tuple[int, int]
    panels: int
    text_px: int
    lines_above: int
    lines_below: int

    @property
    def margin(self) -> int:
        return round(self.text_px * 1.2)

    @property
    def small_px(self) -> int:
        return round(self.text_px * 0.85)

    @property
    def line(self) -> int:
        return round(self.text_px * 1.5)

    @property
    def key_width(self) -> int:
        return self.text_px * 9

    @property
    def body_width(self) -> int:
        return self.panels * (self.panel[0] + self.margin) + self.key_width

    @property
    def text_width(self) -> int:
        return max(self.body_width, self.text_px * NARROWEST_TEXT_EMS)

    @property
    def body_left(self) -> int:
        return self.margin + (self.text_width - self.body_width) // 2

    @property
    def body_top(self) -> int:
        return self.margin + round(self.line * (self.lines_above + 1.3)) + self.margin // 2

    @property
    def body_height(self) -> int:
        return max(self.panel[1], self.text_px * 14)

    @property
    def key_height(self) -> int:
        return min(self.body_height, self.text_px * 26)

    @property
    def size(self) -> tuple[int, int]:
        below = self.margin // 2 + self.lines_below * self.line + self.margin // 2
        return self.text_width + 2 * self.margin, self.body_top + self.body_height + below

    def panel_left(self, place: int) -> int:
        return self.body_left + place * (self.panel[0] + self.margin)


def draw_sheet(
    gray: GrayPicture,
    saliency_map: SaliencyMap,
    coloring: Coloring,
    caption: SheetCaption,
    *,
    style: Style = Style.SIDE_BY_SIDE,
    levels: Sequence[float] = (),
    panel_px: int | None = DEFAULT_PANEL_PX,
    similar: CaseStrip | None = None,
) -> Image.Image:
    """The sheet. `levels` (logit units) are for contour lines; `similar` cases go below everything else.

    `panel_px` limits the longer side of a panel; None keeps the radiograph's own resolution. Tiny pictures are enlarged,
    so that the words can be read.
    """
    if style is Style.HEAT_MAP:  # there is nothing below that should shine through
        coloring = replace(coloring, alpha=1.0)
    radiograph = _panel(gray, panel_px)
    panels = _panels(radiograph, saliency_map, coloring, style, levels)
    text_px = min(max(max(radiograph.size) // 42, 15), 72)
    layout = _fitting(_Layout(radiograph.size, len(panels), text_px, 0, 0), caption)
    sheet = Image.new("RGB", layout.size, BACKGROUND)
    top = layout.body_top + (layout.body_height - radiograph.height) // 2
    for place, (title, panel) in enumerate(panels):
        left = layout.panel_left(place)
        sheet.paste(panel, (left, top))
        _letter(sheet, (left, top - round(text_px * 1.3)), title, round(text_px * 0.85), QUIET_TEXT, panel.width)
    sheet.paste(_key(coloring, layout, style, levels), (layout.panel_left(len(panels)), layout.body_top))
    _write(sheet, layout, caption)
    return sheet if similar is None else below(sheet, similar, text_px)


def _panel(gray: GrayPicture, panel_px: int | None) -> Image.Image:
    picture = Image.fromarray(gray)
    longer_px = max(picture.size)
    wanted_px = max(min(longer_px, panel_px or longer_px), SMALLEST_PANEL_PX)
    size = (max(1, round(picture.width * wanted_px / longer_px)), max(1, round(picture.height * wanted_px / longer_px)))
    resampling = Image.Resampling.BILINEAR if wanted_px < longer_px else Image.Resampling.BICUBIC
    return (picture if size == picture.size else picture.resize(size, resampling)).convert("RGB")


def _panels(
    radiograph: Image.Image, saliency_map: SaliencyMap, coloring: Coloring, style: Style, levels: Sequence[float]
) -> list[tuple[str, Image.Image]]:
    """Titles and pictures, left to right."""
    drawn = radiograph.copy() if style is not Style.HEAT_MAP else Image.new("RGB", radiograph.size, (0, 0, 0))
    if style is Style.CONTOURS:
        draw_contours(drawn, saliency_map, coloring, levels)
        return [("Lines of equal evidence", drawn)]
    lay_over(drawn, (0, 0), drawn.size, saliency_map, coloring)
    if style is Style.SIDE_BY_SIDE:
        return [("Radiograph", radiograph), ("Overlay", drawn)]
    return [("Overlay" if style is Style.OVERLAY else "Evidence alone, without the radiograph", drawn)]


def _key(coloring: Coloring, layout: _Layout, style: Style, levels: Sequence[float]) -> Image.Image:
    """The colour bar; for contour lines, each line with its level."""
    if style is not Style.CONTOURS:
        return color_key(coloring, layout.key_width, layout.key_height, layout.text_px)
    key = Image.new("RGB", (layout.key_width, layout.key_height), BACKGROUND)
    draw = ImageDraw.Draw(key)
    small_px = round(layout.text_px * 0.85)
    for place, level in enumerate(sorted(levels, reverse=True)):
        y = layout.text_px + place * layout.line
        draw.line([(0, y), (layout.text_px * 2, y)], fill=line_color(level, coloring), width=max(2, small_px // 4))
        label = lettered(f"{level:+.2g}", small_px)
        key.paste(TEXT, (round(layout.text_px * 2.6), y - round(small_px * 0.6)), label)
    return key


def _fitting(layout: _Layout, caption: SheetCaption) -> _Layout:
    """The layout with room for the lines that the caption takes at its width."""
    return replace(layout, lines_above=1 + len(_above(layout, caption)), lines_below=len(_below(layout, caption)))


def _above(layout: _Layout, caption: SheetCaption) -> list[tuple[str, tuple[int, int, int]]]:
    """The lines between title and panels, wrapped, and their colours."""
    told = [(line, QUIET_TEXT) for line in caption.lines]
    told += [(f"Warning: {warning}", WARNING_TEXT) for warning in caption.warnings]
    width = layout.text_width
    return [(line, color) for text, color in told for line in wrapped(text, layout.text_px, width)]


def _below(layout: _Layout, caption: SheetCaption) -> list[str]:
    """The lines below the panels, wrapped."""
    texts = (*caption.legend, FOOTER)
    return [line for text in texts for line in wrapped(text, layout.small_px, layout.text_width)]


def _write(sheet: Image.Image, layout: _Layout, caption: SheetCaption) -> None:
    title_px = round(layout.text_px * 1.2)
    left, top, width = layout.margin, layout.margin, layout.text_width
    _letter(sheet, (left, top), caption.title, title_px, TEXT, width)
    for place, (line, color) in enumerate(_above(layout, caption)):
        _letter(sheet, (left, top + round(layout.line * (1.2 + place))), line, layout.text_px, color, width)
    below = layout.body_top + layout.body_height + layout.margin // 2
    for place, line in enumerate(_below(layout, caption)):
        _letter(sheet, (left, below + place * layout.line), line, layout.small_px, QUIET_TEXT, width)


def _letter(
    sheet: Image.Image, corner: tuple[int, int], text: str, size_px: int, color: tuple[int, int, int], width: int
) -> None:
    sheet.paste(color, corner, lettered(shortened(text, size_px, width, keep_end=False), size_px))
