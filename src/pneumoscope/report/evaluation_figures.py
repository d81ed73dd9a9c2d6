"""Draw the figures of an evaluation report into a folder, each as PNG and as SVG."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pneumoscope.evaluation.calibration import sigmoid
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.evaluation.curves import (
    PrecisionRecallCurve,
    RocCurve,
    decision_curve,
    precision_recall_curve,
    reliability_diagram,
    roc_curve,
    score_histogram,
)
from pneumoscope.evaluation.metrics import ConfusionCounts
from pneumoscope.figures.caption import Measured
from pneumoscope.figures.confusion_matrix import confusion_matrices
from pneumoscope.figures.decision_curve import decision_curve_figure
from pneumoscope.figures.precision_recall import PrecisionRecallSeries, precision_recall_figure
from pneumoscope.figures.promises import Promise, promised_and_measured
from pneumoscope.figures.reliability import reliability_figure
from pneumoscope.figures.roc import RocSeries, roc_figure
from pneumoscope.figures.save import save_figure
from pneumoscope.figures.score_histogram import score_histogram_figure
from pneumoscope.figures.subgroups import SubgroupRow, forest_plot
from pneumoscope.figures.values import Interval, MeasuredPoint, interval_of
from pneumoscope.report.chosen_here import POINTS
from pneumoscope.report.curve_bands import curve_bands
from pneumoscope.report.evaluated import Evaluated
from pneumoscope.report.promises import PROMISED
from pneumoscope.report.section import FigureFile
from pneumoscope.report.words import column_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER: Final = "figures"
LONGEST_NAME: Final = 48
LONGEST_GROUP: Final = 28
"""Names of subgroups stand beside the plot, which would have no room otherwise."""
MOST_POINTS: Final = 2000
"""Corners of a curve that a picture can show; a curve of a million radiographs is thinned to them."""
SEED: Final = 0

Drawn = tuple[str, str, "Figure"]
"""Name of the file, what it shows, the figure."""


def write_figures(folder: Path, subject: Evaluated, columns: ScoreColumns) -> dict[str, FigureFile]:
    """Every figure that the evaluation has the numbers for, by name; `UnusableOutput` where one cannot be written."""
    written = {}
    for name, alt, figure in figures(subject, columns):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)  # a name in another script
            save_figure(figure, folder / FOLDER / f"{name}.png")
            save_figure(figure, folder / FOLDER / f"{name}.svg")
        written[name] = FigureFile(name, alt, (folder / FOLDER / f"{name}.svg").read_bytes())
    return written


def figures(subject: Evaluated, columns: ScoreColumns) -> Iterator[Drawn]:
    """One after the other, so that one figure's memory is held at a time."""
    caption = caption_of(subject)
    points = operating_points(subject)
    bare = caption_of(subject, intervals=False)
    yield from curves(subject, columns, points, caption)
    yield from probabilities(columns, points, bare)
    if points:
        yield (
            "confusion-matrices",
            "Confusion matrix at each operating point",
            confusion_matrices(points, caption=bare),
        )
    promised = [] if POINTS in subject.chosen_here else list(promises(subject))
    if promised:
        points_of = subject.document["operating_points"].values()
        on = {str(point["promised"]["on"]) for point in points_of if (point.get("promised") or {}).get("on")}
        chosen_on, measured_on = drawable(" and ".join(sorted(on))), drawable(subject.part.removeprefix("the "))
        figure = promised_and_measured(promised, chosen_on=chosen_on, measured_on=measured_on, caption=caption)
        yield "promises", "Sensitivity and specificity, promised and measured", figure
    yield from forest_plots(subject, caption)


def caption_of(subject: Evaluated, *, intervals: bool = True) -> str:
    """On what, on how many, and where intervals are drawn how they came about."""
    document = subject.document
    interval = document.get("interval") or {}
    measured = Measured(
        drawable(subject.part.removeprefix("the ")),
        document["radiographs"],
        None if interval.get("unit") == "radiograph" else document["patients"],
        document["with_finding"],
        drawable(subject.model),
    )
    return measured.line(f"95 % intervals by resampling {interval.get('unit', 'radiograph')}s" if intervals else "")


def drawable(text: str, *, longest: int = LONGEST_NAME) -> str:
    """On one line, not too long, and no mathematics: Matplotlib sets what stands between dollar signs as formulas."""
    one_line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    short = one_line if len(one_line) <= longest else f"{one_line[: longest - 3]}..."
    return short.replace("$", r"\$")


def operating_points(subject: Evaluated) -> list[MeasuredPoint]:
    """As the document has them."""
    return [
        MeasuredPoint(drawable(name), point["threshold"], ConfusionCounts(**point["confusion"]))
        for name, point in (subject.document.get("operating_points") or {}).items()
    ]


