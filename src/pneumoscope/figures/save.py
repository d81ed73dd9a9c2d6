"""A figure as a file: PNG or SVG, whole or not there, the same bytes each time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pneumoscope.errors import UnusableOption
from pneumoscope.figures.style import figure_style
from pneumoscope.whole_file import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNDATED: Final[dict[str, dict[str, None]]] = {
    ".png": {"Software": None},
    ".svg": {"Creator": None, "Date": None},
}
"""What Matplotlib would write into a file of that kind, left out: the same figure is the same bytes."""


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` as the suffix of `path` says, .png (150 dots per inch) or .svg; folders are made.

    The same figure gives the same bytes under the same versions of Matplotlib and FreeType. `UnusableOption` for
    another suffix, `UnusableOutput` where nothing can be written; an older file then stays as it was.
    """
    suffix = path.suffix.lower()
    if suffix not in UNDATED:
        raise UnusableOption(
            "figure-format",
            f"{path.name} names no format that a figure is written in.",
            remedy=f"End the name in {' or '.join(UNDATED)}.",
        )
    content = io.BytesIO()
    with figure_style():
        lay_out_once(figure)
        figure.savefig(content, format=suffix[1:], metadata=UNDATED[suffix])
    write_whole(path, content.getvalue())


def lay_out_once(figure: Figure) -> None:
    """Place everything and keep it there: Matplotlib's layout moves a little each time that a figure is drawn."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
