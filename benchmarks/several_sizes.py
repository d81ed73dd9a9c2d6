"""Is it worth answering at several sizes? `python benchmarks/several_sizes.py --data DIR --output FILE.json --runs RUN ...`.

Runs of the ablation are asked about their validation radiographs at several sizes, and with the mean of their logits,
whatever size they learnt at. Intervals resample patients, the same for all runs. The test split is never read.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime

from ablation_differences import Pair, difference
from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, read_manifest
from pneumoscope.dataset.pictures import decoded_pictures
from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.model.export import export_onnx
from pneumoscope.model.trained import trained_classifier
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.whole_file import write_whole

ALONE = 224
ANSWERS = ((192,), (ALONE,), (256,), (288,), (192, 256), (ALONE, 256), (ALONE, 288), (192, ALONE, 288))
"""Sizes in px whose logits are averaged."""
SIZES = tuple(sorted({size for answer in ANSWERS for size in answer}))
MAP_STRIDE = 32
BATCH = 32


def logits_at(run: Path, size_px: int, rows: list[ManifestRow], place: argparse.Namespace) -> np.ndarray:
    """What a run's weights say of radiographs that are sampled at this size."""
    model = trained_classifier(run / "weights.safetensors", map_stride=MAP_STRIDE, map_centred=True)
    session = onnxruntime.InferenceSession(export_onnx(model, size_px=size_px).SerializeToString())
    preprocessing = Preprocessing(size_px)
    pictures = decoded_pictures(rows, place.data, preprocessing, cache=place.cache)
    batches = (pictures[start : start + BATCH] for start in range(0, len(rows), BATCH))
    name = session.get_inputs()[0].name
    return np.concatenate(
        [
            session.run(None, {name: np.stack([preprocessing(picture) for picture in batch])})[0].ravel()
            for batch in batches
        ]
    )


def runs_to_ask(description: str | None) -> argparse.Namespace:
    """What the command line says of finished runs that are asked about their validation radiographs."""
    parser = argparse.ArgumentParser(description=description)
    for name in ("--data", "--output"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="Folders of finished runs.")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    return parser.parse_args()


def main() -> None:
    """Ask every run, compare, write."""
    place = runs_to_ask(__doc__)
    said: dict[Path, dict[int, np.ndarray]] = {}
    rows_of: dict[Path, list[ManifestRow]] = {}
    for run in place.runs:
        rows_of[run] = in_split(read_manifest(run / "manifest.csv"), Split.VALIDATION)
        said[run] = {size: logits_at(run, size, rows_of[run], place) for size in SIZES}
    labels = {run: np.array([row.has_finding for row in rows]) for run, rows in rows_of.items()}
    answers = []
    for answer in ANSWERS:
        means = {run: np.mean([said[run][size] for size in answer], axis=0) for run in place.runs}
        pairs = [Pair(rows_of[run], labels[run], said[run][ALONE], means[run]) for run in place.runs]
        answers.append(
            {
                "sizes_px": list(answer),
                "work": sum(size**2 for size in answer) / ALONE**2,
                "auroc": {run.name: area_under_roc(means[run], labels[run]) for run in place.runs},
                "less_alone": difference(pairs) if answer != (ALONE,) else None,
            }
        )
        print(answers[-1], flush=True)
    write_whole(place.output, (json.dumps({"alone_px": ALONE, "answers": answers}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
