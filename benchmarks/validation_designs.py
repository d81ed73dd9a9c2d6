"""Which held-out part of `train` foretells the official test: `python benchmarks/validation_designs.py --data DIR --output FILE.json`.

Each design holds out NORMAL films in another way and pneumonias at random, whole patients, as many as the official test
has. A logistic regression on 28 x 28 thumbnails of the rest is put to them. What the same regression does on the
official test was measured by `pneumoscope data audit` (results/data-audit.json) and is read from there: the test split
is not opened again.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pneumoscope.dataset.manifest import ManifestRow, Split, read_kermany
from pneumoscope.dataset.pictures import Pictures, decoded_pictures
from pneumoscope.dataset.split import patients_joined_by_duplicates
from pneumoscope.evaluation.shortcuts import fitted_logits, telling
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.sharpness import laplacian_variance
from pneumoscope.training.validation_design import atypicality, ranks, resemblance, thumbnail
from pneumoscope.whole_file import write_whole

NORMALS, PNEUMONIAS = 234, 390
SEEDS = range(5)


def scores_of(rows: Sequence[ManifestRow], pictures: Pictures) -> dict[str, np.ndarray | None]:
    """Of each design, what NORMAL films are held out by, the highest first; None: at random."""
    normal = np.array([not row.has_finding for row in rows])
    series = np.array([row.patient.startswith("NORMAL2") for row in rows])
    number = np.array([int(row.patient.rsplit("-", 1)[-1]) if not row.has_finding else 0 for row in rows])
    return {
        "random": None,
        "least sharp": ranks(-np.array([laplacian_variance(picture) for picture in pictures]), normal),
        "thumbnails most like pneumonia": ranks(resemblance(rows, pictures), normal),
        "atypical-normals (half and half)": atypicality(rows, pictures),
        "brightest": ranks(pictures.mean(axis=(1, 2)), normal),
        "least contrast": ranks(-pictures.std(axis=(1, 2)), normal),
        "series IM, highest numbers": np.where(series, -1e6, number),
        "series NORMAL2-IM, highest numbers": np.where(series, number, -1e6),
    }


def held_out(rows: Sequence[ManifestRow], score: np.ndarray | None, seed: int) -> np.ndarray:
    """Which rows the design holds out."""
    generator = np.random.default_rng(seed)
    patients = patients_joined_by_duplicates(rows)
    files: dict[bool, dict[str, list[int]]] = {True: defaultdict(list), False: defaultdict(list)}
    for index, row in enumerate(rows):
        files[row.has_finding][patients[row.patient]].append(index)
    labels = np.array([row.has_finding for row in rows])
    held = np.zeros(len(rows), bool)
    for finding, wanted in ((False, NORMALS), (True, PNEUMONIAS)):
        order = [str(patient) for patient in generator.permutation(sorted(files[finding]))]
        if score is not None and not finding:
            order.sort(key=lambda patient: -float(np.median(score[files[False][patient]])))
        for patient in order:
            if held[labels == finding].sum() >= wanted:
                break
            held[files[finding][patient]] = True
    return held


def main() -> None:
    """Measure every design, write all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--audit", type=Path, default=Path("results/data-audit.json"))
    parser.add_argument("--output", type=Path, required=True)
    place = parser.parse_args()
    rows = read_kermany(place.data, splits={Split.TRAIN})
    pictures = decoded_pictures(rows, place.data, Preprocessing(224), cache=place.cache)
    thumbnails = np.stack([thumbnail(picture) for picture in pictures])
    labels = np.array([row.has_finding for row in rows])
    designs = {}
    for name, score in scores_of(rows, pictures).items():
        seeds = []
        for seed in SEEDS:
            held = held_out(rows, score, seed)
            seeds.append(telling(fitted_logits(thumbnails[~held], labels[~held], thumbnails[held]), labels[held]))
        designs[name] = {key: float(np.mean([found[key] for found in seeds])) for key in seeds[0]}
        print(name, designs[name])
    test = json.loads(place.audit.read_text("utf-8"))["shortcuts"]["cues"]["thumbnail"]["test"]
    findings = {
        "probe": "logistic regression on 28 x 28 thumbnails, decided at logit 0",
        "held_out": f"{NORMALS} NORMAL, {PNEUMONIAS} PNEUMONIA or a few more, whole patients; means over {len(SEEDS)} seeds",
        "designs": designs,
        "official test, from data-audit.json": test,
    }
    write_whole(place.output, (json.dumps(findings, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
