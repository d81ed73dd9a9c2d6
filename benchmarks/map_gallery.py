"""Thirty maps to look at: `python benchmarks/map_gallery.py --data DIR --manifest FILE [--output docs/pictures]`.

Validation patients only, drawn by a seed from what the shipped model found, missed, and was not certain of; one
radiograph a patient. Each is shown beside its map on the card's fixed scale. The list, with numbers, goes into
`results/map-gallery.json`; what was seen is written down by a person in docs/explanation/what-the-map-shows.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, read_manifest
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.evaluation.zones import Zone
from pneumoscope.explanation.color_key import BACKGROUND, QUIET_TEXT, TEXT
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.correlation import correlation
from pneumoscope.explanation.heat_map import blended
from pneumoscope.explanation.lettering import lettered, shortened
from pneumoscope.inference.agreement import agreement_with_occlusion
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.inference.lung_evidence import lung_findings
from pneumoscope.inference.pool import ordered_results, worker_count
from pneumoscope.inference.prediction import Prediction
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.reading import read_radiograph

PROJECT = Path(__file__).parents[1]
LIST = PROJECT / "results/map-gallery.json"
WANTED = {"false-positive": 7, "false-negative": 8, "uncertain": 4, "true-positive": 7, "true-negative": 4}
"""Of each group, thirty in all; where there are fewer false positives, true positives take their place."""
ALIKE = 1.6
"""Two lungs glow alike where neither carries more than this many times the evidence of the other."""
TILE_PX = 190
ACROSS = 4
"""Radiographs of a row, each with its map beside it."""
QUALITY = 72
ATTRIBUTION = (
    "Radiographs: Kermany D, Zhang K, Goldbaum M, doi:10.17632/rscbjbr9sj, CC BY 4.0; reduced, maps drawn over them."
)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One radiograph of the gallery; `number` is how the text names it."""

    number: int
    group: str
    row: ManifestRow
    prediction: Prediction
    agreement: float


def group_of(row: ManifestRow, prediction: Prediction) -> str:
    """Wrong decisions first, then right ones that the zones leave open, then the rest."""
    positive = prediction.decision is Decision.PNEUMONIA
    if positive != row.has_finding:
        return "false-positive" if positive else "false-negative"
    if prediction.zone is Zone.UNCERTAIN:
        return "uncertain"
    return "true-positive" if positive else "true-negative"


def chosen(groups: Sequence[str], patients: Sequence[str], *, seed: int) -> dict[str, list[int]]:
    """Places of each group of `WANTED`, drawn by `seed`, no patient twice."""
    generator = np.random.default_rng(seed)
    wanted = dict(WANTED)
    taken: set[str] = set()
    found: dict[str, list[int]] = {}
    for group in WANTED:
        found[group] = []
        there = [place for place, name in enumerate(groups) if name == group]
        for place in generator.permutation(there).astype(int).tolist():
            if len(found[group]) < wanted[group] and patients[place] not in taken:
                found[group].append(place)
                taken.add(patients[place])
        if group == "false-positive":
            wanted["true-positive"] += wanted[group] - len(found[group])
    return {group: sorted(places) for group, places in found.items()}


def predictions_of(
    rows: Sequence[ManifestRow], data: Path, predictor: Predictor
) -> list[tuple[Prediction, float | None]]:
    """Every row, with its pixels: small copies, of which hundreds fit into memory; and `against_outside`."""

    def work(row: ManifestRow) -> tuple[Prediction, float | None]:
        prediction = predictor.predict_ungated(read_radiograph(data / row.path))
        return prediction, against_outside(prediction, predictor)

    return [found for _, found in ordered_results(work, list(rows), workers=worker_count())]


