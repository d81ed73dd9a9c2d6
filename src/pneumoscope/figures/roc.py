"""The ROC curve: sensitivity against false positive rate over all thresholds (Fawcett 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pneumoscope.evaluation.curves import RocCurve
from pneumoscope.figures.corner import CornerPlot, Line, corner_figure
from pneumoscope.figures.style import REFERENCE_LINE
from pneumoscope.figures.values import Band, Interval, MeasuredPoint, described, refuse_nothing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


ROC: Final = CornerPlot(
    title="ROC curve",
    x_label="1 - specificity (false positive rate)",
    y_label="sensitivity (true positive rate)",
    place=lambda at: (1 - at.counts.specificity, at.counts.sensitivity),
    right=False,
)


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
    lines = [Line(one.curve.false_positive_rate, one.curve.sensitivity, one.label, one.band) for one in series]
    return corner_figure(ROC, lines, operating_points, caption=caption, draw_chance=draw_chance)


def draw_chance(axes: Axes) -> None:
    """The diagonal."""
    axes.plot([0, 1], [0, 1], label="chance", **REFERENCE_LINE)
