"""From questions to verdicts: every value with its interval, then held against its limit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pneumoscope.audit.limits import Limit, Limits
from pneumoscope.audit.question import Question
from pneumoscope.evaluation.intervals import patient_bootstrap


class Verdict(StrEnum):
    """What a row comes to."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    NOT_MEASURED = "not measured"
    NO_LIMIT = "no limit"


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with its 95 % interval by patient; all None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high}


NOTHING = Measured(None, None, None)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A judged row. `certain` tells whether the whole interval lies on the verdict's side of the limit."""

    question: Question
    measured: Measured
    also: Mapping[str, Measured]
    limit: Limit | None
    verdict: Verdict
    certain: bool | None
    why_not: str | None


def judged(
    questions: Sequence[Question],
    limits: Limits,
    patients: Sequence[str],
    *,
    resamples: int,
    generator: np.random.Generator,
) -> list[AuditRow]:
    """Measure everything on the same resamples, so that differences are paired, and judge each row."""
    asked = [question for question in questions if question.value]

    def measure(rows: np.ndarray) -> dict[str, float]:
        found = {}
        for question in asked:
            assert question.value
            found[question.row] = question.value(rows)
            found |= {f"{question.row}/{name}": also(rows) for name, also in question.also.items()}
        return found

    intervals = patient_bootstrap(measure, patients, resamples=resamples, generator=generator) if asked else {}
    measured = {name: Measured(found["value"], found["low"], found["high"]) for name, found in intervals.items()}
    return [judged_row(question, measured, limits.by_row.get(question.row)) for question in questions]


def judged_row(question: Question, measured: Mapping[str, Measured], limit: Limit | None) -> AuditRow:
    """One row against its limit."""
    found = measured.get(question.row, NOTHING)
    also = {name: measured[f"{question.row}/{name}"] for name in question.also}
    verdict, certain = verdict_of(found, limit)
    why_not = question.why_not
    if verdict is Verdict.NOT_MEASURED and why_not is None:
        why_not = "not defined on these radiographs, such as an AUROC of one class only"
    return AuditRow(question, found, also, limit, verdict, certain, why_not)


def verdict_of(measured: Measured, limit: Limit | None) -> tuple[Verdict, bool | None]:
    """Pass where the value, and with `whole_interval` both ends too, lies inside; and whether both ends agree."""
    if measured.value is None or not math.isfinite(measured.value):
        return Verdict.NOT_MEASURED, None
    if limit is None:
        return Verdict.NO_LIMIT, None
    if measured.low is None or measured.high is None:
        return (Verdict.PASS if limit.holds(measured.value) and not limit.whole_interval else Verdict.FAIL), False
    ends = [limit.holds(measured.low), limit.holds(measured.high)]
    passed = limit.holds(measured.value) and (all(ends) or not limit.whole_interval)
    return (Verdict.PASS, all(ends)) if passed else (Verdict.FAIL, outside(measured, limit))


def outside(measured: Measured, limit: Limit) -> bool:
    """Whether the whole interval lies beyond one end of the limit."""
    assert measured.low is not None
    assert measured.high is not None
    below = limit.at_least is not None and measured.high < limit.at_least
    return below or (limit.at_most is not None and measured.low > limit.at_most)
