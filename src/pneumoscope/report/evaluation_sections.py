"""The tables of an evaluation report, section by section, from the keys of `evaluation.json` that are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pneumoscope.report.chosen_here import POINTS
from pneumoscope.report.evaluated import Document, Evaluated
from pneumoscope.report.published import published_section
from pneumoscope.report.section import Section, Table
from pneumoscope.report.summary import FELL, HELD, PROMISED, ROSE, UNKNOWN, calibration, verdict
from pneumoscope.report.words import (
    capital,
    column_name,
    counted,
    in_percent,
    metric_in_words,
    metric_name,
    number,
    percent,
)

CALIBRATION_KEYS: Final = ("brier_score", "calibration_error", "calibration_slope", "calibration_intercept")
SMALL_MARK: Final = " †"


def evaluation_sections(subject: Evaluated) -> list[Section]:
    """In the order of the report; a section whose key is missing or empty is left out."""
    document = subject.document
    found = (
        published_section(subject),
        ranking_section(document),
        promises_section(subject),
        decisions_section(document),
        prevalence_section(document),
        calibration_section(subject),
        zones_section(document),
        subgroups_section(subject),
    )
    return [section for section in found if section is not None]


def interval_words(document: Document) -> str:
    """How to read the brackets."""
    interval = document.get("interval") or {}
    return (
        f"In brackets: 95 % intervals by resampling {interval.get('unit', 'radiograph')}s"
        f" ({interval.get('method', 'percentile bootstrap')}, {interval.get('resamples', 0):,} resamples)."
    )


def ranking_section(document: Document) -> Section:
    """What needs no threshold."""
    rows = [
        (metric_name(key), metric_in_words(key, entry))
        for key, entry in document["metrics"].items()
        if key not in CALIBRATION_KEYS
    ]
    if delong := document.get("auroc_delong"):
        rows.insert(1, (f"AUROC, interval by {delong['method']}", number(delong)))
    return Section(
        "ranking",
        "Ranking, without a threshold",
        sentences=(interval_words(document),),
        tables=(Table(("metric", "value"), tuple(rows)),),
        figures=("roc", "precision-recall"),
        notes=(
            "Sensitivity at a specificity (and the reverse) describes the curve on these very radiographs; it is no promise.",
        )
        if any("_at_" in key for key in document["metrics"])
        else (),
    )


def distinct_points(document: Document) -> dict[str, Mapping[str, Any]]:
    """Operating points by name, those that are alike in threshold and measured rates as one that carries both names."""
    shown: dict[str, Mapping[str, Any]] = {}
    for name, point in (document.get("operating_points") or {}).items():
        measured = point["threshold"], point["metrics"]
        same = next((other for other, seen in shown.items() if (seen["threshold"], seen["metrics"]) == measured), None)
        if same is None:
            shown[name] = point
        else:
            shown = {f"{same} = {name}" if other == same else other: seen for other, seen in shown.items()}
    return shown


def promises_section(subject: Evaluated) -> Section | None:
    """What each operating point had where it was chosen, and has here; nothing where that is the same."""
    document = subject.document
    if POINTS in subject.chosen_here:
        return None
    rows = tuple(row for name, point in distinct_points(document).items() for row in promise_rows(name, point))
    if not rows:
        return None
    header = ("operating point", "rate", "promised", "measured here", "the promise")
    rules = tuple(
        f"{capital(str(name))} decides PNEUMONIA from {point['threshold']:.4f} on the probability; chosen on"
        f" {point['promised']['on']}: {point['promised']['rule']}."
        for name, point in document["operating_points"].items()
        if (point.get("promised") or {}).get("on")
    )
    return Section(
        "promises",
        "Operating points: promised and measured",
        sentences=(
            (
                f"By the 95 % interval measured here a promise {HELD} (it lies inside), was {ROSE} (below) or {FELL} (above);"
                f" without an interval it {UNKNOWN}."
            ),
        ),
        tables=(Table(header, rows),),
        figures=("promises",),
        notes=rules,
    )


def promise_rows(name: str, point: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Sensitivity and specificity of one operating point."""
    usual = {"sensitivity": "sensitivity (recall)", "specificity": "specificity"}
    for rate in PROMISED:
        promised = (point.get("promised") or {}).get(rate)
        if promised is not None:
            yield name, usual[rate], percent(promised), in_percent(point["metrics"][rate]), verdict(point, rate)


def decisions_section(document: Document) -> Section | None:
    """Counts and all rates, a column an operating point."""
    points = distinct_points(document)
    if not points:
        return None
    header = ("", *points)
    counts = tuple(
        (words, *(f"{point['confusion'][key]:,}" for point in points.values()))
        for key, words in (
            ("true_positive", "true positives"),
            ("false_negative", "false negatives (missed)"),
            ("true_negative", "true negatives"),
            ("false_positive", "false positives (false alarms)"),
        )
    )
    keys = list(dict.fromkeys(key for point in points.values() for key in point["metrics"]))
    rates = tuple(
        (metric_name(key), *(metric_in_words(key, point["metrics"].get(key, {})) for point in points.values()))
        for key in keys
    )
    threshold = ("threshold on the probability", *(f"{point['threshold']:.4f}" for point in points.values()))
    return Section(
        "decisions",
        "Decisions at each operating point",
        sentences=(interval_words(document),),
        tables=(Table(header, (threshold, *counts, *rates)),),
        figures=("confusion-matrices", "score-histogram", "decision-curve"),
        notes=(
            (
                "PPV, NPV, accuracy, F1 and net benefit depend on how common pneumonia is: here "
                f"{percent(document['with_finding'] / document['radiographs'])} have it."
            ),
        ),
    )


