"""How alike are two maps? By the correlation of their values, of the ranks of these, or by the places that carry most."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

AnyMap = Float[np.ndarray, "map_rows map_columns"]
TOP_SHARE = 0.1
"""Of the places of a map."""


def rank_correlation(one: AnyMap, other: AnyMap) -> float:
    """Spearman's: the correlation of ranks, ties at their mean rank; 0 where a map is the same everywhere."""
    return correlation(mean_ranks(one), mean_ranks(other))


def correlation(one: Float[np.ndarray, "*places"], other: Float[np.ndarray, "*places"]) -> float:
    """Pearson's over all places; 0 where either is the same everywhere, which tells nothing of the other."""
    first, second = (np.asarray(values, np.float64).ravel() for values in (one, other))
    first, second = first - first.mean(), second - second.mean()
    size = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / size) if size > 0 else 0.0


def shared_top(one: AnyMap, other: AnyMap) -> float:
    """Of the tenth of the places that carry most evidence, for or against, the share that is the same in both.

    Ghorbani 2019 (arXiv:1710.10547) calls it top-k intersection, Krishna 2022 (arXiv:2202.01602) feature agreement.
    """
    count = max(1, round(TOP_SHARE * one.size))
    first, second = (set(np.argsort(-np.abs(each).ravel(), kind="stable")[:count].tolist()) for each in (one, other))
    return len(first & second) / count


def mean_ranks(values: AnyMap) -> Float[np.ndarray, " places"]:
    """The rank of every place from 0, equal values at the mean of their ranks."""
    _, inverse, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: np.ndarray = (last - (counts + 1) / 2)[inverse.ravel()]
    return ranks
