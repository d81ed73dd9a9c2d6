"""One explanation as a picture for people: panels, the key to the colours, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
from pneumoscope.explanation.sheet_parts import DEFAULT_PANEL_PX, Spacing, panel_of
from pneumoscope.explanation.sheet_words import ENGLISH, SheetWords


class Style(StrEnum):
    """By the name that `--style` takes."""

    OVERLAY = "overlay"
    SIDE_BY_SIDE = "side-by-side"
    CONTOURS = "contours"
    HEAT_MAP = "heat-map"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetCaption:
    """The words on one sheet: a title, lines below it, warnings, and the legend below the panels.

    All are wrapped at words, so that no conclusion is cut off.
    """

    title: str
    lines: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    legend: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of text that fits; `pitch` lines farther down is the next."""

    text: str
    size_px: int
    color: tuple[int, int, int]
    pitch: float = 1.0


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
    words: SheetWords = ENGLISH,
) -> Image.Image:
    """The sheet. `levels` (logit units) are for contour lines; `similar` cases go below everything else.

    `panel_px` limits the longer side of a panel; None keeps the radiograph's own resolution. Tiny pictures are enlarged,
    so that the words can be read. `words` are in the language of the caption.
    """
    if style is Style.HEAT_MAP:  # there is nothing below that should shine through
        coloring = replace(coloring, alpha=1.0)
    radiograph = panel_of(gray, panel_px)
    panels = _panels(radiograph, saliency_map, coloring, style, levels, words)
    spacing = Spacing.around(radiograph)
    layout = _Layout(spacing, radiograph.size, len(panels))
    above, beneath = _above(layout, caption, words), _beneath(layout, caption, words)
    layout = replace(layout, lines_above=len(above), lines_below=len(beneath))
    sheet = Image.new("RGB", layout.size, BACKGROUND)
    top = layout.body_top + (layout.body_height - radiograph.height) // 2
    for place, (title, panel) in enumerate(panels):
        left = layout.panel_left(place)
        sheet.paste(panel, (left, top))
        letter(sheet, (left, top - spacing.panel_title), title, spacing.small_px, QUIET_TEXT, panel.width)
    sheet.paste(_key(coloring, layout, style, levels, words), (layout.panel_left(len(panels)), layout.body_top))
    _write(sheet, layout, above, beneath)
    return sheet if similar is None else below(sheet, similar, spacing.text_px, words)


def _panels(
    radiograph: Image.Image,
    saliency_map: SaliencyMap,
    coloring: Coloring,
    style: Style,
    levels: Sequence[float],
    words: SheetWords,
) -> list[tuple[str, Image.Image]]:
    """Titles and pictures, left to right."""
    drawn = radiograph.copy() if style is not Style.HEAT_MAP else Image.new("RGB", radiograph.size, (0, 0, 0))
    if style is Style.CONTOURS:
        draw_contours(drawn, saliency_map, coloring, levels)
        return [(words.contours, drawn)]
    lay_over(drawn, (0, 0), drawn.size, saliency_map, coloring)
    if style is Style.SIDE_BY_SIDE:
        return [(words.radiograph, radiograph), (words.overlay, drawn)]
    return [(words.overlay if style is Style.OVERLAY else words.heat_map, drawn)]


def _key(coloring: Coloring, layout: _Layout, style: Style, levels: Sequence[float], words: SheetWords) -> Image.Image:
    """The colour bar; for contour lines, each line with its level."""
    text_px, small_px, width = layout.spacing.text_px, layout.spacing.small_px, layout.spacing.key_width
    if style is not Style.CONTOURS:
        return color_key(coloring, width, layout.key_height, text_px, words)
    key = Image.new("RGB", (width, layout.key_height), BACKGROUND)
    draw = ImageDraw.Draw(key)
    for place, level in enumerate(sorted(levels, reverse=True)):
        y = text_px + place * layout.spacing.line
        draw.line([(0, y), (text_px * 2, y)], fill=line_color(level, coloring), width=max(2, small_px // 4))
        label = lettered(words.number(f"{level:+.2g}"), small_px)
        key.paste(TEXT, (round(text_px * 2.6), y - round(small_px * 0.6)), label)
    return key


def _above(layout: _Layout, caption: SheetCaption, words: SheetWords) -> list[_Line]:
    """The lines between the upper edge and the panels: title, lines, warnings."""
    text_px = layout.spacing.text_px
    told = [_Line(caption.title, layout.spacing.title_px, TEXT, pitch=1.2)]
    told += [_Line(line, text_px, QUIET_TEXT) for line in caption.lines]
    told += [_Line(words.warning.format(text=warning), text_px, WARNING_TEXT) for warning in caption.warnings]
    return _wrapped(told, layout.text_width)


def _beneath(layout: _Layout, caption: SheetCaption, words: SheetWords) -> list[_Line]:
    """The lines below the panels."""
    small_px = layout.spacing.small_px
    told = [_Line(text, small_px, QUIET_TEXT) for text in (*caption.legend, words.footer)]
    return _wrapped(told, layout.text_width)


def _wrapped(lines: Iterable[_Line], width: int) -> list[_Line]:
    return [replace(line, text=part) for line in lines for part in wrapped(line.text, line.size_px, width)]


def _write(sheet: Image.Image, layout: _Layout, above: Iterable[_Line], beneath: Iterable[_Line]) -> None:
    spacing = layout.spacing
    below_body = layout.body_top + layout.body_height + spacing.margin // 2
    for lines, top in ((above, spacing.margin), (beneath, below_body)):
        below_line = 0.0
        for line in lines:
            corner = (spacing.margin, top + round(below_line * spacing.line))
            letter(sheet, corner, line.text, line.size_px, line.color, layout.text_width)
            below_line += line.pitch
