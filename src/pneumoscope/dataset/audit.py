"""What may be wrong with labelled data before any model sees it: counts, duplicates, leakage between splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np

from pneumoscope.dataset.duplicates import HASH_BITS_APART, LEAST_CORRELATION, groups_of_equal, near_pairs
from pneumoscope.dataset.examination import Examined
from pneumoscope.dataset.manifest import Label, ManifestRow, Split
from pneumoscope.dataset.reading import UnreadableFile

Findings = dict[str, Any]


def audit(
    examined: Sequence[Examined], unreadable: Sequence[UnreadableFile], *, imported: Sequence[ManifestRow] = ()
) -> Findings:
    """Everything but the shortcuts, as it goes into `audit.json`; `imported` is what the manifest said, if there is one."""
    rows = [seen.row for seen in examined]
    sha256 = {row.path: row.sha256 for row in imported}
    return {
        "radiographs": len(rows),
        "patients": len({row.patient for row in rows}),
        "unreadable": [asdict(file) for file in unreadable],
        "changed_since_import": [row.path for row in rows if sha256.get(row.path, row.sha256) != row.sha256],
        "splits": {split: split_counts([row for row in rows if row.split == split]) for split in splits_of(rows)},
        "patients_in_two_splits": patients_in_two_splits(rows),
        "exact_duplicates": exact_duplicates(examined),
        "near_duplicates": near_duplicates(examined),
    }


def splits_of(rows: Sequence[ManifestRow]) -> list[Split]:
    """The splits that hold rows, in the order of `Split`."""
    found = {row.split for row in rows}
    return [split for split in Split if split in found]


def split_counts(rows: Sequence[ManifestRow]) -> Findings:
    """Radiographs and patients, by label and subtype."""
    labels, subtypes = Counter(row.label for row in rows), Counter(row.subtype for row in rows if row.subtype)
    return {
        "radiographs": len(rows),
        "patients": len({row.patient for row in rows}),
        "labels": {label: labels[label] for label in Label},
        "subtypes": dict(sorted(subtypes.items())),
        "share_with_finding": round(labels[Label.PNEUMONIA] / len(rows), 4),
    }


def patients_in_two_splits(rows: Sequence[ManifestRow]) -> dict[str, list[str]]:
    """For each two splits the patients that are in both: leakage."""
    patients = {split: {row.patient for row in rows if row.split == split} for split in splits_of(rows)}
    return {f"{one} and {other}": sorted(patients[one] & patients[other]) for one, other in combinations(patients, 2)}


def exact_duplicates(examined: Sequence[Examined]) -> Findings:
    """Groups of radiographs whose decoded pixels are the same."""
    groups = [[examined[index].row for index in group] for group in duplicate_groups(examined)]
    return {
        "rule": "SHA-256 of size and decoded pixels",
        "groups": len(groups),
        "radiographs": sum(map(len, groups)),
        "across_splits": sum(len({row.split for row in group}) > 1 for group in groups),
        "across_labels": sum(len({row.label for row in group}) > 1 for group in groups),
        "across_patients": sum(len({row.patient for row in group}) > 1 for group in groups),
        "listed": [[row.path for row in group] for group in groups],
    }


def near_duplicates(examined: Sequence[Examined]) -> Findings:
    """Pairs that show nearly, but not exactly, the same picture."""
    pairs: list[tuple[int, int]] = []
    if examined:
        hashes, sketches = (
            np.stack([getattr(seen, name) for seen in examined]) for name in ("perceptual_hash", "sketch")
        )
        pairs = near_pairs(hashes, sketches)
    rows = [
        (examined[one].row, examined[other].row)
        for one, other in pairs
        if examined[one].pixels_sha256 != examined[other].pixels_sha256
    ]
    return {
        "rule": f"at most {HASH_BITS_APART} of 64 bits of the perceptual hash apart, "
        f"and correlation of the 32 x 32 sketches at least {LEAST_CORRELATION}",
        "pairs": len(rows),
        "across_splits": sum(one.split != other.split for one, other in rows),
        "across_labels": sum(one.label != other.label for one, other in rows),
        "listed": [[one.path, other.path] for one, other in rows],
    }


def duplicate_groups(examined: Sequence[Examined]) -> list[list[int]]:
    """Indices of radiographs with the same pixels."""
    return groups_of_equal([seen.pixels_sha256 for seen in examined])
