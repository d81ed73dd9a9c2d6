"""Sensitivity and specificity as promised where an operating point was chosen, and as measured elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pneumoscope.figures.style import (
    BLUE,
    PLATE,
    VERMILION,
    blank_figure,
    figure_style,
    fill_legend,
    panels_above_legend,
)
from pneumoscope.figures.values import Interval, refuse_nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_INCHES: Final = 0.62


@dataclass(frozen=True, slots=True)
class Promise:
    """An operating point: what it had where it was chosen, and what it gives where it is measured."""

    name: str
    threshold: float
    promised_sensitivity: float
    promised_specificity: float
    sensitivity: Interval
    specificity: Interval


def promised_and_measured(
    promises: Sequence[Promise], *, chosen_on: str, measured_on: str, caption: str = ""
) -> Figure:
    """Two panels, a row an operating point: the promise is a hollow diamond, the measurement a dot with its interval."""
    refuse_nothing(len(promises), what="operating point")
    with figure_style():
        figure = blank_figure(
            title="Operating points: promised and measured",
            caption=caption,
            height_inches=1.8 + ROW_INCHES * (len(promises) + 0.5),
        )
        (left, right), place = panels_above_legend(figure, 1, 2, share=True)
        right.tick_params(labelleft=False)
        names = (f"promised on {chosen_on}", f"measured on {measured_on}, 95 % interval")
        draw_rate(left, [(one.promised_sensitivity, one.sensitivity) for one in promises], "sensitivity", names)
        draw_rate(right, [(one.promised_specificity, one.specificity) for one in promises], "specificity", names)
        left.set_yticks(range(len(promises)), [f"{one.name}\nfrom {one.threshold:.3f}" for one in promises])
        left.set_ylim(len(promises) - 0.5, -0.5)
        fill_legend(figure, place, left)
    return figure


def draw_rate(axes: Axes, rates: Sequence[tuple[float, Interval]], label: str, names: tuple[str, str]) -> None:
    """Promise and measurement of one rate, one above the other, with the numbers."""
    for row, (promised, measured) in enumerate(rates):
        first = row == 0
        axes.plot(
            [promised],
            [row - 0.13],
            "D",
            markerfacecolor="white",
            markeredgecolor=VERMILION,
            markeredgewidth=1.6,
            markersize=7,
            label=names[0] if first else None,
            zorder=4,
        )
        text = f"promised {promised:.3f}, measured {measured}"
        beside = axes.get_yaxis_transform()
        axes.text(0.5, row + 0.26, text, transform=beside, ha="center", va="top", fontsize=8, bbox=PLATE)
        if not measured.defined:
            continue
        if measured.has_ends:
            axes.plot([measured.low, measured.high], [row + 0.13] * 2, "-|", color=BLUE, markersize=8)
        axes.plot([measured.value], [row + 0.13], "o", color=BLUE, label=names[1] if first else None, zorder=4)
    axes.set_xlabel(label)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.15)
