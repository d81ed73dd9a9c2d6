"""What needs no medicine, fitted on `train` and put beside the model: metadata, border, thumbnail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from pneumoscope.arrays import Labels
from pneumoscope.audit.ranked import Values
from pneumoscope.dataset.cues import OriginalSizes, Sizes, cue_features, sizes_of
from pneumoscope.dataset.examination import THUMBNAIL_PX, Examined, examine_files
from pneumoscope.dataset.layouts import Watched, files_of_manifest
from pneumoscope.dataset.manifest import ManifestRow, Split
from pneumoscope.dataset.reading import UnreadableFile
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.shortcuts import Features, fitted_logits, has_both

RING_PX = 2
CUES = ("metadata", "border", "thumbnail")

TrainingLabels = Bool[np.ndarray, " training"]
"""The reference standard of the training radiographs, which stand before the audited ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Baselines:
    """Logits of the audited radiographs by each cue alone (NaN where the cue is not known), and their original sizes.

    `why_not` says why there are no logits; `fitted_on` counts the training radiographs.
    """

    logits: Mapping[str, Values]
    sizes_px: Sizes
    fitted_on: int
    changed_files: int
    why_not: str | None


def cue_baselines(
    training: Sequence[ManifestRow],
    audited: Sequence[ManifestRow],
    data: Path,
    original: OriginalSizes | None,
    *,
    workers: int,
    watched: Watched[Examined | UnreadableFile],
) -> Baselines:
    """Examine both parts and fit each cue on `training`; `UnusableData` names a file that cannot be read."""
    examined = examined_rows([*training, *audited], data, workers=workers, watched=watched)
    sizes_px = sizes_of(examined, original)
    count = len(training)
    labels = np.array([row.has_finding for row in training], bool)
    why_not = cannot_fit(labels, audited)
    features = features_of(examined, sizes_px)
    logits = {} if why_not else {name: logits_by(values, labels) for name, values in features.items()}
    return Baselines(
        logits=logits,
        sizes_px=sizes_px[count:],
        fitted_on=0 if why_not else count,
        changed_files=sum(
            seen.row.sha256 != row.sha256 for seen, row in zip(examined, [*training, *audited], strict=True)
        ),
        why_not=why_not,
    )


def examined_rows(
    rows: Sequence[ManifestRow], data: Path, *, workers: int, watched: Watched[Examined | UnreadableFile]
) -> list[Examined]:
    """Every row's file, read once."""
    examined, unreadable = examine_files(data, files_of_manifest(rows), workers=workers, watched=watched)
    if unreadable:
        raise UnusableData(
            "unreadable-picture",
            f"{len(unreadable)} of {len(rows)} files cannot be read; the first is {data / unreadable[0].path}: "
            f"{unreadable[0].message}",
            remedy="Fetch the file again, or take its row out of the manifest. --data is what its paths are relative to.",
        )
    return examined


def cannot_fit(labels: Labels, audited: Sequence[ManifestRow]) -> str | None:
    """Why a cue cannot be fitted, if it cannot."""
    if any(row.split is Split.TRAIN for row in audited):
        return "the audited split is the one that cues are fitted on"
    if not len(labels) or not has_both(labels):
        return "there are no train rows of both labels to fit cues on"
    return None


def features_of(examined: Sequence[Examined], sizes_px: Sizes) -> dict[str, Features]:
    """Each cue as features of the order of 1, one row a radiograph."""
    cues = cue_features(examined, sizes_px)
    thumbnails = cues["thumbnail"]
    return {
        "metadata": np.column_stack([cues["width_and_height"], cues["aspect_ratio"], cues["file_size"]]),
        "border": thumbnails[:, ring().ravel()],
        "thumbnail": thumbnails,
    }


def ring() -> np.ndarray:
    """The outermost pixels of a thumbnail: all that it shows of the picture's border."""
    outer = np.ones((THUMBNAIL_PX, THUMBNAIL_PX), bool)
    outer[RING_PX:-RING_PX, RING_PX:-RING_PX] = False
    return outer


def logits_by(values: Features, labels: TrainingLabels) -> Float[np.ndarray, " audited"]:
    """Logits of the radiographs behind the first `len(labels)`, by a fit on those; NaN where a cue is not known."""
    training, others = values[: len(labels)], values[len(labels) :]
    known, told = np.isfinite(training).all(axis=1), np.isfinite(others).all(axis=1)
    logits = np.full(len(others), np.nan)
    if known.any() and told.any() and has_both(labels[known]):
        logits[told] = fitted_logits(training[known], labels[known], others[told])
    return logits
