"""How good a lung segmentation is on validation patients, and the limits of the gate, chosen on the train part alone.

Everything runs the exported graph as it ships. Overlaps are measured on the grid that the model sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from pneumoscope.arrays import GrayPicture
from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.lung_spec import LungSpec, Range
from pneumoscope.dataset.manifest import ManifestRow, refuse_test_rows
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.evaluation.bootstrap import nested, weighted_bootstrap
from pneumoscope.evaluation.weights import Measured, Weights, divided
from pneumoscope.inference.lung_gate import lung_warnings, refuse_without_lungs
from pneumoscope.inference.lungs import Lungs, LungSegmenter
from pneumoscope.training.data import TrainingData
from pneumoscope.training.lung_negatives import KINDS, negative

THRESHOLD = 0.5
USUAL_QUANTILES = (0.005, 0.995)
"""What lies between them in the train part is usual."""

LEAST_OF_SMALLEST = 0.25
"""A picture with less than this part of the smallest lungs of the train part (their 0.1 % quantile) has none."""

SMALLEST_QUANTILE = 0.001
WORST_QUANTILE = 0.05

Values = Float[np.ndarray, " radiographs"]


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """Of each radiograph that has a mask: intersection over union, and Dice, of found lungs and mask."""

    rows: Sequence[ManifestRow]
    intersection_over_union: Values
    dice: Values


def draft_spec(size_px: int) -> LungSpec:
    """Lets everything pass, to run a graph whose limits are not chosen yet."""
    return LungSpec(size_px, THRESHOLD, 0.0, (0.0, 1.0), (0.0, 1.0), (0.0, 1.0), 0.0)


def segmenter_of(bundle: Bundle, graph: bytes, spec: LungSpec) -> LungSegmenter:
    """The graph as it would run from this bundle."""
    return LungSegmenter(replace(bundle, card=replace(bundle.card, lungs=spec), lungs=graph))


def with_limits(draft: LungSpec, segmenter: LungSegmenter, training: TrainingData) -> LungSpec:
    """The draft with the limits that the lungs found in the train part (where a mask is known) give."""
    refuse_test_rows(training.rows, purpose="the limits of the lung gate")
    known = training.lung_masks.any(axis=(1, 2))
    found = [segmenter.lungs(training.pictures[index]) for index in np.flatnonzero(known)]
    areas = np.array([lungs.area_share for lungs in found])
    centres = np.array([lungs.centre for lungs in found])
    smaller = np.array([lungs.smaller_share for lungs in found])
    return replace(
        draft,
        least_area_share=LEAST_OF_SMALLEST * float(np.quantile(areas, SMALLEST_QUANTILE)),
        area_share=usual(areas),
        centre_row=usual(centres[:, 0]),
        centre_column=usual(centres[:, 1]),
        smaller_lung_share=usual(smaller)[0],
    )


def usual(values: Values) -> Range:
    """The range between the two quantiles, of what is a number."""
    low, high = np.nanquantile(values, USUAL_QUANTILES)
    return float(low), float(high)


def overlaps_of(segmenter: LungSegmenter, validation: TrainingData) -> Overlaps:
    """Found lungs against masks, radiograph by radiograph; those without a mask are left out."""
    known = np.flatnonzero(validation.lung_masks.any(axis=(1, 2)))
    shared, united, sizes = [], [], []
    for index in known:
        found, truth = segmenter.mask(validation.pictures[index]), validation.lung_masks[index] > 0
        shared.append(float((found & truth).sum()))
        united.append(float((found | truth).sum()))
        sizes.append(float(found.sum() + truth.sum()))
    both = np.array(shared)
    return Overlaps(
        [validation.rows[int(index)] for index in known], both / np.array(united), 2 * both / np.array(sizes)
    )


def overlap_summary(overlaps: Overlaps, *, resamples: int, generator: np.random.Generator) -> dict[str, Any]:
    """Means with 95 % intervals by patient, in all and by label, and what the worst twentieth stays below."""
    _, patients = np.unique([row.patient for row in overlaps.rows], return_inverse=True)
    finding = np.array([row.has_finding for row in overlaps.rows])
    values = {"intersection_over_union": overlaps.intersection_over_union, "dice": overlaps.dice}

    def measure(weights: Weights) -> dict[tuple[str, ...], Measured]:
        groups = {"all": np.ones_like(finding), "normal": ~finding, "pneumonia": finding}
        return {
            (name, group): weighted_mean(weights, value, chosen)
            for name, value in values.items()
            for group, chosen in groups.items()
        }

    return {
        "radiographs": len(overlaps.rows),
        "patients": int(patients.max()) + 1,
        **nested(weighted_bootstrap(measure, patients, finding, resamples=resamples, generator=generator)),
        "worst_twentieth_below": {name: float(np.quantile(value, WORST_QUANTILE)) for name, value in values.items()},
        "lowest": {name: float(value.min()) for name, value in values.items()},
    }


def weighted_mean(weights: Weights, values: Values, chosen: Bool[np.ndarray, " radiographs"]) -> Measured:
    """In each resample, the mean over the chosen radiographs; NaN where none was drawn."""
    return divided(weights @ (values * chosen), weights @ chosen.astype(np.float64))


def gate_summary(segmenter: LungSegmenter, validation: TrainingData, *, seed: int) -> dict[str, Any]:
    """How many validation radiographs the gate refuses or warns of, and of their negatives, kind by kind."""
    refuse_test_rows(validation.rows, purpose="the judgement of the lung gate")
    negatives = {}
    for kind in KINDS:
        made = negatives_of(kind, validation, seed=seed)
        negatives[kind] = gate_counts(segmenter, made)
    return {"radiographs": gate_counts(segmenter, iter(validation.pictures)), "negatives": negatives}


def gate_counts(segmenter: LungSegmenter, pictures: Iterable[GrayPicture]) -> dict[str, int]:
    """Pictures, how many are refused, and of how many others is warned."""
    counts = {"pictures": 0, "refused": 0, "warned": 0}
    for picture in pictures:
        lungs = segmenter.lungs(picture)
        counts["pictures"] += 1
        counts["refused"] += is_refused(lungs, segmenter.spec)
        counts["warned"] += not is_refused(lungs, segmenter.spec) and bool(lung_warnings(lungs, segmenter.spec))
    return counts


def is_refused(lungs: Lungs, spec: LungSpec) -> bool:
    """Whether the gate refuses a radiograph with these lungs."""
    try:
        refuse_without_lungs(lungs, spec)
    except RefusedRadiograph:
        return True
    return False


def negatives_of(kind: str, validation: TrainingData, *, seed: int) -> Iterable[GrayPicture]:
    """A negative made of each validation radiograph; windows that could not avoid the lungs are left out."""
    generator = torch.Generator().manual_seed(seed)
    for gray, mask in zip(validation.pictures, validation.lung_masks, strict=True):
        picture, lung = (torch.from_numpy(np.array(values))[None, None].float() / 255 for values in (gray, mask))
        made, left_over = negative(kind, picture, lung, generator=generator)
        if not left_over.any():
            yield np.rint(made[0, 0].clamp(0, 1).numpy() * 255).astype(np.uint8)
