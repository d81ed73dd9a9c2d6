"""How well a cue that needs no medicine tells the label: what a model may learn in place of the finding.

Each cue (picture size, border, a thumbnail, ...) is put into a logistic regression alone. Within `train` every
radiograph is scored by a fit on the other folds; on `test` by a fit on all of `train`. A cue that does well in both
places is a shortcut; one that does well within `train` only does not hold beyond it (Geirhos 2020, arXiv:2004.07780).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from pneumoscope.arrays import Labels, Scores
from pneumoscope.evaluation.metrics import area_under_roc, confusion_counts

Features = Float[np.ndarray, "radiographs features"]
MOST_STEPS = 100
TOLERANCE = 1e-8
RIDGE = 1.0


def cue_report(
    values: Features, labels: Labels, *, folds: Int[np.ndarray, " radiographs"], test: Bool[np.ndarray, " radiographs"]
) -> dict[str, Any]:
    """How well `values` (of the order of 1) alone tell `labels`; `folds` numbers the training radiographs and is -1 elsewhere.

    A part that holds one class only, or a cue that is the same everywhere, gives None: nothing can be measured.
    Radiographs whose cue is not known (NaN) are left out and counted.
    """
    known = np.isfinite(values).all(axis=1)
    values, labels, folds, test = values[known], labels[known], folds[known], test[known]
    training = folds >= 0
    report: dict[str, Any] = {"unknown": int(np.sum(~known)), "within_train": None, "test": None}
    if not has_both(labels[training]) or not np.ptp(values[training], axis=0).any():
        return report
    logits = np.zeros(len(labels))
    numbers = np.unique(folds[training])
    if all(has_both(labels[training & (folds != number)]) for number in numbers) and len(numbers) > 1:
        for number in numbers:
            fit, held_out = training & (folds != number), folds == number
            logits[held_out] = fitted_logits(values[fit], labels[fit], values[held_out])
        report["within_train"] = telling(logits[training], labels[training])
    if has_both(labels[test]):
        report["test"] = telling(fitted_logits(values[training], labels[training], values[test]), labels[test])
    return report


def telling(logits: Scores, labels: Labels) -> dict[str, float]:
    """AUROC, and the rates of decisions at logit 0."""
    counts = confusion_counts(logits >= 0, labels)
    return {
        "auroc": area_under_roc(logits, labels),
        "accuracy": counts.accuracy,
        "sensitivity": counts.sensitivity,
        "specificity": counts.specificity,
    }


def has_both(labels: Labels) -> bool:
    """Whether radiographs with and without the finding are there."""
    return bool(labels.any() and not labels.all())


def fitted_logits(
    values: Features, labels: Labels, others: Float[np.ndarray, "others features"]
) -> Float[np.ndarray, " others"]:
    """Logits of `others` by a logistic regression on `values`."""
    weights = fit_logistic(values, labels)
    logits: np.ndarray = others @ weights[1:] + weights[0]
    return logits


def fit_logistic(values: Features, labels: Labels, *, ridge: float = RIDGE) -> Float[np.ndarray, " one_and_features"]:
    """Intercept and weights with the least log loss plus `ridge` / 2 times the squared weights (not the intercept).

    Newton's method with steps halved until the loss falls (Hastie, Elements of Statistical Learning, 4.4.1).
    """
    design = np.column_stack([np.ones(len(values)), values])
    penalty = np.full(design.shape[1], ridge)
    penalty[0] = 0
    weights = np.zeros(design.shape[1])

    def loss(at: np.ndarray) -> float:
        logits = design @ at
        return float(np.sum(np.logaddexp(0, logits) - labels * logits) + (penalty * at**2).sum() / 2)

    current = loss(weights)
    for _ in range(MOST_STEPS):
        probabilities = 1 / (1 + np.exp(-np.clip(design @ weights, -500, 500)))
        gradient = design.T @ (probabilities - labels) + penalty * weights
        spread = np.sqrt(probabilities * (1 - probabilities) + 1e-12)[:, np.newaxis] * design
        step = np.linalg.solve(spread.T @ spread + np.diag(penalty), gradient)
        share = 1.0
        while (fallen := loss(weights - share * step)) > current and share > 1e-6:
            share /= 2
        weights = weights - share * step
        if current - fallen <= TOLERANCE * (1 + abs(current)):
            break
        current = fallen
    return weights
