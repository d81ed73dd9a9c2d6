"""The main numbers of an evaluation document as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pneumoscope.report.chosen_here import KEY, told_openly
from pneumoscope.report.evaluated import patients_in_words

RATES = ("accuracy", "sensitivity", "specificity", "ppv", "npv")
ZONE_RATES = {
    "called_unlikely_with_finding": "with pneumonia, called unlikely",
    "called_likely_without_finding": "without, called likely",
    "uncertain": "uncertain",
}


def summary(document: Mapping[str, Any]) -> Iterator[str]:
    """Counts, metrics, operating points and zones, each with its interval."""
    interval = document["interval"]
    if warning := told_openly(tuple(document.get(KEY) or ())):
        yield warning
    yield (
        f"{document['radiographs']} radiographs {patients_in_words(document)}, {100 * interval['level']:g} %"
        f" intervals by {interval['unit']}"
    )
    for name, value in document["metrics"].items():
        yield f"  {name:<32} {with_interval(value)}"
    for name, point in document["operating_points"].items():
        yield f"  at {name} (threshold {point['threshold']:.4f}):"
        yield from at_point(point)
    if zones := document.get("zones"):
        yield f"  in three zones (promised error rate {zones['frozen']['alpha']:g} a class):"
        for name, text in ZONE_RATES.items():
            yield f"    {text:<32} {with_interval(zones['metrics'][name])}"


def at_point(point: Mapping[str, Any]) -> Iterator[str]:
    """Rates at one threshold, beside what was promised."""
    for rate in RATES:
        promised = point["promised"].get(rate)
        note = "" if promised is None else f"   promised {promised:.4f} on {point['promised']['on']}"
        yield f"    {rate:<18} {with_interval(point['metrics'][rate])}{note}"
    if at_prevalence := point.get("at_prevalence"):
        for rate in ("ppv", "npv"):
            told = f"{rate} at {100 * at_prevalence['prevalence']:g} %"
            yield f"    {told:<18} {with_interval(at_prevalence[rate])}"


def with_interval(value: Mapping[str, float | None]) -> str:
    """A value and its interval; `?` for an end that there is not."""
    if value["value"] is None:
        return "not defined"
    low, high = ("?" if end is None else f"{end:.4f}" for end in (value["low"], value["high"]))
    return f"{value['value']:.4f} [{low}, {high}]"
