"""Patient-disjoint, stratified, seeded parts of `train`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pneumoscope.dataset.manifest import ManifestRow, Split, refuse_test_rows


def split_off_validation(
    rows: Sequence[ManifestRow], *, share: float, generator: np.random.Generator
) -> list[ManifestRow]:
    """Mark about `share` of the radiographs of each stratum as validation, whole patients only.

    Strata are label and subtype. Patients who share an identical picture count as one. Rows that are not `train` are
    refused.
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
        for patient in generator.permutation(sorted(groups)):
            if taken >= wanted:
                break
            chosen.add(str(patient))
            taken += len(groups[patient])
    return [replace(row, split=Split.VALIDATION) if patients[row.patient] in chosen else row for row in rows]


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
