"""Decisions against the reference standard at each operating point: counts, and the share of each true class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from pneumoscope.evaluation.metrics import ConfusionCounts
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.figures.style import BLACK, blank_figure, figure_style
from pneumoscope.figures.values import MeasuredPoint, merged, refuse_nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS: Final = 3
HEIGHT_INCHES: Final = 3.2
DARK: Final = 0.55
"""From this share on a cell is dark enough for white letters."""


def confusion_matrices(points: Sequence[MeasuredPoint], *, caption: str = "") -> Figure:
    """One matrix an operating point, rows the reference standard; points of the same threshold share one."""
    refuse_nothing(len(points), what="operating point")
    shown = merged(points)
    columns = min(ACROSS, len(shown))
    lines = -(-len(shown) // columns)
    with figure_style():
        figure = blank_figure(title="Confusion matrix", caption=caption, height_inches=0.8 + HEIGHT_INCHES * lines)
        for number, point in enumerate(shown):
            axes = figure.add_subplot(lines, columns, number + 1)
            draw_matrix(axes, point, first=number % columns == 0)
    return figure


def draw_matrix(axes: Axes, point: MeasuredPoint, *, first: bool) -> None:
    """Cells shaded by the share of their row; the names of the rows only in the first column."""
    counts = table_of(point.counts)
    totals = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1.15)
    axes.axhline(0.5, color="white", linewidth=3)
    axes.axvline(0.5, color="white", linewidth=3)
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if share[row, column] > DARK else BLACK
        percent = f"{100 * share[row, column]:.1f} %" if totals[row] else "none"
        axes.text(column, row - 0.08, f"{count:,}", ha="center", va="center", color=color, fontsize=15)
        axes.text(column, row + 0.2, percent, ha="center", va="center", color=color, fontsize=9)
    names = [Decision.NORMAL.value, Decision.PNEUMONIA.value]
    axes.set_xticks([0, 1], names)
    axes.set_yticks(
        [0, 1], [f"{name}\nn = {n:,}" for name, n in zip(names, totals[:, 0], strict=True)] if first else ["", ""]
    )
    axes.set(title=f"{point.name}\nfrom {point.threshold:.3f}", xlabel="decision")
    if first:
        axes.set_ylabel("reference standard")
    axes.grid(visible=False)
    axes.tick_params(length=0)


def table_of(counts: ConfusionCounts) -> np.ndarray:
    """Two by two: rows without and with the finding, columns decided without and with it."""
    return np.array(
        [[counts.true_negative, counts.false_positive], [counts.false_negative, counts.true_positive]], np.int64
    )
