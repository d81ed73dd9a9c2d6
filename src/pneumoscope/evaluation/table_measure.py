"""Every metric of one score table in one go: prepared once, then measured for any weights of its radiographs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from pneumoscope.arrays import Labels, Scores
from pneumoscope.evaluation.bootstrap import Key
from pneumoscope.evaluation.calibration_metrics import CalibrationData, calibration_data, calibration_metrics, sigmoids
from pneumoscope.evaluation.columns import ScoreColumns
from pneumoscope.evaluation.ranking import Ranking, auroc, rank, ranking_metrics
from pneumoscope.evaluation.rates import (
    DecisionColumns,
    decision_columns,
    predictive_values,
    rates,
    weighted_outcomes,
)
from pneumoscope.evaluation.subgroups import Subgroup
from pneumoscope.evaluation.weights import Measured, Weights
from pneumoscope.evaluation.zone_metrics import ZoneColumns, zone_columns, zone_metrics
from pneumoscope.evaluation.zones import ConformalZones


@dataclass(frozen=True, slots=True, eq=False)
class GroupMeasure:
    """AUROC of a subgroup, and sensitivity and specificity in it by threshold."""

    rows: Int[np.ndarray, " of_group"]
    ranked_rows: Int[np.ndarray, " compared"]
    ranking: Ranking
    decisions: Mapping[str, DecisionColumns]

    def __call__(self, weights: Weights) -> dict[Key, Measured]:
        measured: dict[Key, Measured] = {("metrics", "auroc"): auroc(self.ranking, weights[:, self.ranked_rows])}
        inside = weights[:, self.rows]
        for name, columns in self.decisions.items():
            found = rates(weighted_outcomes(columns, inside))
            for rate in ("sensitivity", "specificity"):
                measured["operating_points", name, rate] = found[rate]
        return measured


@dataclass(frozen=True, slots=True, eq=False)
class TableMeasure:
    """Keys are the places in the evaluation document."""

    ranking: Ranking
    calibrated: CalibrationData
    uncalibrated: CalibrationData | None
    decisions: Mapping[str, DecisionColumns]
    zones: ZoneColumns | None
    groups: Mapping[tuple[str, str], GroupMeasure]
    prevalence: float | None

    def __call__(self, weights: Weights) -> dict[Key, Measured]:
        measured = under(("metrics",), ranking_metrics(self.ranking, weights))
        measured |= under(("metrics",), calibration_metrics(self.calibrated, weights))
        if self.uncalibrated is not None:
            measured |= under(("before_calibration",), calibration_metrics(self.uncalibrated, weights))
        for name, columns in self.decisions.items():
            found = rates(weighted_outcomes(columns, weights))
            measured |= under(("operating_points", name, "metrics"), found)
            if self.prevalence is not None:
                values = predictive_values(found["sensitivity"], found["specificity"], prevalence=self.prevalence)
                measured |= under(("operating_points", name, "at_prevalence"), values)
        if self.zones is not None:
            measured |= under(("zones", "metrics"), zone_metrics(self.zones, weights))
        for place, group in self.groups.items():
            measured |= {("subgroups", *place, *key): values for key, values in group(weights).items()}
        return measured


def table_measure(
    table: ScoreColumns,
    thresholds: Mapping[str, float],
    *,
    zones: ConformalZones | None = None,
    groups: Mapping[str, Sequence[Subgroup]] | None = None,
    prevalence: float | None = None,
) -> TableMeasure:
    """Sort, bin and decide once. `thresholds` are on the probability, by name."""
    called = {name: table.probabilities >= threshold for name, threshold in thresholds.items()}
    return TableMeasure(
        ranking=rank(table.ranking_scores, table.labels),
        calibrated=calibration_data(table.probabilities, table.labels),
        uncalibrated=uncalibrated_data(table.logits, table.labels),
        decisions={name: decision_columns(decisions, table.labels) for name, decisions in called.items()},
        zones=None if zones is None else zone_columns(table.probabilities, table.labels, zones),
        groups={
            (column, group.name): group_measure(table, group, called)
            for column, members in (groups or {}).items()
            for group in members
        },
        prevalence=prevalence,
    )


def uncalibrated_data(logits: Scores | None, labels: Labels) -> CalibrationData | None:
    """The scores as the model gave them, sigmoid(logit)."""
    return None if logits is None else calibration_data(sigmoids(logits[np.newaxis].astype(np.float64))[0], labels)


def group_measure(table: ScoreColumns, group: Subgroup, called: Mapping[str, Labels]) -> GroupMeasure:
    """What a subgroup needs of the table."""
    return GroupMeasure(
        rows=group.rows,
        ranked_rows=group.ranked_rows,
        ranking=rank(table.ranking_scores[group.ranked_rows], table.labels[group.ranked_rows]),
        decisions={
            name: decision_columns(decisions[group.rows], table.labels[group.rows])
            for name, decisions in called.items()
        },
    )


def under(place: Key, metrics: Mapping[str, Measured]) -> dict[Key, Measured]:
    """The same at a place of the document."""
    return {(*place, name): values for name, values in metrics.items()}
