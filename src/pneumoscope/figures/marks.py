"""What is drawn onto curves: bands of confidence, operating points on a curve or across a threshold axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from pneumoscope.figures.style import BAND_OPACITY, BLACK, Look
from pneumoscope.figures.values import Band, MeasuredPoint, merged

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS: Final = ("o", "s", "^", "D", "v", "P")
LINES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3)))


def draw_band(axes: Axes, band: Band | None, look: Look) -> None:
    """The 95 % band of a curve, where there is one, in a pale shade of its colour."""
    if band is not None:
        axes.fill_between(band.at, band.low, band.high, color=look.color, alpha=BAND_OPACITY, linewidth=0)


def mark_points(
    axes: Axes, points: Sequence[MeasuredPoint], place: Callable[[MeasuredPoint], tuple[float, float]]
) -> None:
    """A white shape with a black edge for each operating point, labelled with its threshold and rates."""
    for number, point in enumerate(merged(points)):
        x, y = place(point)
        axes.plot(
            [x],
            [y],
            linestyle="none",
            marker=MARKERS[number % len(MARKERS)],
            markersize=8,
            markerfacecolor="white",
            markeredgecolor=BLACK,
            markeredgewidth=1.6,
            zorder=5,
            label=threshold_and_rates(point),
        )


def threshold_and_rates(point: MeasuredPoint) -> str:
    """`balanced, from 0.838: sensitivity 0.985, specificity 0.850, PPV 0.916`."""
    counts = point.counts
    return (
        f"{point.name}, from {point.threshold:.3f}: sensitivity {in_words(counts.sensitivity)}, "
        f"specificity {in_words(counts.specificity)}, PPV {in_words(counts.ppv)}"
    )


def in_words(rate: float) -> str:
    """Three decimals, or that there is no such rate."""
    return "not defined" if math.isnan(rate) else f"{rate:.3f}"


def mark_thresholds(axes: Axes, thresholds: Sequence[tuple[str, float]]) -> None:
    """An upright line at each threshold, labelled; the same threshold twice is one line with both names."""
    names: dict[float, list[str]] = {}
    for name, threshold in thresholds:
        names.setdefault(threshold, []).append(name)
    for number, (threshold, same) in enumerate(names.items()):
        axes.axvline(
            threshold,
            color=BLACK,
            linestyle=LINES[number % len(LINES)],
            linewidth=1.3,
            zorder=2.5,
            label=f"{' = '.join(same)}, from {threshold:.3f}",
        )
