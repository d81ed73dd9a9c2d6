"""The tables of an evaluation report, section by section, from the keys of `evaluation.json` that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pneumoscope.report.decision_sections import decisions_section, prevalence_section, promises_section
from pneumoscope.report.evaluated import Document, Evaluated
from pneumoscope.report.promises import PROMISED
from pneumoscope.report.published import published_section
from pneumoscope.report.section import Section, Table
from pneumoscope.report.summary import calibration
from pneumoscope.report.words import (
    column_name,
    counted,
    in_percent,
    interval_words,
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
