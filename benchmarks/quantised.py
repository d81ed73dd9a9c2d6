"""May a compressed bundle ship? `python benchmarks/quantised.py --data DIR --manifest FILE [--output FILE.json]`.

The original is the shipped network in fp32, exported from the weights of its run. Compressed copies of it: the graph that
ships, its weights stored as fp16, and convolutions in 8-bit integers (ONNX Runtime's static quantization, calibrated on
`train` rows), every one of them or those of the trunk after the first few. Each goes through the gate of `explain-audit
--against` on the validation rows; beside it stand size, speed against the original in turns, and which decisions change.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

from pneumoscope.arrays import INPUT_NAME, OUTPUT_NAMES
from pneumoscope.audit.audited import Audited
from pneumoscope.audit.document import row_content
from pneumoscope.audit.limits import read_limits
from pneumoscope.bundle.bundle import Bundle, open_bundle, write_bundle
from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, read_manifest, refuse_test_rows
from pneumoscope.evaluation.operating_point import decide
from pneumoscope.explanation_audit.audit import Beside, run_explanation_audit
from pneumoscope.explanation_audit.question import ROWS
from pneumoscope.explanation_audit.randomized import needed_for
from pneumoscope.inference.pool import ordered_results, usable_cores, worker_count
from pneumoscope.inference.predictor import Predictor
from pneumoscope.model.export import export_onnx
from pneumoscope.model.trained import trained_classifier
from pneumoscope.radiograph.reading import read_radiograph

PROJECT = Path(__file__).parents[1]
RUN = PROJECT / "results/efficientnet-lite0-seed0"
OUTPUT = PROJECT / "results/quantised.json"
CALIBRATED_ON = 128
FIRST_KEPT = 6
"""Convolutions at the beginning: the stem and two blocks of EfficientNet-Lite0, 10 thousand weights."""
SECTIONS = ("adds-up", "against")
TURNS = 40
RESAMPLES = 2000


class TrainPictures(CalibrationDataReader):  # type: ignore[misc]
    """Preprocessed radiographs of `train`, one after another."""

    def __init__(self, rows: Sequence[ManifestRow], data: Path, predictor: Predictor) -> None:
        refuse_test_rows(rows, purpose="the calibration of a quantised graph")
        self.pictures = (
            {INPUT_NAME: predictor.preprocessing(read_radiograph(data / row.path).gray)[np.newaxis]} for row in rows
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.pictures, None)


def int8_convolutions(
    bundle: Bundle, rows: Sequence[ManifestRow], data: Path, scratch: Path, *, careful: bool
) -> bytes:
    """The graph with every Conv in 8-bit integers, weights by channel; all else stays fp32.

    `careful` folds the bounded activation (Clip) into the range of each Conv, which else spends most of its 256 steps on
    values that are clipped away, and leaves the first convolutions and the one that makes the map in fp32. Both were
    found on `train` rows that the calibration does not read.
    """
    chosen = np.random.default_rng(0).permutation(len(rows))[:CALIBRATED_ON]
    reader = TrainPictures([rows[place] for place in chosen], data, Predictor(bundle, threads=1))
    source, target = scratch / "original.onnx", scratch / "int8.onnx"
    source.write_bytes(bundle.model)
    quantize_static(
        source,
        target,
        reader,
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "Clip"] if careful else ["Conv"],
        nodes_to_exclude=kept_in_fp32(bundle.model) if careful else [],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
    )
    return target.read_bytes()


def kept_in_fp32(model: bytes) -> list[str]:
    """Names of the first convolutions of the trunk, and of those that are not part of it."""
    graph = onnx.load_from_string(model)
    trunk = needed_for(graph, OUTPUT_NAMES[2])
    convolutions = [node for node in graph.graph.node if node.op_type == "Conv"]
    inside = [node.name for node in convolutions if node.output[0] in trunk]
    return [*inside[:FIRST_KEPT], *(node.name for node in convolutions if node.output[0] not in trunk)]


def in_fp32(shipped: Bundle) -> Bundle:
    """The shipped network as its run left it: the same weights, grid of the map and card, no value rounded."""
    recipe = json.loads((RUN / "recipe.json").read_text("utf-8"))["recipe"]
    network = trained_classifier(
        RUN / "weights.safetensors",
        backbone=recipe["backbone"],
        head=recipe["head"],
        map_stride=recipe["map_stride"],
        map_centred=recipe["map_centred"],
    )
    graph: bytes = export_onnx(network, size_px=recipe["size_px"]).SerializeToString()
    return Bundle(Path(), replace(shipped.card, cases=None, lungs=None), graph, "")


def gate(candidate: Predictor, original: Predictor, rows: Sequence[ManifestRow], data: Path) -> dict[str, Any]:
    """The verdicts of `explain-audit --only against` on the validation rows."""
    audit = run_explanation_audit(
        Audited.of(rows, Split.VALIDATION, data).with_both_classes(),
        Beside(against=original, sections=SECTIONS),
        candidate,
        read_limits(None, ROWS, room="pneumoscope.explanation_audit"),
        resamples=RESAMPLES,
        seed=0,
        workers=worker_count(),
        watch=unwatched,
    )
    wanted = [row for row in audit.rows if row.question.row.partition(".")[0] in SECTIONS]
    kept = ("value", "low", "high", "limit", "verdict", "also")
    return {row.question.row: {key: row_content(row)[key] for key in kept} for row in wanted}


def unwatched(_: str) -> Callable[[Iterable[Any], int], Iterable[Any]]:
    """No bar."""
    return lambda items, total: items  # noqa: ARG005


def logits_of(predictors: Sequence[Predictor], rows: Sequence[ManifestRow], data: Path) -> np.ndarray:
    """Of every row by every predictor, (predictors, rows)."""

    def work(row: ManifestRow) -> list[float]:
        picture = predictors[0].preprocessing(read_radiograph(data / row.path).gray)[np.newaxis]
        return [float(predictor.run(picture)[0][0]) for predictor in predictors]

    return np.array([found for _, found in ordered_results(work, list(rows), workers=worker_count())]).T


def answers_changed(bundle: Bundle, before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    """What a person would see change, with the card as it is."""
    card = bundle.card
    first, second = ([card.calibration.probability(float(logit)) for logit in logits] for logits in (before, after))
    pairs = list(zip(first, second, strict=True))
    return {
        "radiographs": len(pairs),
        "largest_logit_difference": float(np.abs(after - before).max()),
        "mean_logit_difference": float(np.abs(after - before).mean()),
        "largest_probability_difference": float(max(abs(one - other) for one, other in pairs)),
        "decisions_changed": {
            point.name: sum(decide(one, point) != decide(other, point) for one, other in pairs)
            for point in card.operating_points
        },
        "zones_changed": sum(card.zones.zone(one) != card.zones.zone(other) for one, other in pairs)
        if card.zones
        else None,
    }


def seconds_of(predictors: dict[str, Predictor], picture: np.ndarray) -> dict[str, float]:
    """Median seconds of one pass of one picture on one thread, all in turns."""
    taken: dict[str, list[float]] = {name: [] for name in predictors}
    for turn in range(TURNS + 3):
        for name, predictor in predictors.items():
            began = time.perf_counter()
            predictor.run(picture)
            if turn >= 3:
                taken[name].append(time.perf_counter() - began)
    return {name: float(np.median(seconds)) for name, seconds in taken.items()}


def main() -> None:
    """Compress, gate, compare, time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    rows = read_manifest(options.manifest)
    train, validation = (in_split(rows, split) for split in (Split.TRAIN, Split.VALIDATION))
    shipped = open_bundle()
    bundle = in_fp32(shipped)
    with tempfile.TemporaryDirectory() as scratch:
        graphs = {
            "fp16-storage": shipped.model,
            "int8-every-convolution": int8_convolutions(bundle, train, options.data, Path(scratch), careful=False),
            "int8-trunk": int8_convolutions(bundle, train, options.data, Path(scratch), careful=True),
        }
        candidates = {
            name: Predictor(write_bundle(Path(scratch) / name, bundle.card, graph), threads=1)
            for name, graph in graphs.items()
        }
        original = Predictor(bundle, threads=1)
        logits = logits_of([original, *candidates.values()], validation, options.data)
        picture = original.preprocessing(read_radiograph(options.data / validation[0].path).gray)[np.newaxis]
        seconds = seconds_of({"original": original, **candidates}, picture)
        found = {}
        for place, (name, candidate) in enumerate(candidates.items(), start=1):
            verdicts = gate(candidate, original, validation, options.data)
            found[name] = {
                "bytes": len(graphs[name]),
                "bytes_of_original": round(len(graphs[name]) / len(bundle.model), 4),
                "times_faster": round(seconds["original"] / seconds[name], 3),
                "passes_the_gate": all(row["verdict"] == "pass" for row in verdicts.values()),
                "gate": verdicts,
                "answers": answers_changed(bundle, logits[0], logits[place]),
            }
    result = {
        "machine": {"cores": usable_cores()},
        "versions": {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__},
        "model_sha256": hashlib.sha256(shipped.model).hexdigest(),
        "bytes": len(bundle.model),
        "seconds_per_pass_one_thread": round(seconds["original"], 5),
        "calibrated_on": {"split": "train", "radiographs": CALIBRATED_ON},
        "measured_on": {"split": "validation", "radiographs": len(validation)},
        "compressed": found,
    }
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
