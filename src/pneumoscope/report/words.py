"""Numbers of `evaluation.json` in words, alike in every report: values with their 95 % intervals, lists, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

Entry = Mapping[str, Any]
"""`{"value", "low", "high"}`, None where a number is not defined."""

NOT_DEFINED: Final = "not defined"
SAME: Final = "the same in every resample"
"""Said of an interval without width: resampling cannot tell how far such a number may be off."""

METRIC_NAMES: Final[Mapping[str, str]] = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "brier_score": "Brier score",
    "calibration_error": "calibration error (expected, ECE)",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept (in the large)",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "sensitivity": "sensitivity (recall, true positive rate)",
    "specificity": "specificity (true negative rate)",
    "ppv": "PPV (precision)",
    "npv": "NPV",
    "f1": "F1",
    "likelihood_ratio_positive": "likelihood ratio of a positive answer (LR+)",
    "likelihood_ratio_negative": "likelihood ratio of a negative answer (LR-)",
    "matthews": "Matthews correlation coefficient",
    "coverage_with_finding": "coverage, with pneumonia",
    "coverage_without_finding": "coverage, without pneumonia",
    "called_unlikely_with_finding": "called unlikely, with pneumonia",
    "called_likely_without_finding": "called likely, without pneumonia",
    "uncertain": "uncertain, all",
    "uncertain_with_finding": "uncertain, with pneumonia",
    "uncertain_without_finding": "uncertain, without pneumonia",
    "error_among_certain": "errors among likely and unlikely",
    "error_among_likely": "errors among likely",
    "error_among_unlikely": "errors among unlikely",
}

RATES: Final = frozenset(
    {"accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv"}
    | {name for name in METRIC_NAMES if name.startswith(("coverage_", "called_", "uncertain", "error_among_"))}
)
"""What is told in percent; everything else is a number of three decimals."""


def metric_name(key: str) -> str:
    """The field's name of a metric: `sensitivity_at_specificity_0.90` → `sensitivity at specificity 0.90`."""
    return METRIC_NAMES.get(key, key.replace("_", " "))


def metric_in_words(key: str, entry: Entry) -> str:
    """In percent or as a number, as the metric is usually told, with its interval."""
    return (
        in_percent(entry) if key in RATES or key.startswith(("sensitivity_at_", "specificity_at_")) else number(entry)
    )


def in_percent(entry: Entry | None) -> str:
    """`98.5 % (97.1 to 99.5)`."""
    if entry is None or entry.get("value") is None:
        return NOT_DEFINED
    return f"{percent(entry['value'])}{ends(entry, lambda end: f'{100 * end:.1f}')}"


def number(entry: Entry | None) -> str:
    """`0.986 (0.976 to 0.994)`."""
    if entry is None or entry.get("value") is None:
        return NOT_DEFINED
    return f"{rounded(entry['value'])}{ends(entry, rounded)}"


def within(text: str) -> str:
    """For use inside brackets: `0.986 (0.976 to 0.994)` → `0.986, 95 % interval 0.976 to 0.994`."""
    joint = ", " if SAME in text else ", 95 % interval "
    return text.replace(" (", joint).removesuffix(")")


def times(count: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def ends(entry: Entry, told: Any) -> str:
    """The interval in brackets; an end that is infinite is said to be open, and none at all is left out."""
    low, high = entry.get("low"), entry.get("high")
    if low is None and high is None:
        return ""
    if low == high == entry["value"]:
        return f" ({SAME})"
    return f" ({'open' if low is None else told(low)} to {'open' if high is None else told(high)})"


def percent(share: float) -> str:
    """One decimal: `98.5 %`."""
    return f"{100 * share:.1f} %"


def rounded(value: float) -> str:
    """Three decimals, and no zero with a sign."""
    return f"{round(value, 3) + 0.0:.3f}"


def counted(count: int, noun: str) -> str:
    """`1 patient`, `1,024 patients`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def column_name(name: str) -> str:
    """A column of a table as people read it: `original_height_px` → `original height px`."""
    return name.replace("_", " ")


def capital(text: str) -> str:
    """With its first letter large, and the rest as it is."""
    return text[:1].upper() + text[1:]


def interval_words(document: Mapping[str, Any]) -> str:
    """How to read the brackets."""
    interval = document.get("interval") or {}
    return (
        f"In brackets: 95 % intervals by resampling {interval.get('unit', 'radiograph')}s"
        f" ({interval.get('method', 'percentile bootstrap')}, {interval.get('resamples', 0):,} resamples)."
    )
