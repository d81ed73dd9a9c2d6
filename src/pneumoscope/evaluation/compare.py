"""Two systems on the same radiographs: every metric's difference with a paired interval, and the field's two tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.bootstrap import Key, nested, weighted_bootstrap
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.evaluation.delong import auroc_difference
from pneumoscope.evaluation.intervals import LEVEL
from pneumoscope.evaluation.mcnemar import mcnemar
from pneumoscope.evaluation.metrics import both_classes
from pneumoscope.evaluation.table_measure import TableMeasure, table_measure
from pneumoscope.evaluation.weights import Measured, Weights

Comparison = dict[str, Any]
NAMED = 3
WHERE_ALIKE = "Score the same radiographs with both systems, under the same paths."


def compare(
    first: ScoreColumns,
    second: ScoreColumns,
    *,
    thresholds: Mapping[str, tuple[float, float]],
    resamples: int,
    generator: np.random.Generator,
) -> Comparison:
    """First less second, on resamples of patients that both share; ready for JSON.

    `thresholds` are on the probability, first's and second's, by the name of the operating point. Rows are matched by
    path; `UnusableData` where the two do not hold the same radiographs, labels or patients.
    """
    second = matched(first, second)
    both_classes(first.labels)
    patients = first if first.patients is not None else second
    measures = (
        table_measure(first, {name: pair[0] for name, pair in thresholds.items()}),
        table_measure(second, {name: pair[1] for name, pair in thresholds.items()}),
    )
    measure = paired(*measures)
    found = nested(
        weighted_bootstrap(measure, patients.patient_numbers, first.labels, resamples=resamples, generator=generator)
    )
    return {
        "radiographs": len(first),
        "patients": len(np.unique(patients.patient_numbers)),
        "with_finding": int(first.labels.sum()),
        "interval": {
            "level": LEVEL,
            "method": "paired percentile bootstrap",
            "unit": patients.unit,
            "resamples": resamples,
        },
        "thresholds": {name: {"first": pair[0], "second": pair[1]} for name, pair in thresholds.items()},
        **found,
        "delong": delong(first, second, patients),
        "mcnemar": {name: mcnemar_at(first, second, pair) for name, pair in thresholds.items()},
    }


def paired(first: TableMeasure, second: TableMeasure) -> Callable[[Weights], dict[Key, Measured]]:
    """What both measure in the same resamples, and first less second where both do."""

    def of_both(weights: Weights) -> dict[Key, Measured]:
        one, other = first(weights), second(weights)
        with np.errstate(invalid="ignore"):
            difference = {("difference", *key): one[key] - other[key] for key in one if key in other}
        return {
            **{("first", *key): values for key, values in one.items()},
            **{("second", *key): values for key, values in other.items()},
            **difference,
        }

    return of_both


def matched(first: ScoreColumns, second: ScoreColumns) -> ScoreColumns:
    """`second` in the order of `first`."""
    place = {path: row for row, path in enumerate(second.paths)}
    lacking = [path for path in first.paths if path not in place]
    if lacking or len(first) != len(second):
        own = set(first.paths)
        more = [path for path in second.paths if path not in own]
        raise UnusableData(
            "pictures-differ",
            f"{len(lacking)} radiographs have no score of the second system{examples(lacking)},"
            f" {len(more)} none of the first{examples(more)}.",
            remedy=WHERE_ALIKE,
        )
    second = second.take(np.array([place[path] for path in first.paths], np.int64))
    differing = np.flatnonzero(first.labels != second.labels)
    if len(differing):
        raise UnusableData(
            "labels-differ",
            f"{len(differing)} radiographs are labelled otherwise in the two tables"
            f"{examples([first.paths[row] for row in differing[:NAMED].tolist()])}.",
            remedy="Give both systems the same reference standard.",
        )
    if first.patients is not None and second.patients is not None and not same_patients(first, second):
        raise UnusableData(
            "patients-differ",
            "The two tables put radiographs together to patients in different ways.",
            remedy="Give both the same column patient, or leave it out of one.",
        )
    return second


def same_patients(first: ScoreColumns, second: ScoreColumns) -> bool:
    """Whether the same radiographs belong together, whatever the patients are called."""
    pairs = np.stack([first.patient_numbers, second.patient_numbers])
    together = len(np.unique(pairs, axis=1).T)
    return together == len(np.unique(pairs[0])) == len(np.unique(pairs[1]))


def examples(paths: list[str]) -> str:
    """The first few by name."""
    return f" ({', '.join(paths[:NAMED])}{', ...' if len(paths) > NAMED else ''})" if paths else ""


def delong(first: ScoreColumns, second: ScoreColumns, patients: ScoreColumns) -> Comparison:
    """Test of equal AUROC, by patient where patients are known."""
    by_patient = patients.patients is not None
    difference = auroc_difference(
        first.ranking_scores, second.ranking_scores, first.labels, patients.patient_numbers if by_patient else None
    )
    method = "DeLong, summed by patient (Obuchowski 1997)" if by_patient else "DeLong 1988"
    return {**asdict(difference), "level": LEVEL, "method": method, "unit": patients.unit}


def mcnemar_at(first: ScoreColumns, second: ScoreColumns, thresholds: tuple[float, float]) -> Comparison:
    """Test of equal accuracy, which takes radiographs as independent."""
    decisions = first.probabilities >= thresholds[0], second.probabilities >= thresholds[1]
    return {**asdict(mcnemar(*decisions, first.labels)), "method": "McNemar, exact", "unit": "radiograph"}
