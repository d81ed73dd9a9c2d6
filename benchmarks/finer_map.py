"""The map at stride 32 and 16, as published and centred, from the same weights, by the measures of the explanation audit.

`python benchmarks/finer_map.py --data DIR --lung-masks DIR --manifest FILE --weights shipped=FILE --output FILE.json`

`--weights` may be repeated; it takes each `NAME=FILE.safetensors` of EfficientNet-Lite0 with a linear head, and other names
that stand in the output stay there. The validation part of the manifest is measured, no other. The arm `-summed` is the network of the arm without it with its map's places
added up two by two: the same logits, so what differs is the map alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from finer_map_costs import costs
from finer_map_planted import SIZES, planted
from pneumoscope.arrays import GrayPicture, LungMask, SaliencyMap
from pneumoscope.audit.lungs import MaskFolder
from pneumoscope.audit.ranked import RankedScores
from pneumoscope.bundle.bundle import Bundle, open_bundle
from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, read_manifest, refuse_test_rows
from pneumoscope.evaluation.calibration import fit_platt
from pneumoscope.evaluation.intervals import patient_bootstrap
from pneumoscope.explanation_audit.answers import Answers, answers_to
from pneumoscope.explanation_audit.audit import spread
from pneumoscope.explanation_audit.faithfulness import faithfulness
from pneumoscope.explanation_audit.maps import centred_prior, random_map
from pneumoscope.explanation_audit.observation import inside, sum_difference
from pneumoscope.explanation_audit.stability import changed, stability
from pneumoscope.inference.pool import ordered_results, usable_cores, worker_count
from pneumoscope.inference.predictor import Predictor
from pneumoscope.model.export import export_onnx, with_halved_weights
from pneumoscope.model.trained import trained_classifier
from pneumoscope.radiograph.reading import read_radiograph
from speed import PROJECT

SUMMED = "-summed"
FAITHFUL, STABLE = 32, 64
"""Of how many radiographs deletion and insertion, and stability, are measured: they cost most."""
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to build the network from the weights, and to read its map."""

    map_stride: int
    map_centred: bool
    summed: bool = False

    @property
    def name(self) -> str:
        centred = "-centred" if self.map_centred else ""
        return f"stride-{self.map_stride}{centred}{SUMMED if self.summed else ''}"


ARMS = (Arm(32, False), Arm(32, True), Arm(16, False), Arm(16, True), Arm(16, True, summed=True))
PAIRS = ((2, 0), (3, 0), (3, 1), (3, 2), (3, 4))
"""Which arms are set against which, by number."""


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """A validation radiograph on the model's grid, its lungs, and which of the costly questions it is asked."""

    index: int
    row: ManifestRow
    gray: GrayPicture
    lungs: LungMask | None
    faithful: bool
    stable: bool


