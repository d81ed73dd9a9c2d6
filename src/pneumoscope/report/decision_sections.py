"""The tables of an evaluation report about decisions: promised and measured, counts and rates, another prevalence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pneumoscope.report.chosen_here import POINTS
from pneumoscope.report.evaluated import Document, Evaluated
from pneumoscope.report.promises import FELL, HELD, PROMISED, ROSE, UNKNOWN, verdict
from pneumoscope.report.section import Section, Table
from pneumoscope.report.words import capital, in_percent, interval_words, metric_in_words, metric_name, percent


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
