"""The reliability diagram: do radiographs with probability p have pneumonia p of the time (Guo 2017)?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from pneumoscope.evaluation.curves import ReliabilityDiagram
from pneumoscope.figures.style import (
    HALF_A_COUNT,
    REFERENCE_LINE,
    as_unit_square,
    blank_figure,
    count_scale,
    figure_style,
    fill_legend,
    looks,
    panels_above_legend,
)
from pneumoscope.figures.values import refuse_nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW: Final = 10
"""A bin of fewer radiographs says little; its mark is hollow."""

HEIGHT_INCHES: Final = 7.6


def reliability_figure(diagrams: Mapping[str, ReliabilityDiagram], *, caption: str = "") -> Figure:
    """Observed share against mean probability by bin, and below it how many radiographs each bin holds.

    `diagrams` by name, most often "before calibration" and "after calibration", of the same bins. Empty bins are left
    out; marks of bins with fewer than `FEW` radiographs are hollow.
    """
    refuse_nothing(sum(int(diagram.radiographs.sum()) for diagram in diagrams.values()), what="radiograph in any bin")
    with figure_style():
        figure = blank_figure(title="Reliability diagram", caption=caption, height_inches=HEIGHT_INCHES)
        (above, below), place = panels_above_legend(figure, 2, 1, height_ratios=[3.6, 1])
        as_unit_square(above, x_label="mean predicted probability in the bin", y_label="observed share with pneumonia")
        above.plot([0, 1], [0, 1], label="perfect calibration", **REFERENCE_LINE)
        draw_observed(above, diagrams)
        draw_counts(below, diagrams)
        fill_legend(figure, place, above, columns=2)
    return figure


def draw_observed(axes: Axes, diagrams: Mapping[str, ReliabilityDiagram]) -> None:
    """A line for each diagram, hollow marks where a bin holds few."""
    for look, (name, diagram) in zip(looks(len(diagrams)), diagrams.items(), strict=True):
        filled = diagram.radiographs > 0
        x, y, count = (
            values[filled] for values in (diagram.mean_probability, diagram.observed_rate, diagram.radiographs)
        )
        axes.plot(x, y, color=look.color, linestyle=look.line, marker=look.marker, label=name, zorder=3)
        few = count < FEW
        axes.plot(
            x[few],
            y[few],
            look.marker,
            markerfacecolor="white",
            markeredgecolor=look.color,
            markeredgewidth=1.4,
            zorder=4,
        )
    axes.plot(
        [], [], "o", markerfacecolor="white", markeredgecolor="black", label=f"hollow: fewer than {FEW} radiographs"
    )


def draw_counts(axes: Axes, diagrams: Mapping[str, ReliabilityDiagram]) -> None:
    """Bars side by side, hatched, on a logarithmic scale, the count above each."""
    total = len(diagrams)
    for number, (look, (name, diagram)) in enumerate(zip(looks(total), diagrams.items(), strict=True)):
        width = (diagram.upper_edge - diagram.lower_edge) * 0.86 / total
        middle = (diagram.lower_edge + diagram.upper_edge) / 2 + (number - (total - 1) / 2) * width
        count = diagram.radiographs
        axes.bar(
            middle,
            np.maximum(count - HALF_A_COUNT, 0),
            width,
            bottom=HALF_A_COUNT,
            facecolor="white" if look.hatch else look.color,
            edgecolor=look.color,
            hatch=look.hatch,
            label=name,
        )
        for x, value in zip(middle[count > 0], count[count > 0], strict=True):
            axes.text(x, value * 1.15, f"{value}", ha="center", va="bottom", fontsize=6.5)
    count_scale(axes, max(int(diagram.radiographs.max()) for diagram in diagrams.values()))
    axes.set(xlim=(-0.01, 1.01), xlabel="predicted probability")