class Summed(Predictor):
    """A predictor whose map has the places of the graph's added up two by two."""

    def run(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        logits, maps, embeddings = super().run(batch)
        count, rows, columns = maps.shape
        return logits, maps.reshape(count, rows // 2, 2, columns // 2, 2).sum(axis=(2, 4)), embeddings


def films_of(options: argparse.Namespace) -> list[Film]:
    """The validation part, read once."""
    rows = in_split(read_manifest(options.manifest), Split.VALIDATION)
    refuse_test_rows(rows, purpose="choosing the map's stride")
    rows = rows[:: options.every]
    masks, sample = MaskFolder(options.lung_masks), open_bundle().card.preprocessing.sample
    faithful = {row.path for row in spread([row for row in rows if row.has_finding], FAITHFUL)}
    stable = {row.path for row in spread(rows, STABLE)}
    films = []
    for index, row in enumerate(rows):
        whole = read_radiograph(options.data / row.path).gray
        mask = masks.mask_of(row, whole)
        lungs = None if mask is None or not mask.any() else sample(mask.astype(np.uint8)).astype(bool)
        films.append(Film(index, row, sample(whole), lungs, row.path in faithful, row.path in stable))
    return films


def predictors_of(weights: Path, films: list[Film]) -> Iterator[tuple[Arm, Predictor, Answers]]:
    """Each arm open, with fp16 storage as shipped and its own calibration, and its answers to all films."""
    labels = np.array([film.row.has_finding for film in films])
    graphs: dict[tuple[int, bool], bytes] = {}
    for arm in ARMS:
        grid = (arm.map_stride, arm.map_centred)
        model = trained_classifier(weights, map_stride=arm.map_stride, map_centred=arm.map_centred)
        if grid not in graphs:
            graphs[grid] = with_halved_weights(export_onnx(model, size_px=224)).SerializeToString()
        card = open_bundle().card
        card = replace(
            card, saliency=replace(card.saliency, bias_logit=model.bias_logit() or 0.0), lungs=None, cases=None
        )
        kind = Summed if arm.summed else Predictor
        draft = kind(Bundle(Path(), card, graphs[grid], ""), threads=1)
        found = answered(draft, films)
        card = replace(card, calibration=fit_platt(found.logits, labels))
        yield arm, kind(Bundle(Path(), card, graphs[grid], ""), threads=1), found


def answered(predictor: Predictor, films: list[Film]) -> Answers:
    """In parallel, a film at a time."""
    results = ordered_results(lambda film: answers_to([film.gray], predictor), films, workers=worker_count())
    found = [answers for _, answers in results]
    return Answers(np.concatenate([one.logits for one in found]), np.concatenate([one.maps for one in found]))


def measured(film: Film, logit: float, saliency_map: SaliencyMap, predictor: Predictor) -> dict[str, float]:
    """All that is asked of one film."""
    generator = np.random.default_rng([0, film.index])
    shape = (saliency_map.shape[0], saliency_map.shape[1])
    orders = {"map": saliency_map, "random": random_map(shape, generator), "centre": centred_prior(shape)}
    found = sum_difference(logit, saliency_map, predictor)
    if film.lungs is not None and film.row.has_finding:
        found |= inside(film.lungs, {"map": saliency_map})
    if film.lungs is not None and not film.row.has_finding:
        found |= planted(film.gray, film.lungs, logit, saliency_map, predictor, [0, film.index])
    if film.faithful:
        areas = faithfulness(film.gray, film.lungs, orders, predictor)
        found |= {name.removesuffix("/probability"): area for name, area in areas.items() if "/probability" in name}
    if film.stable:
        copies = answers_to(changed(film.gray, generator), predictor)
        found |= stability(saliency_map, copies, len(film.gray))
    return found


def columns_of(films: list[Film], found: Answers, predictor: Predictor) -> dict[str, np.ndarray]:
    """What was measured, by name, a value a film; NaN where it was not. Better than a rival is positive."""

    def work(film: Film) -> dict[str, float]:
        return measured(film, float(found.logits[film.index]), found.maps[film.index], predictor)

    seen = [one for _, one in ordered_results(work, films, workers=worker_count())]
    names = dict.fromkeys(name for one in seen for name in one)
    columns = {name: np.array([one.get(name, np.nan) for one in seen]) for name in names}
    for game, sign in (("deletion", -1), ("insertion", 1)):
        for cover in ("blur", "lung-mean"):
            for rival in ("random", "centre"):
                other = columns.pop(f"{game}/{cover}/{rival}")
                columns[f"{game}/{cover}/better-than-{rival}"] = sign * (columns[f"{game}/{cover}/map"] - other)
    return columns


def with_intervals(films: list[Film], arms: Mapping[str, tuple[np.ndarray, dict[str, np.ndarray]]]) -> dict[str, Any]:
    """Means of each arm and of the pairs' differences, film by film, and AUROC; by patient, all on the same resamples."""
    labels = np.array([film.row.has_finding for film in films])
    table = {(name, column): values for name, (_, columns) in arms.items() for column, values in columns.items()}
    pairs = [(ARMS[one].name, ARMS[other].name) for one, other in PAIRS]
    for one, other in pairs:
        shared = [column for column in arms[one][1] if column in arms[other][1]]
        table |= {(f"{one} less {other}", name): arms[one][1][name] - arms[other][1][name] for name in shared}
    ranked = {name: RankedScores.of(logits, labels) for name, (logits, _) in arms.items()}
    matrix = np.stack(list(table.values()), axis=1)
    known = np.isfinite(matrix)
    filled = np.where(known, matrix, 0)

    def measure(rows: np.ndarray) -> dict[str, float]:
        times = np.bincount(rows, minlength=len(films)).astype(float)
        means = (times @ filled) / np.maximum(times @ known, 1)
        auroc = {name: one.auroc(rows) for name, one in ranked.items()}
        auroc |= {f"{one} less {other}": auroc[one] - auroc[other] for one, other in pairs}
        of_arms = {f"{name}|auroc": value for name, value in auroc.items()}
        return of_arms | {"|".join(key): float(mean) for key, mean in zip(table, means, strict=True)}

    patients = [film.row.patient for film in films]
    drawn = patient_bootstrap(measure, patients, resamples=RESAMPLES, generator=np.random.default_rng(0))
    result: dict[str, Any] = {}
    for key, value in drawn.items():
        name, column = key.split("|")
        result.setdefault(name, {})[column] = value
    for name, (_, columns) in arms.items():
        result[name]["adds-up"] = {"largest": float(columns["adds-up"].max())}
    return result


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--lung-masks", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--weights", action="append", required=True, help="NAME=FILE")
    parser.add_argument("--every", type=int, default=1, help="only every so-manieth radiograph, for a first look")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    films = films_of(options)
    before = json.loads(options.output.read_text("utf-8")) if options.output.is_file() else {}
    result: dict[str, Any] = {
        "what": "EfficientNet-Lite0 with its map at stride 32 and 16, as published and centred; 95 % intervals by patient",
        "made_by": str(Path(__file__).resolve().relative_to(PROJECT)),
        "machine": {"cores": usable_cores()},
        "validation": {
            "radiographs": len(films),
            "with_finding": sum(film.row.has_finding for film in films),
            "deletion_and_insertion_on": sum(film.faithful for film in films),
            "stability_on": sum(film.stable for film in films),
        },
        "planted_radius_px": SIZES,
        "weights": before.get("weights", {}),
        "cost": before.get("cost", {}),
    }
    for entry in options.weights:
        label, _, file = entry.partition("=")
        arms, predictors = {}, {}
        for arm, predictor, found in predictors_of(Path(file), films):
            arms[arm.name] = (found.logits, columns_of(films, found, predictor))
            predictors[arm.name] = predictor
            print(f"{label} {arm.name}", flush=True)
        sha256 = hashlib.sha256(Path(file).read_bytes()).hexdigest()
        result["weights"][label] = {"sha256": sha256, **with_intervals(films, arms)}
        plain = {name: one for name, one in predictors.items() if not name.endswith(SUMMED)}
        result["cost"] = costs(plain, films[0].gray)
        options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