def prevalence_section(document: Document) -> Section | None:
    """PPV and NPV by Bayes' rule at the prevalence that was given."""
    points = distinct_points(document)
    known = {name: point["at_prevalence"] for name, point in points.items() if point.get("at_prevalence")}
    if not known:
        return None
    share = next(iter(known.values()))["prevalence"]
    rows = tuple((name, in_percent(found["ppv"]), in_percent(found["npv"])) for name, found in known.items())
    return Section(
        "prevalence",
        f"Where {percent(share)} have pneumonia",
        sentences=(
            (
                f"Here {percent(document['with_finding'] / document['radiographs'])} of the radiographs show pneumonia. Where"
                f" {percent(share)} do, the same sensitivity and specificity come to (Bayes' rule):"
            ),
        ),
        tables=(Table(("operating point", "PPV (precision)", "NPV"), rows),),
    )


def calibration_section(subject: Evaluated) -> Section | None:
    """Whether a probability is what it says, before and after calibration."""
    document = subject.document
    metrics, before = document["metrics"], document.get("before_calibration")
    keys = [key for key in CALIBRATION_KEYS if key in metrics]
    if not keys:
        return None
    header = ("metric", *(["before calibration"] if before else []), "after calibration")
    rows = tuple(
        (metric_name(key), *([number(before.get(key))] if before else []), number(metrics[key])) for key in keys
    )
    return Section(
        "calibration",
        "Calibration",
        sentences=tuple(calibration(subject)),
        tables=(Table(header, rows),),
        figures=("reliability",),
        notes=("Right would be a slope of 1 and an intercept of 0; below 0 the probabilities are too high.",)
        if "calibration_slope" in metrics
        else (),
    )


def zones_section(document: Document) -> Section | None:
    """Likely, uncertain, unlikely."""
    zones = document.get("zones")
    if not zones:
        return None
    frozen, counts = zones["frozen"], zones["counts"]
    columns = ("likely", "uncertain", "unlikely")
    shown = tuple(
        (words, *(f"{counts[key][column]:,}" for column in columns))
        for key, words in (("with_finding", "with pneumonia"), ("without_finding", "without pneumonia"))
    )
    rates = tuple((metric_name(key), in_percent(entry)) for key, entry in zones["metrics"].items())
    return Section(
        "zones",
        "Three zones",
        sentences=(
            (
                f"Pneumonia remains possible from {frozen['pneumonia_possible_from']:.4f} on, normal up to"
                f" {frozen['normal_possible_up_to']:.4f}; chosen on {frozen['chosen_on']}"
                f" ({counted(frozen['patients_with_finding'], 'patient')} with and"
                f" {frozen['patients_without_finding']:,} without pneumonia) so that at most {percent(frozen['alpha'])} of new"
                " patients of each class are called the other. That is promised for patients drawn as those were, not for another"
                " hospital."
            ),
        ),
        tables=(Table(("radiographs", *columns), shown), Table(("rate", "value"), rates)),
    )


def subgroups_section(subject: Evaluated) -> Section | None:
    """A table a column, with the rates at the default operating point, small groups marked."""
    subgroups = {column: groups for column, groups in (subject.document.get("subgroups") or {}).items() if groups}
    if not subgroups:
        return None
    point = subject.default_point
    rates = (f"sensitivity at {point}", f"specificity at {point}") if point else ()
    unit = (subject.document.get("interval") or {}).get("unit", "patient")
    header = ("radiographs", f"{unit}s with / without", "AUROC", *rates)
    tables = tuple(
        Table((column_name(column), *header), tuple(group_row(group, point) for group in groups))
        for column, groups in subgroups.items()
    )
    small = any(group["small"] for groups in subgroups.values() for group in groups)
    return Section(
        "subgroups",
        "Subgroups",
        sentences=(
            (
                f"{interval_words(subject.document)} A group of one class, such as a subtype of pneumonia, is ranked against all"
                " radiographs of the other class. The other operating points stand in evaluation.json."
            ),
        ),
        tables=tables,
        figures=("subgroups-auroc", "subgroups-sensitivity", "subgroups-specificity"),
        notes=(f"† small group: fewer than 10 {unit}s of a class, too few to tell a rate.",) if small else (),
    )


def group_row(group: Mapping[str, Any], point: str | None) -> tuple[str, ...]:
    """Name and range, sizes, AUROC, and the rates that a group of its classes can have."""
    ends = f" ({group['low']:.4g} to {group['high']:.4g})" if group.get("low") is not None else ""
    patients = f"{group['patients_with_finding']:,} / {group['patients_without_finding']:,}"
    found = (group.get("operating_points") or {}).get(point) or {}
    rates = ("-" if (found.get(rate) or {}).get("value") is None else in_percent(found[rate]) for rate in PROMISED)
    name = f"{group['name']}{ends}{SMALL_MARK if group['small'] else ''}"
    return name, f"{group['radiographs']:,}", patients, number(group["metrics"]["auroc"]), *(rates if point else ())
