"""Speed and memory of evaluation: `python benchmarks/evaluation.py --data DIR --output FILE.json`.

Scoring 624 radiographs of `train` against the bare session on arrays in memory, in turns; 2,000 resamples of every
metric; a million made-up scores read and measured in a process of its own.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.dataset.manifest import Split
from pneumoscope.evaluation.evaluate import evaluate_scores
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.inference.listing import listed_radiographs
from pneumoscope.inference.pool import usable_cores, worker_count
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.scoring import scored_rows
from pneumoscope.radiograph.reading import read_radiograph
from speed import bare_uses, measured_process, medians

PROJECT = Path(__file__).parents[1]
SCORES = PROJECT / "results/efficientnet-lite0-seed0/test/scores.csv"
PICTURES = 624
MILLION = 1_000_000


def scoring(data: Path) -> dict[str, Any]:
    """Radiographs a second of the shipped path from files, and of the bare session."""
    rows = listed_radiographs(data, None, Split.TRAIN)[::8][:PICTURES]
    predictor = Predictor.open(threads=1)
    preprocessing = predictor.bundle.card.preprocessing
    batch = np.stack([preprocessing(read_radiograph(data / row.path).gray) for row in rows])
    uses = bare_uses(batch)

    def ours() -> None:
        for _ in scored_rows(rows, data, predictor, workers=worker_count()):
            pass

    seconds = medians({**uses, "ours": ours}, rounds=5)
    rates = {name: len(rows) / value for name, value in seconds.items()}
    best = max(rates[name] for name in uses)
    return {"radiographs": len(rows), "per_second": rates, "share_of_best_bare_use": rates["ours"] / best}


def bootstrap() -> dict[str, Any]:
    """Seconds of 2,000 resamples of every metric at every operating point, with zones-free defaults."""
    table, points = read_score_columns(SCORES), open_bundle().card.operating_points

    def run() -> None:
        evaluate_scores(table, points, resamples=2000, generator=np.random.default_rng(0))

    return {"radiographs": len(table.labels), "resamples": 2000, "seconds": medians({"all": run}, rounds=3)["all"]}


def million_rows(folder: Path) -> dict[str, Any]:
    """Seconds and peak memory of a process that reads and measures a million scores, a few resamples of each metric."""
    path, generator = folder / "scores.csv", np.random.default_rng(0)
    found = generator.random(MILLION) < 0.5
    probabilities = 1 / (1 + np.exp(-generator.normal(np.where(found, 1.0, -1.0), 1.0)))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "patient", "label", "probability"])
        for number, (finding, probability) in enumerate(zip(found, probabilities, strict=True)):
            label = "PNEUMONIA" if finding else "NORMAL"
            writer.writerow([f"{number}.jpeg", f"patient{number // 2}", label, f"{probability:.6f}"])
    command = [sys.executable, __file__, "--measure", str(path), "--data", ".", "--output", "none"]
    return {"rows": MILLION, "resamples": 5, **measured_process(command)}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        table, points = read_score_columns(options.measure), open_bundle().card.operating_points
        evaluate_scores(table, points, resamples=5, generator=np.random.default_rng(0))
        return
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = {
            "machine": {"cores": usable_cores()},
            "scoring": scoring(options.data),
            "bootstrap": bootstrap(),
            "million_rows": million_rows(Path(folder)),
        }
    found["seconds"] = time.perf_counter() - started
    options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
