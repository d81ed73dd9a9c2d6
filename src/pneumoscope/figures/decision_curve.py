"""The decision curve: what acting on the model gains at each threshold probability (Vickers & Elkin 2006)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pneumoscope.evaluation.curves import DecisionCurve
from pneumoscope.figures.marks import draw_band, mark_thresholds
from pneumoscope.figures.style import GRAY, SERIES, blank_figure, figure_style, fill_legend, looks, panels_above_legend
from pneumoscope.figures.values import Band, refuse_nothing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHT_INCHES: Final = 5.0
LOWEST: Final = -0.06
"""Where the picture ends below: treating all falls without bound and would flatten the rest."""


def decision_curve_figure(
    curves: Mapping[str, DecisionCurve],
    *,
    band: Band | None = None,
    thresholds: Sequence[tuple[str, float]] = (),
    caption: str = "",
) -> Figure:
    """Net benefit of each system by name, beside treating all and treating none (those of the first curve).

    `band` belongs to the first curve; `thresholds` are operating points as (name, probability).
    """
    refuse_nothing(len(curves), what="decision curve")
    first = next(iter(curves.values()))
    with figure_style():
        figure = blank_figure(title="Decision curve", caption=caption, height_inches=HEIGHT_INCHES)
        (axes,), place = panels_above_legend(figure, 1, 1)
        axes.plot(first.threshold, first.treat_all, color=GRAY, linestyle="--", linewidth=1.3, label="treat all")
        axes.plot(first.threshold, first.treat_none, color=GRAY, linestyle="-", linewidth=1.3, label="treat none")
        draw_band(axes, band, SERIES[0])
        for look, (name, curve) in zip(looks(len(curves)), curves.items(), strict=True):
            axes.plot(
                curve.threshold,
                curve.net_benefit,
                color=look.color,
                linestyle=look.line,
                marker=look.marker,
                markevery=10,
                label=f"{name}; band: 95 % interval" if band and curve is first else name,
                zorder=3,
            )
        mark_thresholds(axes, thresholds)
        highest = max(
            float(values.max()) for curve in curves.values() for values in (curve.net_benefit, curve.treat_all)
        )
        axes.set(xlim=(0, 1), ylim=(LOWEST, max(highest, 0.05) * 1.08))
        axes.set(xlabel="threshold probability", ylabel="net benefit (true positives a radiograph)")
        fill_legend(figure, place, axes, columns=2)
    return figure
