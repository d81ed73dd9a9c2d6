"""One explanation as a picture for people: panels, the key to the colours, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from PIL import Image, ImageDraw

from pneumoscope.arrays import GrayPicture, SaliencyMap
from pneumoscope.explanation.case_strip import CaseStrip, below
from pneumoscope.explanation.color_key import BACKGROUND, QUIET_TEXT, TEXT, WARNING_TEXT, color_key
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.contours import draw_contours, line_color
from pneumoscope.explanation.heat_map import lay_over
from pneumoscope.explanation.lettering import letter, lettered, wrapped
from pneumoscope.explanation.sheet_parts import DEFAULT_PANEL_PX, FOOTER, Spacing, panel_of


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
    """Where everything goes, in pixels."""

    spacing: Spacing
    panel: tuple[int, int]
    panels: int
    lines_above: int = 0
    lines_below: int = 0

    @property
    def body_width(self) -> int:
        return self.panels * (self.panel[0] + self.spacing.margin) + self.spacing.key_width

    @property
    def text_width(self) -> int:
        return self.spacing.text_width(self.body_width)

    @property
    def body_left(self) -> int:
        return self.spacing.margin + (self.text_width - self.body_width) // 2

    @property
    def body_top(self) -> int:
        margin = self.spacing.margin
        return margin + round(self.spacing.line * (self.lines_above + 1.3)) + margin // 2

    @property
    def body_height(self) -> int:
        return max(self.panel[1], self.spacing.text_px * 14)

    @property
    def key_height(self) -> int:
        return self.spacing.key_height(self.body_height)

    @property
    def size(self) -> tuple[int, int]:
        margin = self.spacing.margin
        below = margin // 2 + self.lines_below * self.spacing.line + margin // 2
        return self.text_width + 2 * margin, self.body_top + self.body_height + below

    def panel_left(self, place: int) -> int:
        return self.body_left + place * (self.panel[0] + self.spacing.margin)


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
    radiograph = panel_of(gray, panel_px)
    panels = _panels(radiograph, saliency_map, coloring, style, levels)
    spacing = Spacing.around(radiograph)
    layout = _fitting(_Layout(spacing, radiograph.size, len(panels)), caption)
    sheet = Image.new("RGB", layout.size, BACKGROUND)
    top = layout.body_top + (layout.body_height - radiograph.height) // 2
    for place, (title, panel) in enumerate(panels):
        left = layout.panel_left(place)
        sheet.paste(panel, (left, top))
        letter(sheet, (left, top - spacing.panel_title), title, spacing.small_px, QUIET_TEXT, panel.width)
    sheet.paste(_key(coloring, layout, style, levels), (layout.panel_left(len(panels)), layout.body_top))
    _write(sheet, layout, caption)
    return sheet if similar is None else below(sheet, similar, spacing.text_px)


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
    text_px, small_px, width = layout.spacing.text_px, layout.spacing.small_px, layout.spacing.key_width
    if style is not Style.CONTOURS:
        return color_key(coloring, width, layout.key_height, text_px)
    key = Image.new("RGB", (width, layout.key_height), BACKGROUND)
    draw = ImageDraw.Draw(key)
    for place, level in enumerate(sorted(levels, reverse=True)):
        y = text_px + place * layout.spacing.line
        draw.line([(0, y), (text_px * 2, y)], fill=line_color(level, coloring), width=max(2, small_px // 4))
        label = lettered(f"{level:+.2g}", small_px)
        key.paste(TEXT, (round(text_px * 2.6), y - round(small_px * 0.6)), label)
    return key


def _fitting(layout: _Layout, caption: SheetCaption) -> _Layout:
    """The layout with room for the lines that the caption takes at its width."""
    return replace(layout, lines_above=1 + len(_above(layout, caption)), lines_below=len(_below(layout, caption)))


def _above(layout: _Layout, caption: SheetCaption) -> list[tuple[str, tuple[int, int, int]]]:
    """The lines between title and panels, wrapped, and their colours."""
    told = [(line, QUIET_TEXT) for line in caption.lines]
    told += [(f"Warning: {warning}", WARNING_TEXT) for warning in caption.warnings]
    width = layout.text_width
    return [(line, color) for text, color in told for line in wrapped(text, layout.spacing.text_px, width)]


def _below(layout: _Layout, caption: SheetCaption) -> list[str]:
    """The lines below the panels, wrapped."""
    texts = (*caption.legend, FOOTER)
    return [line for text in texts for line in wrapped(text, layout.spacing.small_px, layout.text_width)]


def _write(sheet: Image.Image, layout: _Layout, caption: SheetCaption) -> None:
    spacing, width = layout.spacing, layout.text_width
    left, top, line_px = spacing.margin, spacing.margin, spacing.line
    letter(sheet, (left, top), caption.title, spacing.title_px, TEXT, width)
    for place, (line, color) in enumerate(_above(layout, caption)):
        letter(sheet, (left, top + round(line_px * (1.2 + place))), line, spacing.text_px, color, width)
    below = layout.body_top + layout.body_height + spacing.margin // 2
    for place, line in enumerate(_below(layout, caption)):
        letter(sheet, (left, below + place * line_px), line, spacing.small_px, QUIET_TEXT, width)
