"""All that is measured on one radiograph at a time: its maps, those of its copies, and those of other methods and bundles.

The copies of a radiograph are made, answered and dropped in one thread, so memory does not grow with the data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.arrays import GrayPicture, LungMask, SaliencyMap
from pneumoscope.audit.lungs import LungMasks
from pneumoscope.audit.ranked import Values
from pneumoscope.dataset.layouts import Watched
from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.explanation.correlation import correlation, rank_correlation
from pneumoscope.explanation.localization import share_inside
from pneumoscope.explanation_audit.agreement import agreement, covered_alone
from pneumoscope.explanation_audit.answers import Answers, Maps, answers_to
from pneumoscope.explanation_audit.boxes import Box, box_measures
from pneumoscope.explanation_audit.faithfulness import faithfulness
from pneumoscope.explanation_audit.maps import centred_prior, points_into, random_map
from pneumoscope.explanation_audit.planted import planted_evidence
from pneumoscope.explanation_audit.question import SECTIONS
from pneumoscope.explanation_audit.stability import changed, stability, turned_decisions
from pneumoscope.inference.agreement import on_grid
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.reading import read_radiograph

PLAIN_RIVALS = ("random", "centre")
NEED_LUNGS = ("lungs", "deletion", "insertion", "planted")


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What every radiograph is asked, and with what; `asked_by` names the radiographs of each costly method by path.

    Of `sections` that are not wanted nothing is measured that costs passes of the graph.
    """

    data: Path
    predictor: Predictor
    masks: LungMasks | None
    usual_map: SaliencyMap | None
    against: Predictor | None
    boxes: Mapping[str, Sequence[Box]]
    asked_by: Mapping[str, Collection[str]]
    seed: int
    sections: Collection[str] = tuple(SECTIONS)

    def wants(self, *sections: str) -> bool:
        """Whether any of them is wanted."""
        return any(section in self.sections for section in sections)


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One radiograph on the model's grid, its answer, and what was measured, by name."""

    row: ManifestRow
    gray: GrayPicture
    logit: float
    saliency_map: SaliencyMap
    measured: Mapping[str, float]
    boxes: Sequence[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """All radiographs of an audit, as columns."""

    seen: tuple[Observation, ...]

    @property
    def labels(self) -> np.ndarray:
        return np.array([one.row.has_finding for one in self.seen], bool)

    @property
    def maps(self) -> Maps:
        return np.stack([one.saliency_map for one in self.seen])

    @property
    def with_lungs(self) -> int:
        """Of how many it is known where the lungs are."""
        return int(np.isfinite(self.column("lungs/area")).sum())

    def column(self, name: str) -> Values:
        """What was measured under this name; NaN where it was not."""
        return np.array([one.measured.get(name, np.nan) for one in self.seen], np.float64)


def observe(rows: Sequence[ManifestRow], task: Task, *, workers: int, watched: Watched[Observation]) -> Observations:
    """Measure every row; `RefusedRadiograph` names a file that cannot be read."""

    def work(item: tuple[int, ManifestRow]) -> Observation:
        return observed(*item, task)

    results = (result for _, result in ordered_results(work, list(enumerate(rows)), workers=workers))
    return Observations(tuple(watched(results, len(rows))))


def observed(index: int, row: ManifestRow, task: Task) -> Observation:
    """One radiograph with everything that is asked of it."""
    predictor = task.predictor
    whole = read_radiograph(task.data / row.path).gray
    gray, lungs = on_model_grid(row, whole, task)
    generator = np.random.default_rng([task.seed, index])
    found = answers_to([gray, *(changed(gray, generator) if task.wants("stability") else ())], predictor)
    logit, saliency_map = float(found.logits[0]), found.maps[0]
    orders = with_rivals(saliency_map, task.usual_map, generator)
    plain = {name: orders[name] for name in ("map", *PLAIN_RIVALS)}
    measured = {"logit": logit, **sum_difference(logit, saliency_map, predictor)}
    if task.wants("stability"):
        measured |= of_changes(found, predictor, len(gray))
    if lungs is not None:
        measured |= inside(lungs, orders)
        if not row.has_finding and task.wants("planted"):
            measured |= planted_evidence(gray, lungs, logit, saliency_map, predictor, [task.seed, index, 1])
    if row.has_finding and task.wants("deletion", "insertion"):
        measured |= faithfulness(gray, lungs, plain, predictor)
    for method, chosen in task.asked_by.items():
        if row.path in chosen and task.wants("agreement"):
            measured |= agreement(method, gray, plain, predictor, task.seed + index)
            if method == "occlusion":
                measured |= covered_alone(gray, saliency_map, predictor)
    if task.against is not None:
        measured |= against(task.against, whole, plain, logit, predictor)
    by_box: list[dict[str, Any]] = []
    if boxes := task.boxes.get(row.path):
        of_boxes, by_box = box_measures(boxes, (whole.shape[0], whole.shape[1]), plain, len(gray))
        measured |= of_boxes
    return Observation(row, gray, logit, saliency_map, measured, by_box)


def on_model_grid(row: ManifestRow, whole: GrayPicture, task: Task) -> tuple[GrayPicture, LungMask | None]:
    """What the model sees, and the lungs in it."""
    sample = task.predictor.preprocessing.sample
    mask = task.masks.mask_of(row, whole) if task.masks and task.wants(*NEED_LUNGS) else None
    seen = None if mask is None else sample(mask.astype(np.uint8)).astype(bool)
    return sample(whole), seen if seen is not None and seen.any() else None


def with_rivals(
    saliency_map: SaliencyMap, usual_map: SaliencyMap | None, generator: np.random.Generator
) -> dict[str, SaliencyMap]:
    """The map, and those that it must beat, on the same grid."""
    shape = (saliency_map.shape[0], saliency_map.shape[1])
    orders = {"map": saliency_map, "random": random_map(shape, generator), "centre": centred_prior(shape)}
    return orders if usual_map is None else {**orders, "usual": usual_map}


def sum_difference(logit: float, saliency_map: SaliencyMap, predictor: Predictor) -> dict[str, float]:
    """How far map and bias are from the logit, where the card says that they add up."""
    saliency = predictor.bundle.card.saliency
    total = float(saliency_map.sum(dtype=np.float64)) + saliency.bias_logit
    return {"adds-up": abs(total - logit)} if saliency.adds_up else {}


def of_changes(found: Answers, predictor: Predictor, size_px: int) -> dict[str, float]:
    """Stability of map and decision; the picture as it is comes first."""
    decided = np.array([decides(logit, predictor) for logit in found.logits])
    changes = Answers(found.logits[1:], found.maps[1:])
    return stability(found.maps[0], changes, size_px) | turned_decisions(bool(decided[0]), decided[1:])


def inside(lungs: LungMask, orders: Mapping[str, SaliencyMap]) -> dict[str, float]:
    """Energy and pointing game of each map, and the share of the picture that the lungs take."""
    measured = {"lungs/area": float(lungs.mean())}
    for name, one in orders.items():
        measured[f"lungs/energy/{name}"] = share_inside(one, lungs)
        measured[f"lungs/pointing/{name}"] = points_into(one, lungs)
    return measured


def against(
    other: Predictor, whole: GrayPicture, orders: Mapping[str, SaliencyMap], logit: float, predictor: Predictor
) -> dict[str, float]:
    """The other bundle's map with this one's, and its answer; correlations of random and centred maps beside."""
    found = answers_to([other.preprocessing.sample(whole)], other)
    other_map = on_grid(found.maps[0], orders["map"].shape)
    positive = decides(logit, predictor)
    return {
        **{f"against/correlation/{name}": correlation(other_map, one) for name, one in orders.items()},
        "against/rank-correlation": rank_correlation(other_map, orders["map"]),
        "against/hottest": float(other_map.argmax() == orders["map"].argmax()) if positive else float("nan"),
        "against/turned": float(decides(float(found.logits[0]), other) != positive),
        "against/logit": abs(float(found.logits[0]) - logit),
    }


def decides(logit: float, predictor: Predictor) -> bool:
    """Whether the decision at the bundle's operating point is PNEUMONIA."""
    return predictor.bundle.card.calibration.probability(float(logit)) >= predictor.operating_point.threshold
