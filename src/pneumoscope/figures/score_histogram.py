"""How probabilities spread in radiographs with and without the finding, and where the operating points cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from pneumoscope.evaluation.curves import BinCounts, ScoreHistogram
from pneumoscope.figures.marks import mark_thresholds
from pneumoscope.figures.style import (
    HALF_A_COUNT,
    PLATE,
    WITH_FINDING,
    WITHOUT_FINDING,
    Look,
    blank_figure,
    count_scale,
    figure_style,
    fill_legend,
    panels_above_legend,
)
from pneumoscope.figures.values import refuse_nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT_INCHES: Final = 6.0


def score_histogram_figure(
    histogram: ScoreHistogram, *, thresholds: Sequence[tuple[str, float]] = (), caption: str = ""
) -> Figure:
    """One panel a class on the same axes, counts above the bars; `thresholds` are operating points as (name, probability).

    The counts are on a logarithmic scale, as most probabilities lie near 0 and 1 and the errors are few.
    """
    refuse_nothing(int(histogram.with_finding.sum() + histogram.without_finding.sum()), what="radiograph")
    with figure_style():
        figure = blank_figure(title="Probabilities by class", caption=caption, height_inches=HEIGHT_INCHES)
        (above, below), place = panels_above_legend(figure, 2, 1, share=True)
        draw_class(above, histogram, histogram.with_finding, WITH_FINDING, "with pneumonia")
        draw_class(below, histogram, histogram.without_finding, WITHOUT_FINDING, "without pneumonia")
        highest = max(int(histogram.with_finding.max()), int(histogram.without_finding.max()))
        for axes in (above, below):
            count_scale(axes, highest)
            axes.set_xlim(-0.005, 1.005)
            mark_thresholds(axes, thresholds)
        below.set_xlabel("calibrated probability of pneumonia")
        fill_legend(figure, place, above, columns=2)
    return figure


def draw_class(axes: Axes, histogram: ScoreHistogram, counts: BinCounts, look: Look, name: str) -> None:
    """Bars from a half, so that a single radiograph is seen on the logarithmic scale."""
    left, width = histogram.edges[:-1], np.diff(histogram.edges)
    axes.bar(
        left,
        np.maximum(counts - HALF_A_COUNT, 0),
        width,
        bottom=HALF_A_COUNT,
        align="edge",
        facecolor="white" if look.hatch else look.color,
        edgecolor=look.color if look.hatch else "white",
        hatch=look.hatch,
    )
    for x, count in zip((left + width / 2)[counts > 0], counts[counts > 0], strict=True):
        axes.text(x, count * 1.16, f"{count}", ha="center", va="bottom", fontsize=7.5, bbox=PLATE)
    axes.set_title(f"{name} ({counts.sum():,} radiographs)")
