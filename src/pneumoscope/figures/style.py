"""How every figure looks: colours that colour-blind people tell apart, and shapes that a black-and-white print keeps.

Colours: Okabe & Ito 2008, "Color universal design" (jfly.uni-koeln.de/color). No meaning rests on a colour alone:
what has a colour of its own has a line style, a marker and a hatch of its own too.

Matplotlib is imported when something is drawn, not before, and only its object-oriented part: no pyplot, no state
that outlives a figure. Its style settings hold for all threads, so draw in one thread at a time.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pneumoscope.errors import MissingExtra, UnusableOption

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES: Final = 8.0
CAPTION_CHARACTERS: Final = 115
LEGEND_LINE_INCHES: Final = 0.2
DOTS_PER_INCH: Final = 150

BLACK: Final = "#000000"
ORANGE: Final = "#E69F00"
SKY_BLUE: Final = "#56B4E9"
GREEN: Final = "#009E73"
BLUE: Final = "#0072B2"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GRAY: Final = "#6E6E6E"
LIGHT_GRAY: Final = "#DCDCDC"


@dataclass(frozen=True, slots=True)
class Look:
    """What one series is known by; any two differ in each of the four."""

    color: str
    line: str | tuple[int, tuple[float, ...]]
    marker: str
    hatch: str


SERIES: Final = (
    Look(BLUE, "-", "o", ""),
    Look(VERMILION, "--", "s", "///"),
    Look(GREEN, "-.", "^", "..."),
    Look(PURPLE, ":", "D", "xxx"),
    Look(ORANGE, (0, (5, 1, 1, 1, 1, 1)), "v", "\\\\\\"),
    Look(SKY_BLUE, (0, (8, 3)), "P", "ooo"),
)

WITHOUT_FINDING: Final = Look(SKY_BLUE, "-", "o", "")
WITH_FINDING: Final = Look(VERMILION, "--", "s", "////")

REFERENCE_LINE: Final[dict[str, Any]] = {"color": GRAY, "linestyle": (0, (1, 2)), "linewidth": 1.2, "zorder": 1}
"""Chance, identity, prevalence: what a curve is compared with."""

BAND_OPACITY: Final = 0.22

PLATE: Final[dict[str, Any]] = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
"""Behind a number, where a line may run."""

HALF_A_COUNT: Final = 0.5
"""Where bars start on a logarithmic scale, so that a single radiograph is seen."""

SETTINGS: Final[dict[str, object]] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.dpi": DOTS_PER_INCH,
    "figure.facecolor": "white",
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.7,
    "legend.fontsize": 9,
    "legend.framealpha": 0.92,
    "legend.handlelength": 2.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 5.5,
    "savefig.dpi": DOTS_PER_INCH,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "pneumoscope",
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Within it Matplotlib draws as set here, whatever the user's own settings; afterwards those are back.

    `MissingExtra` where Matplotlib is not installed.
    """
    try:
        from matplotlib import style  # noqa: PLC0415 - costs half a second, so only when something is drawn
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "figures-extra-missing",
            "Drawing figures needs Matplotlib.",
            remedy="pip install '.[figures]' in a copy of the repository",
        ) from error
    with style.context(["default", SETTINGS]):
        yield


def blank_figure(*, title: str, caption: str, height_inches: float) -> Figure:
    """A white figure with a title above and a caption (what was measured, on how many) below; call it in `figure_style`."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH_INCHES, height_inches))
    figure.suptitle(title, x=0.012, ha="left", fontsize=12.5, fontweight="bold")
    if caption:
        figure.supxlabel(textwrap.fill(caption, CAPTION_CHARACTERS), x=0.012, ha="left", fontsize=8.5, color="#444444")
    return figure


def looks(count: int) -> tuple[Look, ...]:
    """One look a series; `UnusableOption` for more than can be told apart."""
    if count > len(SERIES):
        raise UnusableOption(
            "figure-too-full",
            f"{count} series in one figure cannot be told apart.",
            remedy=f"Draw {len(SERIES)} or fewer in one figure.",
        )
    return SERIES[:count]


def panels_above_legend(
    figure: Figure, rows: int, columns: int, *, height_ratios: Sequence[float] | None = None, share: bool = False
) -> tuple[list[Axes], Axes]:
    """Panels row by row, and below them a place for `fill_legend`; `share` puts all on the same two axes."""
    ratios = [*(height_ratios or [1.0] * rows), 0.001]
    grid = figure.add_gridspec(rows + 1, columns, height_ratios=ratios)
    panels: list[Axes] = []
    for row in range(rows):
        for column in range(columns):
            first = panels[0] if panels and share else None
            panels.append(figure.add_subplot(grid[row, column], sharex=first, sharey=first))
    place = figure.add_subplot(grid[rows, :])
    place.axis("off")
    return panels, place


def fill_legend(figure: Figure, place: Axes, described: Axes, *, columns: int = 1) -> None:
    """What the lines and marks of `described` are; the figure grows by what the legend needs."""
    handles, names = described.get_legend_handles_labels()
    if names:
        place.legend(handles, names, loc="upper left", ncols=columns, frameon=False, borderaxespad=0.6, borderpad=0)
        figure.set_figheight(figure.get_figheight() + LEGEND_LINE_INCHES * -(-len(names) // columns))


def count_scale(axes: Axes, highest: int) -> None:
    """A logarithmic vertical axis for counts from 1 to `highest`, in plain numbers, with room for a number on top."""
    from matplotlib.ticker import NullFormatter, StrMethodFormatter  # noqa: PLC0415

    axes.set(yscale="log", ylim=(HALF_A_COUNT, max(highest, 1) * 2.6), ylabel="radiographs")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=False, axis="x")


def as_unit_square(axes: Axes, *, x_label: str, y_label: str) -> None:
    """Both axes from 0 to 1, as long as each other."""
    axes.set(xlim=(-0.025, 1.025), ylim=(-0.025, 1.025), xlabel=x_label, ylabel=y_label)
    axes.set_aspect("equal")
