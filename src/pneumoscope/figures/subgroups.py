"""A forest plot: one metric in each subgroup with its interval, beside that of all radiographs (Lewis & Clarke 2001)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pneumoscope.figures.style import (
    BLUE,
    GRAY,
    LIGHT_GRAY,
    REFERENCE_LINE,
    blank_figure,
    figure_style,
    fill_legend,
    panels_above_legend,
)
from pneumoscope.figures.values import Interval, refuse_nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_INCHES: Final = 0.27


@dataclass(frozen=True, slots=True)
class SubgroupRow:
    """A line of the plot: `family` is what divides ("subtype"), `group` one of its values ("viral")."""

    family: str
    group: str
    radiographs: int
    patients: int
    value: Interval
    small: bool = False


def forest_plot(
    subgroups: Sequence[SubgroupRow], *, metric: str, overall: Interval | None = None, caption: str = ""
) -> Figure:
    """One row a subgroup under the name of its family; `overall` is an upright line. Small groups are hollow and gray.

    A metric that is not defined in a group is said to be so, and nothing is drawn there.
    """
    refuse_nothing(len(subgroups), what="subgroup")
    rows = rows_of(subgroups)
    with figure_style():
        figure = blank_figure(
            title=f"{metric} by subgroup", caption=caption, height_inches=1.5 + ROW_INCHES * (len(rows) + 1)
        )
        (axes,), place = panels_above_legend(figure, 1, 1)
        if overall is not None and overall.defined:
            axes.axvline(overall.value, label=f"all: {overall}", **REFERENCE_LINE)
            if overall.has_ends:
                axes.axvspan(overall.low, overall.high, color=LIGHT_GRAY, alpha=0.6, linewidth=0, zorder=0)
        for height, row in enumerate(rows):
            if isinstance(row, SubgroupRow):
                draw_row(axes, height, row)
        dress(axes, rows, metric)
        if any(subgroup.small for subgroup in subgroups):
            axes.plot([], [], "D", color=GRAY, markerfacecolor="white", label="† small group: read with care")
        fill_legend(figure, place, axes, columns=2)
    return figure


def rows_of(subgroups: Sequence[SubgroupRow]) -> list[SubgroupRow | str]:
    """Subgroups in order, the name of a family before its first."""
    rows: list[SubgroupRow | str] = []
    family = None
    for subgroup in subgroups:
        if subgroup.family != family:
            family = subgroup.family
            rows.append(family)
        rows.append(subgroup)
    return rows


def draw_row(axes: Axes, height: int, subgroup: SubgroupRow) -> None:
    """Mark and interval; the numbers stand at the right edge."""
    value, color = subgroup.value, GRAY if subgroup.small else BLUE
    if value.defined:
        if value.has_ends:
            axes.plot(
                [value.low, value.high], [height, height], "-|", color=color, linewidth=1.6, markersize=7, zorder=3
            )
        axes.plot(
            [value.value],
            [height],
            "D" if subgroup.small else "s",
            color=color,
            markerfacecolor="white" if subgroup.small else color,
            markersize=6,
            zorder=4,
        )
    numbers = f"{value}{' †' if subgroup.small else ''}"
    axes.text(1.02, height, numbers, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)


def dress(axes: Axes, rows: Sequence[SubgroupRow | str], metric: str) -> None:
    """Names at the left, with how many; families in bold."""
    names = [row if isinstance(row, str) else f"{row.group}  {row.radiographs:,} / {row.patients:,}" for row in rows]
    axes.set_yticks(range(len(rows)), names)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if isinstance(row, str) else "normal")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"{metric} (95 % interval)")
    axes.text(
        -0.012, 1.0, "radiographs / patients", transform=axes.transAxes, ha="right", va="bottom", fontsize=8, color=GRAY
    )
