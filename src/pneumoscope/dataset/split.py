"""Patient-disjoint, stratified, seeded parts of `train`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from pneumoscope.dataset.manifest import ManifestRow, Split, refuse_test_rows
from pneumoscope.errors import UnusableData


def split_off_validation(
    rows: Sequence[ManifestRow],
    *,
    share: float,
    generator: np.random.Generator,
    atypicality: Float[np.ndarray, " radiographs"] | None = None,
) -> list[ManifestRow]:
    """Mark about `share` of the radiographs of each stratum as validation, whole patients only.

    Strata are label and subtype. Patients who share an identical picture count as one. Rows of the test split are
    refused. Patients are drawn at random; where `atypicality` is given, those without the finding go by the median of
    their radiographs, the highest first, so that validation holds what is least like the rest (see
    `training/validation_design.py`).
    """
    refuse_test_rows(rows, purpose="the choice of a validation part")
    patients = patients_joined_by_duplicates(rows)
    files_of: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, row in enumerate(rows):
        files_of[row.label, row.subtype][patients[row.patient]].append(index)
    chosen: set[str] = set()
    for stratum in sorted(files_of):
        groups = files_of[stratum]
        wanted = share * sum(len(files) for files in groups.values())
        taken = 0
        order = [str(patient) for patient in generator.permutation(sorted(groups))]
        if atypicality is not None and not rows[groups[order[0]][0]].has_finding:
            order.sort(key=lambda patient: -float(np.median(atypicality[groups[patient]])))
        for patient in order:
            if taken >= wanted:
                break
            chosen.add(patient)
            taken += len(groups[patient])
    return [replace(row, split=Split.VALIDATION) if patients[row.patient] in chosen else row for row in rows]


def k_folds(rows: Sequence[ManifestRow], *, k: int, generator: np.random.Generator) -> list[list[ManifestRow]]:
    """`k` copies of `rows`, each with another fold marked validation and the rest train; whole patients only.

    Each row is validation exactly once. Patients of a stratum (label and subtype) are dealt out in a seeded order, each
    to the fold that holds the fewest radiographs of the stratum. Rows of the test split are refused.
    """
    refuse_test_rows(rows, purpose="the making of folds")
    patients = patients_joined_by_duplicates(rows)
    files_of: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for row in rows:
        files_of[patients[row.patient]][row.label, row.subtype] += 1
    if not 2 <= k <= len(files_of):
        raise UnusableData(
            "folds-impossible",
            f"{k} folds cannot be made of {len(files_of)} patients.",
            remedy="Give at least two folds, and at least as many patients as folds.",
        )
    held: list[Counter[tuple[str, str]]] = [Counter() for _ in range(k)]
    fold_of: dict[str, int] = {}
    for patient in map(str, generator.permutation(sorted(files_of))):
        stratum = max(sorted(files_of[patient]), key=files_of[patient].__getitem__)
        fold = min(range(k), key=lambda number: (held[number][stratum], held[number].total()))
        held[fold] += files_of[patient]
        fold_of[patient] = fold
    splits = {True: Split.VALIDATION, False: Split.TRAIN}
    return [[replace(row, split=splits[fold_of[patients[row.patient]] == fold]) for row in rows] for fold in range(k)]


def patients_joined_by_duplicates(rows: Sequence[ManifestRow]) -> dict[str, str]:
    """Map each patient to a representative, the same for patients who share a picture with the same SHA-256."""
    parent = {row.patient: row.patient for row in rows}

    def root(patient: str) -> str:
        while parent[patient] != patient:
            patient = parent[patient]
        return patient

    owner: dict[str, str] = {}
    for row in rows:
        first = owner.setdefault(row.sha256, row.patient)
        low, high = sorted((root(first), root(row.patient)))
        parent[high] = low
    return {patient: root(patient) for patient in parent}
