"""What the model answers to each radiograph as it is and to every changed copy of it, one radiograph at a time.

The copies of a radiograph are made, scored and dropped in one thread, so memory does not grow with the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pneumoscope.arrays import GrayPicture, LungMask, SaliencyMap
from pneumoscope.audit.lungs import FILLS, LungMasks, filled
from pneumoscope.audit.outlines import NO_OUTLINE, Outline, Outlines, UsualLungs, on_grid_of, outline_of
from pneumoscope.audit.perturbations import PERTURBATIONS
from pneumoscope.audit.ranked import Values
from pneumoscope.dataset.layouts import Watched
from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.explanation.localization import share_inside
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.reading import read_radiograph
from pneumoscope.radiograph.sharpness import laplacian_variance

AS_IT_IS = "as-it-is"
LUNGS_REMOVED = "lungs-removed"
ONLY_LUNGS = "only-lungs"
USUAL = "usual-"
PICTURES_AT_ONCE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One radiograph: logits by the name of the copy, and, where its lungs are known, the heat inside them.

    `heat_inside` is the share of positive evidence in the lungs (NaN where there is none), `lung_area` their share of the
    picture; `sharpness` is the variance of the Laplacian of the picture that the model sees, in squared gray levels.
    """

    row: ManifestRow
    logits: dict[str, float]
    sharpness: float
    heat_inside: float
    lung_area: float
    outline: Outline


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """All radiographs of an audit, as columns."""

    seen: tuple[Observation, ...]

    @property
    def rows(self) -> list[ManifestRow]:
        return [one.row for one in self.seen]

    @property
    def labels(self) -> np.ndarray:
        return np.array([one.row.has_finding for one in self.seen], bool)

    def logits(self, copy: str) -> Values:
        """The logits of one kind of copy; NaN where a radiograph has none."""
        return np.array([one.logits.get(copy, np.nan) for one in self.seen], np.float64)

    def column(self, name: str) -> Values:
        """`sharpness`, `heat_inside` or `lung_area` of every radiograph."""
        return np.array([getattr(one, name) for one in self.seen], np.float64)

    @property
    def with_mask(self) -> int:
        """How many radiographs have a lung mask."""
        return int(np.isfinite(self.column("lung_area")).sum())

    @property
    def outlines(self) -> Outlines:
        """The outline of every radiograph's mask."""
        return np.stack([one.outline for one in self.seen])


def observe(
    rows: Sequence[ManifestRow],
    data: Path,
    predictor: Predictor,
    masks: LungMasks | None,
    usual: UsualLungs | None,
    *,
    workers: int,
    watched: Watched[Observation],
) -> Observations:
    """Read, change and score every row; `RefusedRadiograph` names a file that cannot be read."""

    def work(row: ManifestRow) -> Observation:
        return observed(row, data, predictor, masks, usual)

    results = (result for _, result in ordered_results(work, rows, workers=workers))
    return Observations(tuple(watched(results, len(rows))))


def observed(
    row: ManifestRow, data: Path, predictor: Predictor, masks: LungMasks | None, usual: UsualLungs | None
) -> Observation:
    """One radiograph with all its copies."""
    gray = read_radiograph(data / row.path).gray
    mask = masks.mask_of(row, gray) if masks else None
    sample = predictor.preprocessing.sample
    copies = changed_copies(gray, mask, usual, predictor.preprocessing)
    logits, saliency_map = scored(list(copies.values()), predictor)
    seen_mask = None if mask is None else sample(mask.astype(np.uint8)).astype(bool)
    return Observation(
        row=row,
        logits=dict(zip(copies, logits, strict=True)),
        sharpness=laplacian_variance(sample(gray)),
        heat_inside=np.nan if seen_mask is None else share_inside(saliency_map, seen_mask),
        lung_area=np.nan if seen_mask is None else float(seen_mask.mean()),
        outline=NO_OUTLINE if mask is None else outline_of(mask, predictor.preprocessing),
    )


def changed_copies(
    gray: GrayPicture, mask: LungMask | None, usual: UsualLungs | None, preprocessing: Preprocessing
) -> dict[str, np.ndarray]:
    """The model's input of the radiograph as it is (first) and of each copy, by name."""
    copies = {AS_IT_IS: preprocessing(gray)}
    for perturbation in PERTURBATIONS:
        if (changed := perturbation.change(gray, preprocessing.size_px)) is not None:
            copies[perturbation.name] = preprocessing(changed)
    regions = {"": mask, USUAL: None if usual is None else on_grid_of(usual, gray.shape)}
    for prefix, lungs in regions.items():
        if lungs is None:
            continue
        for fill in FILLS:
            copies[f"{LUNGS_REMOVED}-{prefix}{fill}"] = preprocessing(filled(gray, lungs, fill))
            copies[f"{ONLY_LUNGS}-{prefix}{fill}"] = preprocessing(filled(gray, ~lungs, fill))
    return copies


def scored(inputs: Sequence[np.ndarray], predictor: Predictor) -> tuple[list[float], SaliencyMap]:
    """The logit of every picture, a few at once, and the saliency map of the first."""
    logits: list[float] = []
    first: SaliencyMap | None = None
    for start in range(0, len(inputs), PICTURES_AT_ONCE):
        found, saliency_maps, _ = predictor.run(np.stack(inputs[start : start + PICTURES_AT_ONCE]))
        logits += [float(logit) for logit in found]
        first = saliency_maps[0] if first is None else first
    assert first is not None
    return logits, first
