"""The precision-recall curve: PPV against sensitivity over all thresholds (Davis & Goadrich 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pneumoscope.evaluation.curves import PrecisionRecallCurve
from pneumoscope.figures.corner import corner_side, whole_and_corner
from pneumoscope.figures.marks import draw_band, mark_points
from pneumoscope.figures.style import REFERENCE_LINE, figure_style, fill_legend, looks
from pneumoscope.figures.values import Band, Interval, MeasuredPoint, described, refuse_nothing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class PrecisionRecallSeries:
    """One system's curve, with its average precision and a band where those are known."""

    name: str
    curve: PrecisionRecallCurve
    average_precision: Interval | None = None
    band: Band | None = None

    @property
    def label(self) -> str:
        return described(self.name, "average precision", self.average_precision, self.band)


def precision_recall_figure(
    series: Sequence[PrecisionRecallSeries], *, operating_points: Sequence[MeasuredPoint] = (), caption: str = ""
) -> Figure:
    """Curves of one system or several (six at most) in steps, as average precision sums them; the prevalence below."""
    refuse_nothing(len(series), what="precision-recall curve")
    distances = [distance for point in operating_points for distance in distances_of(point)]
    with figure_style():
        figure, both, place = whole_and_corner(
            title="Precision-recall curve",
            caption=caption,
            x_label="sensitivity (recall)",
            y_label="PPV (precision)",
            right=True,
            side=corner_side(distances),
        )
        for axes in both:
            for look, one in zip(looks(len(series)), series, strict=True):
                draw_band(axes, one.band, look)
                axes.plot(
                    one.curve.sensitivity,
                    one.curve.ppv,
                    color=look.color,
                    linestyle=look.line,
                    drawstyle="steps-pre",
                    label=one.label,
                )
            mark_points(axes, operating_points, place=lambda at: (at.counts.sensitivity, at.counts.ppv))
            prevalence = series[0].curve.prevalence
            axes.axhline(prevalence, label=f"prevalence {prevalence:.3f}: the PPV of chance", **REFERENCE_LINE)
        fill_legend(figure, place, both[0])
    return figure


def distances_of(point: MeasuredPoint) -> tuple[float, float]:
    """From the upper right corner, along each axis."""
    return 1 - point.counts.sensitivity, 1 - point.counts.ppv