def sheet(seen: Sequence[Seen], coloring: Coloring, tile_px: int) -> Image.Image:
    """Radiograph and map side by side, four of them in a row, with number, file and probability below."""
    line = max(14, tile_px // 12)
    gap = 6
    cell = (2 * tile_px + gap, tile_px + 2 * line)
    rows = -(-len(seen) // ACROSS)
    across = min(ACROSS, len(seen))
    picture = Image.new("RGB", (across * cell[0], rows * cell[1] + line), BACKGROUND)
    for place, one in enumerate(seen):
        left, top = place % ACROSS * cell[0], place // ACROSS * cell[1]
        gray = one.prediction.radiograph.gray
        plain = Image.fromarray(gray).convert("RGB")
        for number, drawn in enumerate((plain, blended(gray, one.prediction.saliency_map, coloring))):
            small = drawn.resize((tile_px, tile_px), Image.Resampling.LANCZOS)
            picture.paste(small, (left + number * tile_px, top))
        words = (f"{one.number}  {Path(one.row.path).name}", f"probability {one.prediction.probability:.3f}")
        for number, text in enumerate(words):
            size = round(line * 0.8)
            letters = lettered(shortened(text, size, cell[0] - gap), size)
            picture.paste(TEXT if number == 0 else QUIET_TEXT, (left + 2, top + tile_px + number * line + 1), letters)
    size = round(line * 0.75)
    letters = lettered(shortened(ATTRIBUTION, size, picture.width - 4), size)
    picture.paste(QUIET_TEXT, (2, picture.height - line + 1), letters)
    return picture


def told(one: Seen) -> dict[str, Any]:
    """What the list says of one radiograph."""
    prediction, saliency_map = one.prediction, one.prediction.saliency_map
    row, column = np.unravel_index(int(saliency_map.argmax()), saliency_map.shape)
    lungs = prediction.lungs
    evidence = lungs.evidence_logit if lungs else None
    return {
        "number": one.number,
        "group": one.group,
        "path": one.row.path,
        "label": str(one.row.label),
        "subtype": one.row.subtype,
        "probability": round(prediction.probability, 6),
        "logit": round(prediction.logit, 4),
        "zone": str(prediction.zone),
        "hottest_place": {"row": int(row), "column": int(column), "logit": round(float(saliency_map.max()), 4)},
        "speaks_for": round(float(np.maximum(saliency_map, 0).sum()), 4),
        "speaks_against": round(float(np.minimum(saliency_map, 0).sum()), 4),
        "heat_inside_lungs": None if lungs is None else lungs.heat_inside_lungs,
        "right_lung": round(evidence.right_lung, 4) if evidence else None,
        "left_lung": round(evidence.left_lung, 4) if evidence else None,
        "outside": round(evidence.outside, 4) if evidence else None,
        "agreement_with_occlusion": round(one.agreement, 4),
        "doubt": bool(prediction.map_trust and prediction.map_trust.doubt),
    }


def in_all(
    rows: Sequence[ManifestRow], predictions: Sequence[Prediction], against: Sequence[float | None]
) -> dict[str, Any]:
    """Of the whole validation part: the mean map of each decision, where the hottest places lie, and what lies outside."""
    maps = np.stack([one.saliency_map for one in predictions]).astype(np.float64)
    positive = np.array([one.decision is Decision.PNEUMONIA for one in predictions])
    hottest = np.zeros(maps.shape[1:])
    for one in maps[positive]:
        hottest[np.unravel_index(int(one.argmax()), one.shape)] += 1
    inside = [one.lungs.heat_inside_lungs if one.lungs else None for one in predictions]
    finding = np.array([row.has_finding for row in rows])
    return {
        "radiographs": len(maps),
        "mean_map": {
            str(decision): np.round(maps[chosen].mean(axis=0), 3).tolist()
            for decision, chosen in ((Decision.PNEUMONIA, positive), (Decision.NORMAL, ~positive))
        },
        "share_of_hottest_places": np.round(hottest / positive.sum(), 4).tolist(),
        "likeness_to_the_mean_map": {
            str(decision): likeness(maps[chosen])
            for decision, chosen in ((Decision.PNEUMONIA, positive), (Decision.NORMAL, ~positive))
        },
        "both_lungs_alike": mean_of([alike(one) for one in predictions], positive),
        "evidence_for_inside_lungs": mean_of(inside, positive),
        "evidence_for_inside_lungs_where_right": mean_of(inside, positive & finding),
        "evidence_for_inside_lungs_where_wrong": mean_of(inside, positive & ~finding),
        "evidence_against_outside_lungs": mean_of(against, ~positive),
    }


def likeness(maps: np.ndarray) -> float:
    """Mean correlation of each of `maps`, (radiographs, rows, columns), with the mean of the others."""
    total = maps.sum(axis=0)
    found = [correlation(one, (total - one) / (len(maps) - 1)) for one in maps]
    return round(float(np.mean(found)), 4)


def alike(prediction: Prediction) -> float | None:
    """1 where both lungs speak for pneumonia, neither more than `ALIKE` times as much as the other, else 0."""
    if prediction.lungs is None or prediction.lungs.evidence_logit is None:
        return None
    evidence = prediction.lungs.evidence_logit
    less, more = sorted((evidence.right_lung, evidence.left_lung))
    return float(less > 0 and more < ALIKE * less)


def against_outside(prediction: Prediction, predictor: Predictor) -> float | None:
    """The share of the evidence against that lies outside the lungs: what is asked of heat, of the map turned round."""
    gray = prediction.radiograph.gray
    lungs = predictor.lungs_in(prediction.radiograph, predictor.preprocessing.sample(gray))
    if lungs is None:
        return None
    inside = lung_findings(lungs, -prediction.saliency_map, predictor.bundle.card.saliency).heat_inside_lungs
    return None if inside is None else 1 - inside


def mean_of(values: Sequence[float | None], chosen: np.ndarray) -> float | None:
    """Of what is known among the chosen; None where nothing is."""
    known = [value for value, wanted in zip(values, chosen, strict=True) if wanted and value is not None]
    return round(float(np.mean(known)), 4) if known else None


def main() -> None:
    """Predict, draw by the seed, and write sheets and list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=PROJECT / "docs/pictures")
    parser.add_argument("--list", type=Path, default=LIST)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tile-px", type=int, default=TILE_PX)
    options = parser.parse_args()
    predictor = Predictor.open(threads=1)
    rows = in_split(read_manifest(options.manifest), Split.VALIDATION)
    found = predictions_of(rows, options.data, predictor)
    predictions = [prediction for prediction, _ in found]
    groups = [group_of(row, prediction) for row, prediction in zip(rows, predictions, strict=True)]
    places = chosen(groups, [row.patient for row in rows], seed=options.seed)
    ordered = [(group, place) for group in places for place in places[group]]
    explainable = ExplainableBundle(predictor)
    seen = []
    for number, (group, place) in enumerate(ordered, start=1):
        prediction = predictions[place]
        picture = predictor.preprocessing(prediction.radiograph.gray)
        agreement = agreement_with_occlusion(picture, explainable, prediction.saliency_map)
        seen.append(Seen(number, group, rows[place], prediction, agreement))
    coloring = Coloring(colormap="coolwarm", scale_logit=predictor.bundle.card.saliency.scale_logit)
    options.output.mkdir(parents=True, exist_ok=True)
    for group in places:
        of_group = [one for one in seen if one.group == group]
        picture = options.output / f"maps-{group}.jpg"
        picture.unlink(missing_ok=True)
        if of_group:
            sheet(of_group, coloring, options.tile_px).save(picture, quality=QUALITY)
    content = {
        "model_sha256": hashlib.sha256(predictor.bundle.model).hexdigest(),
        "split": "validation",
        "seed": options.seed,
        "of": {group: groups.count(group) for group in WANTED},
        "scale_logit": coloring.scale_logit,
        "all": in_all(rows, predictions, [outside for _, outside in found]),
        "radiographs": [told(one) for one in seen],
    }
    options.list.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{len(seen)} maps of {len({one.row.patient for one in seen})} patients")


if __name__ == "__main__":
    main()
