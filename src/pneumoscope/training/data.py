"""The two parts of `train`, decoded: what a training learns from and what it follows itself with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from pneumoscope.dataset.layouts import Watched
from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, read_kermany, read_manifest, refuse_test_rows
from pneumoscope.dataset.pictures import Pictures, decoded_lung_masks, decoded_pictures, unwatched
from pneumoscope.dataset.split import k_folds, split_off_validation
from pneumoscope.errors import UnusableData
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.training.teachers import Teachers
from pneumoscope.training.validation_design import FOLD_SEED, ValidationDesign, atypicality

LOOKED_AT_PX: Final = 224
"""The size at which films are compared where the validation part is not drawn at random, whatever the recipe's."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """One part, decoded. `weights` is how much each radiograph counts in the loss; None: all the same.

    `teachers` answer for its radiographs beside the labels; None: the labels alone are learnt from.
    """

    rows: Sequence[ManifestRow]
    pictures: Pictures
    lung_masks: Pictures
    weights: Float[np.ndarray, " radiographs"] | None = None
    teachers: Teachers | None = None

    @property
    def targets(self) -> np.ndarray:
        return np.array([row.has_finding for row in self.rows], np.float32)


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where radiographs come from: a folder in the Kermany layout, or a manifest of paths in that folder.

    `watched` passes on what is decoded, radiographs and then lung masks, and may show a bar.
    """

    data: Path
    manifest: Path | None
    lung_masks: Path | None
    cache: Path
    watched: Watched[np.ndarray] = unwatched


def divided(
    source: DataSource, *, share: float, seed: int, design: ValidationDesign = ValidationDesign.RANDOM
) -> list[ManifestRow]:
    """The rows to learn from and to validate with; rows of the official test and val are left out.

    A manifest that marks a validation part of its own keeps it; otherwise `share` of the patients are split off
    as `design` says: with `folds`, the `seed`-th of as many folds as the share gives.
    """
    if source.manifest is None:
        rows = read_kermany(source.data, splits={Split.TRAIN})
    else:
        everything = read_manifest(source.manifest)
        rows = [row for row in everything if row.split in {Split.TRAIN, Split.VALIDATION}]
        if not rows:
            raise UnusableData(
                "manifest-without-train",
                f"{source.manifest} has no rows of the split train.",
                remedy="Write train into the column split of the radiographs to learn from.",
            )
    refuse_test_rows(rows, purpose="training")
    if any(row.split is Split.VALIDATION for row in rows):
        return refuse_shared_patients(rows)
    if design is ValidationDesign.FOLDS:
        folds = k_folds(rows, k=round(1 / share), generator=np.random.default_rng(FOLD_SEED))
        return folds[seed % len(folds)]
    unlike = None
    if design is ValidationDesign.ATYPICAL_NORMALS:
        pictures = decoded_pictures(
            rows, source.data, Preprocessing(LOOKED_AT_PX), cache=source.cache, watched=source.watched
        )
        unlike = atypicality(rows, pictures)
    return split_off_validation(rows, share=share, generator=np.random.default_rng([seed, 0]), atypicality=unlike)


def refuse_shared_patients(rows: list[ManifestRow]) -> list[ManifestRow]:
    """The same rows; `UnusableData` where a patient is both learnt from and validated with."""
    learnt, validated = ({row.patient for row in in_split(rows, split)} for split in (Split.TRAIN, Split.VALIDATION))
    if shared := sorted(learnt & validated):
        raise UnusableData(
            "patients-in-both-parts",
            f"{len(shared)} patients are in train and in validation, the first is {shared[0]}.",
            remedy="Put each patient into one part of the manifest, or leave the column split at train for all.",
        )
    return rows


def decoded(rows: Sequence[ManifestRow], source: DataSource, *, size_px: int) -> tuple[TrainingData, TrainingData]:
    """Both parts, mapped from files in the cache; `UnusableData` where one of them lacks a label."""
    refuse_test_rows(rows, purpose="training")
    preprocessing = Preprocessing(size_px)
    pictures = decoded_pictures(rows, source.data, preprocessing, cache=source.cache, watched=source.watched)
    if source.lung_masks is None:
        masks = np.broadcast_to(np.uint8(0), pictures.shape)
    else:
        masks, known = decoded_lung_masks(
            rows, source.lung_masks, preprocessing, cache=source.cache, watched=source.watched
        )
        if not known.any():
            raise UnusableData(
                "lung-masks-none",
                f"{source.lung_masks} holds a mask for none of the {len(rows)} radiographs.",
                remedy="Masks have the radiographs' relative paths with the suffix .png; check the folder.",
            )
    parts = []
    for split in (Split.TRAIN, Split.VALIDATION):
        chosen = [index for index, row in enumerate(rows) if row.split is split]
        labels = {row.label for row in in_split(rows, split)}
        if len(labels) < 2:
            raise UnusableData(
                "one-class-only",
                f"The {split} part holds {f'only {labels.pop()}' if labels else 'no'} radiographs.",
                remedy="Add radiographs of the other label; both are needed in both parts.",
            )
        parts.append(TrainingData([rows[index] for index in chosen], pictures[chosen], masks[chosen]))
    return parts[0], parts[1]
