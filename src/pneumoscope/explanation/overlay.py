"""The sheet that people look at: radiograph, overlay, what the colours mean, what the model answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from PIL import Image

from pneumoscope.arrays import GrayPicture, SaliencyMap
from pneumoscope.explanation.color_key import BACKGROUND, QUIET_TEXT, TEXT, WARNING_TEXT, color_key
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.heat_map import lay_over
from pneumoscope.explanation.lettering import lettered, shortened, wrapped
from pneumoscope.explanation.sheet_parts import DEFAULT_PANEL_PX, FOOTER, Spacing, panel_of

SHOWN_WARNINGS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayCaption:
    """The words on the sheet, ready to draw."""

    file_name: str
    answer: str
    """Probability, decision and operating point in one line."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything goes, in pixels."""

    spacing: Spacing
    panel_width: int
    panel_height: int
    warning_lines: int = 0

    @property
    def slot_width(self) -> int:
        """What a panel takes at least: its title."""
        return max(self.panel_width, self.spacing.text_px * 5)

    @property
    def body_top(self) -> int:
        margin = self.spacing.margin
        return margin + self.spacing.line * (3 + self.warning_lines) + margin // 2

    @property
    def body_height(self) -> int:
        return max(self.panel_height, self.spacing.text_px * 12)

    @property
    def body_width(self) -> int:
        return 2 * self.slot_width + self.spacing.key_width + 2 * self.spacing.margin

    @property
    def text_width(self) -> int:
        return self.spacing.text_width(self.body_width)

    @property
    def size(self) -> tuple[int, int]:
        margin = self.spacing.margin
        height = self.body_top + self.body_height + margin // 2 + 2 * self.spacing.line + margin // 2
        return self.text_width + 2 * margin, height

    @property
    def panel_lefts(self) -> tuple[int, int]:
        """Where the two panels begin; with a narrow radiograph they share what the text leaves over."""
        first = self.spacing.margin + (self.text_width - self.body_width) // 2
        return first, first + self.slot_width + self.spacing.margin

    @property
    def panel_top(self) -> int:
        return self.body_top + (self.body_height - self.panel_height) // 2

    @property
    def key_height(self) -> int:
        return self.spacing.key_height(self.body_height)

    @property
    def key_top(self) -> int:
        return self.body_top + (self.body_height - self.key_height) // 2

    @property
    def key_left(self) -> int:
        return self.panel_lefts[1] + self.slot_width + self.spacing.margin


def draw_overlay(
    gray: GrayPicture,
    saliency_map: SaliencyMap,
    coloring: Coloring,
    caption: OverlayCaption,
    *,
    panel_px: int | None = DEFAULT_PANEL_PX,
) -> Image.Image:
    """The radiograph on the left, the overlay on the right, then the key to the colours.

    `panel_px` limits the longer side of the two panels; None keeps the radiograph's own resolution. What is smaller
    than 480 px is enlarged to that, so that the words can be read.
    """
    panel = panel_of(gray, panel_px)
    layout = _Layout(Spacing.around(panel), panel.width, panel.height)
    layout = replace(layout, warning_lines=len(_warning_lines(caption.warnings, layout)))
    sheet = Image.new("RGB", layout.size, BACKGROUND)
    left, right = layout.panel_lefts
    for edge in (left, right):
        sheet.paste(panel, (edge, layout.panel_top))
    lay_over(sheet, (right, layout.panel_top), panel.size, saliency_map, coloring)
    key = color_key(coloring, layout.spacing.key_width, layout.key_height, layout.spacing.text_px)
    sheet.paste(key, (layout.key_left, layout.key_top))
    _write(sheet, layout, caption, coloring.legend)
    return sheet


def _write(sheet: Image.Image, layout: _Layout, caption: OverlayCaption, legend: str) -> None:
    spacing, width = layout.spacing, layout.text_width
    text_px, small_px, line = spacing.text_px, spacing.small_px, spacing.line
    name = shortened(caption.file_name, text_px, width, keep_end=True)
    left, top = spacing.margin, spacing.margin
    _letter(sheet, (left, top), shortened(caption.answer, spacing.title_px, width), spacing.title_px, TEXT)
    _letter(sheet, (left, top + round(line * 1.15)), name, text_px, QUIET_TEXT)
    for place, warning in enumerate(_warning_lines(caption.warnings, layout)):
        _letter(sheet, (left, top + round(line * (2.15 + place))), warning, text_px, WARNING_TEXT)
    for panel_left, title in zip(layout.panel_lefts, ("Radiograph", "Overlay"), strict=True):
        _letter(sheet, (panel_left, layout.panel_top - spacing.panel_title), title, small_px, QUIET_TEXT)
    below = layout.body_top + layout.body_height + spacing.margin // 2
    _letter(sheet, (left, below), shortened(f"{legend}.", small_px, width), small_px, QUIET_TEXT)
    _letter(sheet, (left, below + line), FOOTER, small_px, QUIET_TEXT)


def _letter(sheet: Image.Image, corner: tuple[int, int], text: str, size_px: int, color: tuple[int, int, int]) -> None:
    sheet.paste(color, corner, lettered(text, size_px))


def _warning_lines(warnings: tuple[str, ...], layout: _Layout) -> list[str]:
    """The warnings, each wrapped at words, so that its conclusion is not cut off; many are counted."""
    told = [f"Warning: {warning}" for warning in warnings]
    if len(told) > SHOWN_WARNINGS + 1:
        told[SHOWN_WARNINGS:] = [f"and {len(told) - SHOWN_WARNINGS} more warnings"]
    return [line for warning in told for line in wrapped(warning, layout.spacing.text_px, layout.text_width)]
