"""From a score table to the numbers a report carries, each with its interval (docs/reference/evaluation.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from pneumoscope.errors import UnusableOption
from pneumoscope.evaluation.bootstrap import nested, weighted_bootstrap, with_exact_end
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.evaluation.delong import auroc_interval
from pneumoscope.evaluation.intervals import LEVEL
from pneumoscope.evaluation.metrics import both_classes, confusion_counts
from pneumoscope.evaluation.operating_point import GivenThreshold, OperatingPoint
from pneumoscope.evaluation.scores import ScoreTable
from pneumoscope.evaluation.subgroups import Subgroup, subgroups
from pneumoscope.evaluation.table_measure import table_measure
from pneumoscope.evaluation.zone_metrics import zone_columns, zone_counts
from pneumoscope.evaluation.zones import ConformalZones

Evaluation = dict[str, Any]
SHORT_METRICS = ("auroc", "brier_score", "calibration_error")
SHORT_RATES = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv")


def evaluate_scores(
    table: ScoreColumns,
    points: Sequence[OperatingPoint | GivenThreshold],
    zones: ConformalZones | None = None,
    *,
    prevalence: float | None = None,
    subgroup_columns: Sequence[str] = (),
    resamples: int,
    generator: np.random.Generator,
) -> Evaluation:
    """Everything there is to say of one table of scores, ready for JSON; None where a number is not defined.

    `points` and `zones` were frozen elsewhere and are measured here. `prevalence` (between 0 and 1) recomputes PPV and
    NPV. All intervals come from the same resamples of patients.
    """
    both_classes(table.labels)
    refuse_impossible(prevalence)
    table = table.take(np.argsort(table.ranking_scores, kind="stable"))
    groups = {column: subgroups(table, column) for column in subgroup_columns}
    measure = table_measure(
        table, {point.name: point.threshold for point in points}, zones=zones, groups=groups, prevalence=prevalence
    )
    found = nested(
        weighted_bootstrap(measure, table.patient_numbers, table.labels, resamples=resamples, generator=generator)
    )
    return {
        "radiographs": len(table),
        "patients": len(np.unique(table.patient_numbers)),
        "with_finding": int(table.labels.sum()),
        "interval": interval_note(table, resamples),
        "prevalence": prevalence,
        "metrics": found["metrics"],
        "auroc_delong": delong(table),
        "before_calibration": found.get("before_calibration"),
        "operating_points": {
            point.name: at_operating_point(table, point, found["operating_points"][point.name], prevalence)
            for point in points
        },
        "zones": None if zones is None else in_zones(table, zones, found["zones"]["metrics"]),
        "subgroups": {
            column: [in_group(table, group, found["subgroups"][column][group.name]) for group in members]
            for column, members in groups.items()
        },
    }


def refuse_impossible(prevalence: float | None) -> None:
    """`UnusableOption` where it is no share of a class among two."""
    if prevalence is not None and not 0 < prevalence < 1:
        raise UnusableOption(
            "prevalence-impossible",
            f"A prevalence of {prevalence} cannot be.",
            remedy="Give a share between 0 and 1, such as 0.05.",
        )


def evaluate(
    table: ScoreTable, operating_points: Sequence[OperatingPoint], *, resamples: int, generator: np.random.Generator
) -> Evaluation:
    """The short form of an evaluation of all that a card promises."""
    return short_form(evaluate_scores(table.columns(), operating_points, resamples=resamples, generator=generator))


def short_form(full: Evaluation) -> Evaluation:
    """What a card carries: the main metrics, and decisions as promised and as found."""
    return {
        **{name: full[name] for name in ("radiographs", "patients", "with_finding", "interval")},
        "metrics": {name: full["metrics"][name] for name in SHORT_METRICS},
        "operating_points": {
            name: {
                "threshold": point["threshold"],
                "promised": point["promised"],
                "confusion": point["confusion"],
                "metrics": {rate: point["metrics"][rate] for rate in SHORT_RATES},
            }
            for name, point in full["operating_points"].items()
        },
    }


def interval_note(table: ScoreColumns, resamples: int) -> Evaluation:
    """How the intervals came about."""
    return {"level": LEVEL, "method": "percentile bootstrap", "unit": table.unit, "resamples": resamples}


def delong(table: ScoreColumns) -> Evaluation:
    """AUROC with the interval that needs no resampling."""
    method = "DeLong, summed by patient (Obuchowski 1997)" if table.patients is not None else "DeLong 1988"
    interval = auroc_interval(table.ranking_scores, table.labels, table.patient_numbers)
    return {**asdict(interval), "level": LEVEL, "method": method, "unit": table.unit}


def at_operating_point(
    table: ScoreColumns, point: OperatingPoint | GivenThreshold, found: Mapping[str, Any], prevalence: float | None
) -> Evaluation:
    """Confusion counts and rates at a threshold, beside what it had where it was chosen."""
    promised = {"sensitivity": point.sensitivity, "specificity": point.specificity}
    metrics = found["metrics"] | with_exact_ends(found["metrics"], *patients_by_class(table))
    inside = {name: is_inside(value, metrics[name]) for name, value in promised.items()}
    return {
        "threshold": point.threshold,
        "promised": {**promised, "on": point.chosen_on, "rule": point.rule},
        "promise_inside_interval": inside,
        "confusion": asdict(confusion_counts(table.probabilities >= point.threshold, table.labels)),
        "metrics": metrics,
        "at_prevalence": None if prevalence is None else {"prevalence": prevalence, **found["at_prevalence"]},
    }


def patients_by_class(table: ScoreColumns) -> tuple[int, int]:
    """With and without the finding."""
    return len(np.unique(table.patient_numbers[table.labels])), len(np.unique(table.patient_numbers[~table.labels]))


def with_exact_ends(found: Mapping[str, Any], with_finding: int, without_finding: int) -> Evaluation:
    """Sensitivity and specificity, by the patients of each class where no error was seen."""
    return {
        "sensitivity": with_exact_end(found["sensitivity"], patients=with_finding),
        "specificity": with_exact_end(found["specificity"], patients=without_finding),
    }


def is_inside(value: float | None, interval: Mapping[str, float | None]) -> bool | None:
    """None where there is no interval, or nothing was promised."""
    low, high = interval["low"], interval["high"]
    return None if value is None or low is None or high is None else low <= value <= high


def in_zones(table: ScoreColumns, zones: ConformalZones, metrics: Mapping[str, Any]) -> Evaluation:
    """What was frozen, how many radiographs fell where, and what that is as rates."""
    counts = zone_counts(zone_columns(table.probabilities, table.labels, zones))
    with_finding, without_finding = patients_by_class(table)
    mended = {
        name: with_exact_end(interval, patients=with_finding if name.endswith("_with_finding") else without_finding)
        for name, interval in metrics.items()
        if name.endswith(("_with_finding", "_without_finding"))
    }
    return {"frozen": zones.to_dict(), "counts": counts, "metrics": {**metrics, **mended}}


def in_group(table: ScoreColumns, group: Subgroup, found: Mapping[str, Any]) -> Evaluation:
    """A subgroup with its sizes."""
    patients = group.patients_with_finding, group.patients_without_finding
    return {
        "name": group.name,
        "low": group.low,
        "high": group.high,
        "radiographs": len(group.rows),
        "with_finding": int(table.labels[group.rows].sum()),
        "patients_with_finding": group.patients_with_finding,
        "patients_without_finding": group.patients_without_finding,
        "small": group.small,
        "auroc_compared_with": str(group.compared_with),
        "metrics": found["metrics"],
        "operating_points": {
            name: with_exact_ends(metrics, *patients) for name, metrics in found.get("operating_points", {}).items()
        },
    }
