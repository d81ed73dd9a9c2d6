"""Rates of decisions against the reference standard, for many weighted sets of radiographs at once.

One number of each kind a resample; a rate that is 0 / 0 is NaN, a likelihood ratio x / 0 infinite, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pneumoscope.arrays import Labels, Scores
from pneumoscope.evaluation.weights import Measured, Weights, divided


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Sums of weights of the four outcomes."""

    true_positive: Measured
    false_negative: Measured
    true_negative: Measured
    false_positive: Measured


@dataclass(frozen=True, slots=True, eq=False)
class DecisionColumns:
    """1 where a radiograph is what the name says, else 0: outcomes are weighted sums of these."""

    positive: Scores
    negative: Scores
    found: Scores
    alarmed: Scores


def decision_columns(decisions: Labels, labels: Labels) -> DecisionColumns:
    """Of decisions (True is called positive) against the reference standard."""
    columns = (labels, ~labels, decisions & labels, decisions & ~labels)
    return DecisionColumns(*(column.astype(np.float64) for column in columns))


def weighted_outcomes(columns: DecisionColumns, weights: Weights) -> Outcomes:
    """Sums of weights by outcome in each resample."""
    found, alarmed = weights @ columns.found, weights @ columns.alarmed
    return Outcomes(
        true_positive=found,
        false_negative=weights @ columns.positive - found,
        true_negative=weights @ columns.negative - alarmed,
        false_positive=alarmed,
    )


def rates(outcomes: Outcomes) -> dict[str, Measured]:
    """All metrics of a decision, in the clinical names.

    Likelihood ratios: Altman & Bland 1994 (BMJ 309:102). Matthews correlation: Matthews 1975; 0 / 0 where one class or
    one decision is missing. F1 is the harmonic mean of sensitivity (recall) and PPV (precision).
    """
    found, missed = outcomes.true_positive, outcomes.false_negative
    cleared, alarmed = outcomes.true_negative, outcomes.false_positive
    sensitivity, specificity = divided(found, found + missed), divided(cleared, cleared + alarmed)
    spread = np.sqrt(found + alarmed) * np.sqrt(found + missed) * np.sqrt(cleared + alarmed) * np.sqrt(cleared + missed)
    return {
        "accuracy": divided(found + cleared, found + missed + cleared + alarmed),
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": divided(found, found + alarmed),
        "npv": divided(cleared, cleared + missed),
        "f1": divided(2 * found, 2 * found + alarmed + missed),
        "likelihood_ratio_positive": divided(sensitivity, 1 - specificity),
        "likelihood_ratio_negative": divided(1 - sensitivity, specificity),
        "matthews": divided(found * cleared - alarmed * missed, spread),
    }


def predictive_values(sensitivity: Measured, specificity: Measured, *, prevalence: float) -> dict[str, Measured]:
    """PPV and NPV where a share `prevalence` (between 0 and 1) has the finding, by Bayes' rule (Altman & Bland 1994)."""
    found, missed = sensitivity * prevalence, (1 - sensitivity) * prevalence
    cleared, alarmed = specificity * (1 - prevalence), (1 - specificity) * (1 - prevalence)
    return {"ppv": divided(found, found + alarmed), "npv": divided(cleared, cleared + missed)}
