"""Two square panels, a whole curve and its best corner enlarged: good systems crowd there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float

from pneumoscope.figures.marks import draw_band, mark_points
from pneumoscope.figures.style import (
    as_unit_square,
    blank_figure,
    figure_style,
    fill_legend,
    looks,
    panels_above_legend,
)
from pneumoscope.figures.values import Band, MeasuredPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDES: Final = (0.2, 0.3, 0.5)
HEIGHT_INCHES: Final = 4.75


@dataclass(frozen=True, slots=True)
class CornerPlot:
    """A kind of curve: its words, where an operating point lies on it, and whether its best corner is the upper `right`."""

    title: str
    x_label: str
    y_label: str
    place: Callable[[MeasuredPoint], tuple[float, float]]
    right: bool
    drawstyle: str = "default"


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One system's curve, with its label and its band."""

    x: Float[np.ndarray, " places"]
    y: Float[np.ndarray, " places"]
    label: str
    band: Band | None


def corner_figure(
    plot: CornerPlot,
    lines: Sequence[Line],
    operating_points: Sequence[MeasuredPoint],
    *,
    caption: str,
    draw_chance: Callable[[Axes], None],
) -> Figure:
    """Each curve in both panels in its own look, then the operating points, then what chance would give."""
    distances = [distance for point in operating_points for distance in distances_of(plot, point)]
    with figure_style():
        figure, both, place = whole_and_corner(plot, caption=caption, side=corner_side(distances))
        for axes in both:
            for look, line in zip(looks(len(lines)), lines, strict=True):
                draw_band(axes, line.band, look)
                axes.plot(
                    line.x, line.y, color=look.color, linestyle=look.line, drawstyle=plot.drawstyle, label=line.label
                )
            mark_points(axes, operating_points, place=plot.place)
            draw_chance(axes)
        fill_legend(figure, place, both[0])
    return figure


def distances_of(plot: CornerPlot, point: MeasuredPoint) -> tuple[float, float]:
    """From the best corner, along each axis."""
    x, y = plot.place(point)
    return 1 - x if plot.right else x, 1 - y


def corner_side(distances: Iterable[float]) -> float:
    """Side of the enlarged corner, that of `SIDES` that just holds what lies `distances` away from the edges; NaN lies nowhere."""
    farthest = max((distance for distance in distances if math.isfinite(distance)), default=0.0)
    return next((side for side in SIDES if farthest < side - 0.01), SIDES[-1])


def whole_and_corner(plot: CornerPlot, *, caption: str, side: float) -> tuple[Figure, tuple[Axes, Axes], Axes]:
    """A figure with the unit square and its best corner of that side, and a place for a legend."""
    figure = blank_figure(title=plot.title, caption=caption, height_inches=HEIGHT_INCHES)
    (whole, corner), place = panels_above_legend(figure, 1, 2)
    as_unit_square(whole, x_label=plot.x_label, y_label=plot.y_label)
    whole.set_title("Whole curve")
    as_unit_square(corner, x_label=plot.x_label, y_label=plot.y_label)
    margin = side / 40
    corner.set_xlim((1 - side - margin, 1 + margin) if plot.right else (-margin, side + margin))
    corner.set_ylim(1 - side - margin, 1 + margin)
    corner.set_title(f"Upper {'right' if plot.right else 'left'} corner, enlarged")
    return figure, (whole, corner), place
