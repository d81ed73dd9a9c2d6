"""The ROC curve: sensitivity against false positive rate over all thresholds (Fawcett 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pneumoscope.evaluation.curves import RocCurve
from pneumoscope.figures.corner import corner_side, whole_and_corner
from pneumoscope.figures.marks import draw_band, mark_points
from pneumoscope.figures.style import REFERENCE_LINE, figure_style, fill_legend, looks
from pneumoscope.figures.values import Band, Interval, MeasuredPoint, described, refuse_nothing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class RocSeries:
    """One system's curve, with the area under it and a band where those are known."""

    name: str
    curve: RocCurve
    auroc: Interval | None = None
    band: Band | None = None

    @property
    def label(self) -> str:
        return described(self.name, "AUROC", self.auroc, self.band)


def roc_figure(
    series: Sequence[RocSeries], *, operating_points: Sequence[MeasuredPoint] = (), caption: str = ""
) -> Figure:
    """Curves of one system or several (six at most), bands of 95 % around them, operating points marked."""
    refuse_nothing(len(series), what="ROC curve")
    distances = [distance for point in operating_points for distance in distances_of(point)]
    with figure_style():
        figure, both, place = whole_and_corner(
            title="ROC curve",
            caption=caption,
            x_label="1 - specificity (false positive rate)",
            y_label="sensitivity (true positive rate)",
            right=False,
            side=corner_side(distances),
        )
        for axes in both:
            for look, one in zip(looks(len(series)), series, strict=True):
                draw_band(axes, one.band, look)
                axes.plot(
                    one.curve.false_positive_rate,
                    one.curve.sensitivity,
                    color=look.color,
                    linestyle=look.line,
                    label=one.label,
                )
            mark_points(axes, operating_points, place=lambda at: (1 - at.counts.specificity, at.counts.sensitivity))
            axes.plot([0, 1], [0, 1], label="chance", **REFERENCE_LINE)
        fill_legend(figure, place, both[0])
    return figure


def distances_of(point: MeasuredPoint) -> tuple[float, float]:
    """From the upper left corner, along each axis."""
    return 1 - point.counts.specificity, 1 - point.counts.sensitivity
