"""What stands on a sheet whatever the radiograph: English, unless another language's words are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pneumoscope.explanation.sheet_parts import FOOTER


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetWords:
    """Titles of the panels, the colour key, the strip of similar cases, the footer; values go into the {places}.

    `footer` says what the sheet is not for, in the sheet's language. `decimal` is the sign in numbers.
    """

    radiograph: str = "Radiograph"
    overlay: str = "Overlay"
    contours: str = "Lines of equal evidence"
    heat_map: str = "Evidence alone, without the radiograph"
    zero_or_less: str = "0 or less"
    or_less: str = "{value} or less"
    or_more: str = "{value} or more"
    warning: str = "Warning: {text}"
    similar: str = "Training radiographs that the model takes for most alike, and how far they are. That they agree is no second opinion."
    small_pictures: str = "Small pictures: {attribution}"
    footer: str = FOOTER
    decimal: str = "."

    def __post_init__(self) -> None:
        if not self.footer.strip():
            raise ValueError("every sheet says that it is for research and education only")

    def number(self, text: str) -> str:
        """A number that Python wrote, with the sheet's decimal sign."""
        return text.replace(".", self.decimal)


ENGLISH: Final = SheetWords()
