"""The explanation audit of a bundle: does its map say where the answer comes from, better than maps that know nothing?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from pneumoscope import __version__
from pneumoscope.arrays import SaliencyMap
from pneumoscope.audit.audit import Audit, Watch, named
from pneumoscope.audit.audited import Audited
from pneumoscope.audit.limits import Limits
from pneumoscope.audit.lungs import EstimatedMasks
from pneumoscope.audit.verdict import judged
from pneumoscope.dataset.layouts import Watched
from pneumoscope.dataset.manifest import ManifestRow, Split
from pneumoscope.evaluation.intervals import LEVEL
from pneumoscope.explanation_audit import agreement, randomized
from pneumoscope.explanation_audit.answers import answers_to
from pneumoscope.explanation_audit.boxes import Box
from pneumoscope.explanation_audit.evidence import Evidence
from pneumoscope.explanation_audit.observation import Observations, Task, observe
from pneumoscope.explanation_audit.question import SECTIONS
from pneumoscope.explanation_audit.reasons import why_not
from pneumoscope.explanation_audit.sections import all_questions
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.reading import read_radiograph

GUIDE = "docs/explanation/the-explanation-audit.md"
USUAL_RADIOGRAPHS = 200
"""Of `train`, with the finding: how many the mean map is made of."""


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What may be given beside the radiographs: boxes by path, another bundle, open, and the `sections` that are wanted.

    `unmatched_boxes` tells how many boxes were of no radiograph of the split.
    """

    boxes: Mapping[str, Sequence[Box]] = field(default_factory=dict)
    against: Predictor | None = None
    sections: Collection[str] = tuple(SECTIONS)
    unmatched_boxes: int = 0


def run_explanation_audit(
    audited: Audited,
    beside: Beside,
    predictor: Predictor,
    limits: Limits,
    *,
    resamples: int,
    seed: int,
    workers: int,
    watch: Watch,
) -> Audit:
    """Measure and judge every row. Predictors should use one thread: the radiographs are shared out to `workers`."""
    masks = audited.lung_masks or (EstimatedMasks(predictor.bundle) if predictor.bundle.lungs else None)
    usual, made_of = None, 0
    if "lungs" in beside.sections:
        usual, made_of = usual_map(audited, predictor, workers=workers, watched=watch("train maps"))
    asked_by = {
        method: {row.path for row in spread([row for row in audited.rows if row.has_finding], count)}
        for method, count in agreement.RADIOGRAPHS.items()
    }
    task = Task(audited.data, predictor, masks, usual, beside.against, beside.boxes, asked_by, seed, beside.sections)
    observations = observe(audited.rows, task, workers=workers, watched=watch("radiographs"))
    shuffled = {}
    if "sanity" in beside.sections:
        shuffled = shuffled_maps(observations, predictor, seed, workers=workers, watched=watch("shuffled weights"))
    evidence = Evidence(observations, shuffled, why_not(task, observations, with_shuffled=bool(shuffled)))
    patients = [row.patient for row in audited.rows]
    generator = np.random.default_rng(seed)
    rows = judged(all_questions(evidence), limits, patients, resamples=resamples, generator=generator)
    measured_on = record(audited, beside, task, limits, observations)
    measured_on["lung_masks"]["usual_map_of"] = made_of
    measured_on["interval"] |= {"resamples": resamples, "seed": seed}
    return Audit(tuple(rows), measured_on, GUIDE)


def limited(audited: Audited, count: int | None, seed: int) -> Audited:
    """At most `count` (two at least) of its radiographs, drawn by `seed` from the labels that there are in their shares."""
    if count is None or count >= len(audited.rows):
        return audited
    generator = np.random.default_rng(seed)
    labels = np.array([row.has_finding for row in audited.rows])
    positives = round(count * labels.mean())
    if labels.any() and not labels.all():
        positives = min(max(1, positives), count - 1)
    numbers: list[int] = []
    for label, wanted in ((True, positives), (False, count - positives)):
        numbers += generator.permutation(np.flatnonzero(labels == label))[:wanted].tolist()
    return replace(audited, rows=tuple(audited.rows[number] for number in sorted(numbers)))


def spread(rows: Sequence[ManifestRow], count: int) -> list[ManifestRow]:
    """At most `count` of them, evenly over their order."""
    if len(rows) <= count:
        return list(rows)
    return [rows[int(number)] for number in np.linspace(0, len(rows) - 1, count)]


def usual_map(
    audited: Audited, predictor: Predictor, *, workers: int, watched: Watched[SaliencyMap]
) -> tuple[SaliencyMap | None, int]:
    """The mean positive map of `train` radiographs with the finding, and how many it is made of: a fixed location prior."""
    training = [] if audited.split is Split.TRAIN else [row for row in audited.training if row.has_finding]
    chosen = spread(training, USUAL_RADIOGRAPHS)

    def work(row: ManifestRow) -> SaliencyMap:
        gray = predictor.preprocessing.sample(read_radiograph(audited.data / row.path).gray)
        positive: SaliencyMap = np.maximum(answers_to([gray], predictor).maps[0], 0)
        return positive

    maps = list(watched((one for _, one in ordered_results(work, chosen, workers=workers)), len(chosen)))
    return (np.stack(maps).mean(axis=0) if maps else None), len(maps)


def shuffled_maps(
    observations: Observations,
    predictor: Predictor,
    seed: int,
    *,
    workers: int,
    watched: Watched[Float[np.ndarray, " pictures"]],
) -> dict[str, Float[np.ndarray, " radiographs"]]:
    """What `sanity` measures, of some radiographs, NaN for the others; empty without the package onnx."""
    if randomized.onnx_if_there() is None:
        return {}
    count = len(observations.seen)
    chosen = np.unique(np.linspace(0, count - 1, min(count, randomized.RADIOGRAPHS)).astype(int))
    grays, maps = [observations.seen[number].gray for number in chosen], observations.maps[chosen]
    found = randomized.sanity(grays, maps, predictor.bundle, seed, workers=workers, watched=watched)
    columns = {name: np.full(count, np.nan) for name in found}
    for name, values in found.items():
        columns[name][chosen] = values
    return columns


def record(audited: Audited, beside: Beside, task: Task, limits: Limits, observations: Observations) -> dict[str, Any]:
    """What the numbers rest on."""
    predictor = task.predictor
    return {
        "pneumoscope_version": __version__,
        "bundle": named(predictor),
        "against": named(beside.against) if beside.against else None,
        "saliency": {"method": predictor.bundle.card.saliency.method, "map": list(observations.maps.shape[1:])},
        "operating_point": {"name": predictor.operating_point.name, "threshold": predictor.operating_point.threshold},
        **audited.record,
        "lung_masks": {
            "source": task.masks.description if task.masks else None,
            "radiographs": observations.with_lungs,
        },
        "boxes": [box for one in observations.seen for box in one.boxes],
        "boxes_of_no_radiograph": beside.unmatched_boxes,
        "limits": {"file": limits.file, "sha256": limits.sha256},
        "interval": {"level": LEVEL, "method": "percentile bootstrap", "unit": "patient"},
    }
