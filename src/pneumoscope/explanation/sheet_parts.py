"""What every sheet is made of: distances that follow from the size of its text, and the radiograph as a panel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PIL import Image

from pneumoscope.arrays import GrayPicture

FOOTER: Final = "Research and education only. Not a medical device."
DEFAULT_PANEL_PX: Final = 1024
SMALLEST_PANEL_PX: Final = 480
"""Smaller pictures are enlarged to this, so that the text around them can be read."""
NARROWEST_TEXT_EMS: Final = 54


@dataclass(frozen=True, slots=True)
class Spacing:
    """Sizes of text and distances around it, in pixels; every one follows from the size of the text."""

    text_px: int

    @classmethod
    def around(cls, panel: Image.Image) -> Spacing:
        """With text that suits the size of the panels."""
        return cls(min(max(max(panel.size) // 42, 15), 72))

    @property
    def margin(self) -> int:
        return round(self.text_px * 1.2)

    @property
    def title_px(self) -> int:
        return round(self.text_px * 1.2)

    @property
    def small_px(self) -> int:
        return round(self.text_px * 0.85)

    @property
    def line(self) -> int:
        """From one line of text to the next."""
        return round(self.text_px * 1.5)

    @property
    def panel_title(self) -> int:
        """From the title of a panel to the panel."""
        return round(self.text_px * 1.3)

    @property
    def key_width(self) -> int:
        return self.text_px * 9

    def key_height(self, body_height: int) -> int:
        """The same for all but small and flat radiographs, so that one drawing of the key serves a whole batch."""
        return min(body_height, self.text_px * 26)

    def text_width(self, body_width: int) -> int:
        """As wide as what stands on the sheet, and never too narrow for a sentence."""
        return max(body_width, self.text_px * NARROWEST_TEXT_EMS)


def panel_of(gray: GrayPicture, panel_px: int | None) -> Image.Image:
    """The radiograph in RGB, its longer side `panel_px` at most (None: its own resolution), enlarged where it is tiny."""
    picture = Image.fromarray(gray)
    longer_px = max(picture.size)
    wanted_px = max(min(longer_px, panel_px or longer_px), SMALLEST_PANEL_PX)
    if wanted_px != longer_px:
        size = tuple(max(1, round(length * wanted_px / longer_px)) for length in picture.size)
        resampling = Image.Resampling.BILINEAR if wanted_px < longer_px else Image.Resampling.BICUBIC
        picture = picture.resize((size[0], size[1]), resampling)
    return picture.convert("RGB")