def curves(subject: Evaluated, columns: ScoreColumns, points: list[MeasuredPoint], caption: str) -> Iterator[Drawn]:
    """ROC, precision-recall and decision curve with their bands."""
    name, metrics = drawable(subject.model) or "the scores", subject.document["metrics"]
    bands = curve_bands(columns, np.random.default_rng(SEED))
    roc = RocSeries(
        name,
        thinned_roc(roc_curve(columns.ranking_scores, columns.labels)),
        known_interval(metrics.get("auroc")),
        bands.roc if bands else None,
    )
    yield (
        "roc",
        "ROC curve, whole and its upper left corner",
        roc_figure([roc], operating_points=points, caption=caption),
    )
    recall = PrecisionRecallSeries(
        name,
        thinned_recall(precision_recall_curve(columns.ranking_scores, columns.labels)),
        known_interval(metrics.get("average_precision")),
        bands.precision_recall if bands else None,
    )
    figure = precision_recall_figure([recall], operating_points=points, caption=caption)
    yield "precision-recall", "Precision-recall curve, whole and its upper right corner", figure
    benefit = decision_curve(columns.probabilities, columns.labels)
    thresholds = [(point.name, point.threshold) for point in points]
    figure = decision_curve_figure(
        {name: benefit},
        band=bands.decision if bands else None,
        thresholds=thresholds,
        caption=caption if bands else caption_of(subject, intervals=False),
    )
    yield "decision-curve", "Decision curve: net benefit at each threshold probability", figure


def known_interval(entry: Mapping[str, Any] | None) -> Interval | None:
    """As a figure takes it; None where the document has no such number, or no interval of it."""
    interval = interval_of(entry) if entry else None
    return interval if interval is not None and interval.has_ends else None


def thinned_roc(curve: RocCurve) -> RocCurve:
    """At most `MOST_POINTS` of its points, both ends among them."""
    kept = spread(len(curve.threshold))
    return RocCurve(curve.false_positive_rate[kept], curve.sensitivity[kept], curve.threshold[kept])


def thinned_recall(curve: PrecisionRecallCurve) -> PrecisionRecallCurve:
    """The same for the other curve."""
    kept = spread(len(curve.threshold))
    return replace(curve, sensitivity=curve.sensitivity[kept], ppv=curve.ppv[kept], threshold=curve.threshold[kept])


def spread(count: int) -> np.ndarray:
    """Indices from first to last."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int))


def probabilities(columns: ScoreColumns, points: list[MeasuredPoint], caption: str) -> Iterator[Drawn]:
    """Reliability before (where logits are known) and after calibration, and the histogram."""
    diagrams = {"after calibration": reliability_diagram(columns.probabilities, columns.labels)}
    if columns.logits is not None:
        raw = np.array([sigmoid(logit) for logit in columns.logits.tolist()])
        diagrams = {"before calibration": reliability_diagram(raw, columns.labels), **diagrams}
    yield "reliability", "Reliability diagram", reliability_figure(diagrams, caption=caption)
    thresholds = [(point.name, point.threshold) for point in points]
    histogram = score_histogram(columns.probabilities, columns.labels)
    figure = score_histogram_figure(histogram, thresholds=thresholds, caption=caption)
    yield "score-histogram", "Histogram of the probabilities, by class", figure


def promises(subject: Evaluated) -> Iterator[Promise]:
    """Operating points that promised both rates."""
    for name, point in (subject.document.get("operating_points") or {}).items():
        promised, metrics = point.get("promised") or {}, point["metrics"]
        if promised.get("sensitivity") is not None and promised.get("specificity") is not None:
            yield Promise(
                drawable(name),
                point["threshold"],
                promised["sensitivity"],
                promised["specificity"],
                interval_of(metrics["sensitivity"]),
                interval_of(metrics["specificity"]),
            )


def forest_plots(subject: Evaluated, caption: str) -> Iterator[Drawn]:
    """AUROC, and at the default operating point sensitivity and specificity, in each subgroup that has them."""
    point = subject.default_point
    plots = [("auroc", "AUROC", subject.document["metrics"]["auroc"])]
    if point is not None and subject.point is not None:
        plots += [
            (rate, f"{rate.capitalize()} at {drawable(point)}", subject.point["metrics"][rate]) for rate in PROMISED
        ]
    for key, name, overall in plots:
        rows = list(forest_rows(subject, key))
        if rows:
            figure = forest_plot(rows, metric=name, overall=interval_of(overall), caption=caption)
            yield f"subgroups-{key}", f"{name} in each subgroup", figure


def forest_rows(subject: Evaluated, key: str) -> Iterator[SubgroupRow]:
    """The groups in which the metric is defined."""
    for column, groups in (subject.document.get("subgroups") or {}).items():
        for group in groups:
            at_point = (group.get("operating_points") or {}).get(subject.default_point) or {}
            entry = (group["metrics"] | at_point).get(key)
            if entry and entry["value"] is not None:
                yield SubgroupRow(
                    drawable(column_name(column), longest=LONGEST_GROUP),
                    group_name(group),
                    group["radiographs"],
                    group["patients_with_finding"] + group["patients_without_finding"],
                    interval_of(entry),
                    small=group["small"],
                )


def group_name(group: Mapping[str, Any]) -> str:
    """With the range of its numbers."""
    ends = f", {group['low']:.4g} to {group['high']:.4g}" if group.get("low") is not None else ""
    return f"{drawable(str(group['name']), longest=LONGEST_GROUP)}{ends}"
