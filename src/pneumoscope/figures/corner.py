"""Two square panels, a whole curve and its best corner enlarged: good systems crowd there."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from pneumoscope.figures.style import as_unit_square, blank_figure, panels_above_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDES: Final = (0.2, 0.3, 0.5)
HEIGHT_INCHES: Final = 4.75


def corner_side(distances: Iterable[float]) -> float:
    """Side of the enlarged corner, that of `SIDES` that just holds what lies `distances` away from the edges; NaN lies nowhere."""
    farthest = max((distance for distance in distances if math.isfinite(distance)), default=0.0)
    return next((side for side in SIDES if farthest < side - 0.01), SIDES[-1])


def whole_and_corner(
    *, title: str, caption: str, x_label: str, y_label: str, right: bool, side: float
) -> tuple[Figure, tuple[Axes, Axes], Axes]:
    """A figure with the unit square and its upper left (or upper `right`) corner of that side, and a place for a legend."""
    figure = blank_figure(title=title, caption=caption, height_inches=HEIGHT_INCHES)
    (whole, corner), place = panels_above_legend(figure, 1, 2)
    as_unit_square(whole, x_label=x_label, y_label=y_label)
    whole.set_title("Whole curve")
    as_unit_square(corner, x_label=x_label, y_label=y_label)
    margin = side / 40
    corner.set_xlim((1 - side - margin, 1 + margin) if right else (-margin, side + margin))
    corner.set_ylim(1 - side - margin, 1 + margin)
    corner.set_title(f"Upper {'right' if right else 'left'} corner, enlarged")
    return figure, (whole, corner), place
