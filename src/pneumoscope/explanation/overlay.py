"""The sheet that people look at: radiograph, overlay, what the colours mean, what the model answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from PIL import Image

from pneumoscope.arrays import GrayPicture, SaliencyMap
from pneumoscope.explanation.color_key import BACKGROUND, QUIET_TEXT, TEXT, color_key
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.heat_map import lay_over
from pneumoscope.explanation.lettering import lettered, shortened, wrapped

FOOTER: Final = "Research and education only. Not a medical device."
DEFAULT_PANEL_PX: Final = 1024
SMALLEST_PANEL_PX: Final = 480
"""Smaller pictures are enlarged to this, so that the text around them can be read."""
NARROWEST_TEXT_EMS: Final = 54
SHOWN_WARNINGS: Final = 3

WARNING_TEXT: Final = (226, 192, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayCaption:
    """The words on the sheet, ready to draw."""

    file_name: str
    answer: str
    """Probability, decision and operating point in one line."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything goes, in pixels; every distance follows from the size of the text."""

    panel_width: int
    panel_height: int
    text_px: int
    warning_lines: int

    @property
    def margin(self) -> int:
        return round(self.text_px * 1.2)

    @property
    def title_px(self) -> int:
        return round(self.text_px * 1.2)

    @property
    def line(self) -> int:
        return round(self.text_px * 1.5)

    @property
    def key_width(self) -> int:
        return self.text_px * 9

    @property
    def slot_width(self) -> int:
        """What a panel takes at least: its title."""
        return max(self.panel_width, self.text_px * 5)

    @property
    def body_top(self) -> int:
        return self.margin + self.line * (3 + self.warning_lines) + self.margin // 2

    @property
    def body_height(self) -> int:
        return max(self.panel_height, self.text_px * 12)

    @property
    def text_width(self) -> int:
        body = 2 * self.slot_width + self.key_width + 2 * self.margin
        return max(body, self.text_px * NARROWEST_TEXT_EMS)

    @property
    def size(self) -> tuple[int, int]:
        height = self.body_top + self.body_height + self.margin // 2 + 2 * self.line + self.margin // 2
        return self.text_width + 2 * self.margin, height

    @property
    def panel_lefts(self) -> tuple[int, int]:
        """Where the two panels begin; with a narrow radiograph they share what the text leaves over."""
        body = 2 * self.slot_width + self.key_width + 2 * self.margin
        first = self.margin + (self.text_width - body) // 2
        return first, first + self.slot_width + self.margin

    @property
    def panel_top(self) -> int:
        return self.body_top + (self.body_height - self.panel_height) // 2

    @property
    def key_height(self) -> int:
        """The same for all but small and flat radiographs, so that one drawing of the key serves a whole batch."""
        return min(self.body_height, self.text_px * 26)

    @property
    def key_top(self) -> int:
        return self.body_top + (self.body_height - self.key_height) // 2

    @property
    def key_left(self) -> int:
        return self.panel_lefts[1] + self.slot_width + self.margin


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
    panel = _panel(gray, panel_px).convert("RGB")
    longer_px = max(panel.size)
    layout = _Layout(panel.width, panel.height, min(max(longer_px // 42, 15), 72), 0)
    layout = replace(layout, warning_lines=len(_warning_lines(caption.warnings, layout)))
    sheet = Image.new("RGB", layout.size, BACKGROUND)
    left, right = layout.panel_lefts
    for edge in (left, right):
        sheet.paste(panel, (edge, layout.panel_top))
    lay_over(sheet, (right, layout.panel_top), panel.size, saliency_map, coloring)
    key = color_key(coloring, layout.key_width, layout.key_height, layout.text_px)
    sheet.paste(key, (layout.key_left, layout.key_top))
    _write(sheet, layout, caption, coloring.legend)
    return sheet


def _panel(gray: GrayPicture, panel_px: int | None) -> Image.Image:
    """The radiograph at the size of a panel, enlarged where it is tiny."""
    picture = Image.fromarray(gray)
    longer_px = max(picture.size)
    wanted_px = max(min(longer_px, panel_px or longer_px), SMALLEST_PANEL_PX)
    if wanted_px == longer_px:
        return picture
    size = (max(1, round(picture.width * wanted_px / longer_px)), max(1, round(picture.height * wanted_px / longer_px)))
    return picture.resize(size, Image.Resampling.BILINEAR if wanted_px < longer_px else Image.Resampling.BICUBIC)


def _write(sheet: Image.Image, layout: _Layout, caption: OverlayCaption, legend: str) -> None:
    text_px, small_px, line, width = layout.text_px, round(layout.text_px * 0.85), layout.line, layout.text_width
    name = shortened(caption.file_name, text_px, width, keep_end=True)
    left, top = layout.margin, layout.margin
    _letter(sheet, (left, top), shortened(caption.answer, layout.title_px, width), layout.title_px, TEXT)
    _letter(sheet, (left, top + round(line * 1.15)), name, text_px, QUIET_TEXT)
    for place, warning in enumerate(_warning_lines(caption.warnings, layout)):
        _letter(sheet, (left, top + round(line * (2.15 + place))), warning, text_px, WARNING_TEXT)
    for panel_left, title in zip(layout.panel_lefts, ("Radiograph", "Overlay"), strict=True):
        _letter(sheet, (panel_left, layout.panel_top - round(text_px * 1.3)), title, small_px, QUIET_TEXT)
    below = layout.body_top + layout.body_height + layout.margin // 2
    _letter(sheet, (left, below), shortened(f"{legend}.", small_px, width), small_px, QUIET_TEXT)
    _letter(sheet, (left, below + line), FOOTER, small_px, QUIET_TEXT)


def _letter(sheet: Image.Image, corner: tuple[int, int], text: str, size_px: int, color: tuple[int, int, int]) -> None:
    sheet.paste(color, corner, lettered(text, size_px))


def _warning_lines(warnings: tuple[str, ...], layout: _Layout) -> list[str]:
    """The warnings, each wrapped at words, so that its conclusion is not cut off; many are counted."""
    told = [f"Warning: {warning}" for warning in warnings]
    if len(told) > SHOWN_WARNINGS + 1:
        told[SHOWN_WARNINGS:] = [f"and {len(told) - SHOWN_WARNINGS} more warnings"]
    return [line for warning in told for line in wrapped(warning, layout.text_px, layout.text_width)]
