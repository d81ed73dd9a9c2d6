"""What an evaluation says, in plain sentences; the numbers choose the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pneumoscope.report.chosen_here import CALIBRATION as CALIBRATION_PART
from pneumoscope.report.chosen_here import POINTS, told_openly
from pneumoscope.report.chosen_here import ZONES as ZONES_PART
from pneumoscope.report.evaluated import TEST, Document, Evaluated, radiographs_in_words
from pneumoscope.report.promises import PROMISED, promises
from pneumoscope.report.words import (
    Entry,
    capital,
    column_name,
    in_percent,
    listed,
    metric_name,
    number,
    percent,
    rounded,
    times,
    within,
)

CHANCE: Final = 0.5
CALIBRATION: Final = ("calibration_error", "brier_score")


def summary(subject: Evaluated) -> list[str]:
    """Some eight sentences, of which the parts that the document has are told: whether these radiographs can test it, what
    it was, ranking, decisions, promises, calibration, zones, subgroups, another prevalence.
    """
    document = subject.document
    warning = told_openly(subject.chosen_here)
    return [
        *([warning] if warning else []),
        what_was_evaluated(subject),
        ranking(document["metrics"]["auroc"]),
        *decisions(subject),
        *([] if POINTS in subject.chosen_here else promises(document)),
        *calibration(subject),
        *zones(subject),
        *weakest_subgroup(document),
        *weakest_rates(subject),
        *at_prevalence(subject),
    ]


def what_was_evaluated(subject: Evaluated) -> str:
    """What it rests on, and how fresh the test split still is."""
    text = f"Measured on {subject.part}, {radiographs_in_words(subject.document).replace(':', ',')}"
    if subject.document.get("split") != TEST or subject.openings is None:
        return f"{text}."
    if subject.openings > 1:
        return (
            f"{text}; this bundle's line has opened that test {times(subject.openings)}, and the more often a test is"
            " opened, the less it proves."
        )
    return f"{text}; " + (
        "this bundle's line has opened that test once." if subject.openings else "no opening is recorded."
    )


def ranking(auroc: Entry) -> str:
    """The AUROC as the probability that it is (Hanley & McNeil 1982)."""
    text = (
        "Of two radiographs, one with pneumonia and one without, the one with pneumonia gets the higher score in "
        f"{percent(auroc['value'])} of all such pairs (AUROC {within(number(auroc))})"
    )
    low, high = auroc.get("low"), auroc.get("high")
    if low is not None and high is not None and low <= CHANCE <= high:
        return f"{text}, which cannot be told from guessing."
    return f"{text}, which is worse than guessing." if high is not None and high < CHANCE else f"{text}."


def decisions(subject: Evaluated) -> Iterator[str]:
    """What is found and what is a false alarm at the default operating point."""
    if subject.point is None:
        return
    counts, metrics = subject.point["confusion"], subject.point["metrics"]
    found, missed = counts["true_positive"], counts["false_negative"]
    alarms, cleared = counts["false_positive"], counts["true_negative"]
    yield (
        f"At the operating point {subject.default_point} the model calls {found:,} of {found + missed:,} radiographs with"
        f" pneumonia by that name (sensitivity {within(in_percent(metrics['sensitivity']))}), and {alarms:,} of"
        f" {alarms + cleared:,} without it wrongly so (specificity {within(in_percent(metrics['specificity']))})."
    )


def calibration(subject: Evaluated) -> Iterator[str]:
    """Too high or too low, and whether calibrating helped; no verdict on the radiographs that it was fitted to."""
    metrics, before = subject.document["metrics"], subject.document.get("before_calibration")
    verdicts = (
        ()
        if CALIBRATION_PART in subject.chosen_here
        else (shift(metrics.get("calibration_intercept")), helped(metrics, before))
    )
    clauses = [clause for clause in verdicts if clause]
    if not clauses and "calibration_error" in metrics:
        clauses = [f"the calibration error is {number(metrics['calibration_error'])}"]
    if clauses:
        yield f"{capital('; '.join(clauses))}."


def shift(intercept: Entry | None) -> str:
    """By the sign of the calibration in the large."""
    if not intercept or intercept.get("low") is None or intercept.get("high") is None:
        return ""
    told = f"(calibration intercept {within(number(intercept))})"
    if intercept["high"] < 0:
        return f"the probabilities are too high for these radiographs {told}"
    if intercept["low"] > 0:
        return f"the probabilities are too low for these radiographs {told}"
    return f"the probabilities are neither too high nor too low as far as this can tell {told}"


def helped(metrics: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    """Calibrated against raw probabilities, by two measures that may disagree."""
    values = [
        (name, metrics[name]["value"], (before or {}).get(name, {}).get("value"))
        for name in CALIBRATION
        if name in metrics
    ]
    known = [(name, after, raw) for name, after, raw in values if after is not None and raw is not None]
    if not known:
        return ""
    numbers = listed(
        [f"{metric_name(name).split(' (')[0]} {rounded(after)} against {rounded(raw)}" for name, after, raw in known]
    )
    if all(after > raw for _, after, raw in known):
        return f"the calibrated probabilities are worse here than the raw scores ({numbers})"
    if all(after < raw for _, after, raw in known):
        return f"the calibrated probabilities are better than the raw scores ({numbers})"
    return f"calibrated and raw probabilities are about equally good ({numbers})"


def zones(subject: Evaluated) -> Iterator[str]:
    """The share that stays uncertain, and whether the promised error rate was kept in each class."""
    found, here = subject.document.get("zones"), ZONES_PART in subject.chosen_here
    if not found:
        return
    alpha, metrics = found["frozen"]["alpha"], found["metrics"]
    missed, alarms = metrics["called_unlikely_with_finding"], metrics["called_likely_without_finding"]
    missed_told, alarms_told = ("", "") if here else (f" ({kept(missed, alpha)})", f" ({kept(alarms, alpha)})")
    yield (
        f"In three zones, {in_percent(metrics['uncertain'])} of the radiographs stay uncertain; it was promised that at most"
        f" {percent(alpha)} of each class are called the other, and {in_percent(missed)} of those with pneumonia were called"
        f" unlikely{missed_told}, {in_percent(alarms)} of those without likely{alarms_told}."
    )


def kept(entry: Entry, alpha: float) -> str:
    """By the value, and by the interval where it alone decides."""
    if entry["value"] is None:
        return "which says nothing"
    if entry["value"] <= alpha:
        return "kept"
    return "broken" if (entry.get("low") or 0) > alpha else "not kept here, though chance may explain it"


def weakest_subgroup(document: Document) -> Iterator[str]:
    """The lowest AUROC among groups that are not small, against that of all."""
    groups = [(column, group) for column, members in (document.get("subgroups") or {}).items() for group in members]
    known = [(column, group) for column, group in groups if group["metrics"]["auroc"]["value"] is not None]
    large = [(column, group) for column, group in known if not group["small"]]
    if not large:
        return
    column, weakest = min(large, key=lambda pair: pair[1]["metrics"]["auroc"]["value"])
    auroc, of_all = weakest["metrics"]["auroc"], document["metrics"]["auroc"]
    clearly = auroc.get("high") is not None and of_all.get("low") is not None and auroc["high"] < of_all["low"]
    small = len(groups) - sum(not group["small"] for _, group in groups)
    yield (
        f"Of {len(large)} subgroups with enough patients the weakest is {column_name(column)}, {weakest['name']} (AUROC {within(number(auroc))}),"
        f" {'clearly below' if clearly else 'not clearly below'} that of all radiographs"
        + (f"; {small} more {'is' if small == 1 else 'are'} too small to tell." if small else ".")
    )


def weakest_rates(subject: Evaluated) -> Iterator[str]:
    """The lowest sensitivity and the lowest specificity at the default operating point, among groups that are not small."""
    if subject.point is None:
        return
    clauses = []
    for rate in PROMISED:
        known = [
            (entry["value"], column, group["name"], entry)
            for column, groups in (subject.document.get("subgroups") or {}).items()
            for group in groups
            if not group["small"]
            and (entry := ((group.get("operating_points") or {}).get(subject.default_point) or {}).get(rate))
            and entry["value"] is not None
        ]
        of_all = subject.point["metrics"][rate]["value"]
        lower = [found for found in known if of_all is not None and found[0] < of_all]
        if lower:
            _, column, name, entry = min(lower, key=lambda found: found[0])
            clauses.append(
                f"{rate} is lowest in {column_name(column)}, {name} ({within(in_percent(entry))}; of all"
                f" {percent(of_all)})"
            )
    if clauses:
        yield f"At {subject.default_point}, {listed(clauses)}."


def at_prevalence(subject: Evaluated) -> Iterator[str]:
    """PPV and NPV where another share has pneumonia."""
    found = subject.point and subject.point.get("at_prevalence")
    if found:
        yield (
            f"Where {percent(found['prevalence'])} have pneumonia, an answer PNEUMONIA at {subject.default_point} would be right"
            f" in {in_percent(found['ppv'])} of cases and an answer NORMAL in {in_percent(found['npv'])}."
        )
