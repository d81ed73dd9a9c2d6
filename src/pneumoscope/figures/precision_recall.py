"""The precision-recall curve: PPV against sensitivity over all thresholds (Davis & Goadrich 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pneumoscope.evaluation.curves import PrecisionRecallCurve
from pneumoscope.figures.corner import CornerPlot, Line, corner_figure
from pneumoscope.figures.style import REFERENCE_LINE
from pneumoscope.figures.values import Band, Interval, MeasuredPoint, described, refuse_nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


PRECISION_RECALL: Final = CornerPlot(
    title="Precision-recall curve",
    x_label="sensitivity (recall)",
    y_label="PPV (precision)",
    place=lambda at: (at.counts.sensitivity, at.counts.ppv),
    right=True,
    drawstyle="steps-pre",
)


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
    prevalence = series[0].curve.prevalence
    lines = [Line(one.curve.sensitivity, one.curve.ppv, one.label, one.band) for one in series]

    def draw_chance(axes: Axes) -> None:
        axes.axhline(prevalence, label=f"prevalence {prevalence:.3f}: the PPV of chance", **REFERENCE_LINE)

    return corner_figure(PRECISION_RECALL, lines, operating_points, caption=caption, draw_chance=draw_chance)
