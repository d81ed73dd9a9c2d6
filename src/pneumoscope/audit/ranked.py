"""AUROC of many resamples of the same scores, and AUROC within strata: scores are ranked once, then only counted.

Within strata only pairs of the same stratum are compared, each pair counting once (van Elteren 1960; Janes & Pepe 2008,
doi:10.1093/aje/kwn101): what a model gains from the stratum itself does not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from pneumoscope.arrays import Labels

Rows = Int[np.ndarray, " drawn"]
"""Numbers of radiographs, with repeats, as a resample draws them."""

Values = Float[np.ndarray, " radiographs"]
"""One number a radiograph; NaN where it is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class RankedScores:
    """Ranks of scores, ties alike, a stratum after the other. `rank` is -1 where score or stratum are not known."""

    rank: Int[np.ndarray, " radiographs"]
    stratum_start: Int[np.ndarray, " ranks"]
    labels: Labels

    @classmethod
    def of(cls, scores: Values, labels: Labels, strata: Int[np.ndarray, " radiographs"] | None = None) -> RankedScores:
        """Rank once; without `strata` (-1 where not known) every radiograph is in the same one."""
        strata = np.zeros(len(scores), int) if strata is None else strata
        known = np.isfinite(scores) & (strata >= 0)
        rank = np.full(len(scores), -1)
        keys, inverse = np.unique(np.column_stack([strata[known], scores[known]]), axis=0, return_inverse=True)
        rank[known] = inverse.ravel()
        start = np.searchsorted(keys[:, 0], keys[:, 0], side="left")
        return cls(rank, start, labels)

    @property
    def known(self) -> Bool[np.ndarray, " radiographs"]:
        return self.rank >= 0

    def auroc(self, rows: Rows) -> float:
        """Share of pairs within a stratum in which the positive scores higher, ties half; NaN where there is no pair."""
        rank = self.rank[rows]
        there = rank >= 0
        rank, labels = rank[there], self.labels[rows][there]
        ranks = len(self.stratum_start)
        positives = np.bincount(rank[labels], minlength=ranks)
        negatives = np.bincount(rank[~labels], minlength=ranks)
        below = np.concatenate([[0], np.cumsum(negatives)])
        lower_in_stratum = below[:-1] - below[self.stratum_start]
        won = float((positives * (lower_in_stratum + negatives / 2)).sum())
        ends = np.unique(self.stratum_start)
        if not len(ends):
            return float("nan")
        pairs = float((np.add.reduceat(positives, ends) * np.add.reduceat(negatives, ends)).sum())
        return won / pairs if pairs else float("nan")


def mean_of(values: Values, rows: Rows) -> float:
    """Mean over the drawn radiographs where it is known; NaN where it is known of none."""
    drawn = values[rows]
    drawn = drawn[np.isfinite(drawn)]
    return float(drawn.mean()) if len(drawn) else float("nan")


def equal_parts(values: Values, parts: int) -> Int[np.ndarray, " radiographs"]:
    """Number of the quantile part that each value lies in, equal values together; -1 where it is not known."""
    strata = np.full(len(values), -1)
    known = np.isfinite(values)
    if known.any():
        edges = np.quantile(values[known], np.arange(1, parts) / parts)
        strata[known] = np.searchsorted(edges, values[known], side="right")
    return strata
