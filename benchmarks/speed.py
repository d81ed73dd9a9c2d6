"""Speed, as ratios of medians from one run on an otherwise idle machine: `python benchmarks/speed.py --output FILE.json`.

Needs the `train` extra (PyTorch and onnx, for the things that are compared with). Uses the shipped radiographs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image

from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.png import png_bytes
from pneumoscope.inference.batch import BatchOutputs, overlay_of, predict_batch
from pneumoscope.inference.pool import ordered_results, usable_cores, worker_count
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.sources import Source, sources_of
from pneumoscope.inference.store import ResultStore
from pneumoscope.model.dense_head import DenseHeadClassifier
from pneumoscope.model.vgg16 import VGG16
from pneumoscope.radiograph.reading import read_radiograph

PROJECT = Path(__file__).parents[1]
EXAMPLES = sorted((PROJECT / "examples/radiographs").rglob("*.jpeg"))
COMMAND = [sys.executable, "-m", "pneumoscope.cli", "predict"]
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000"}


def medians(functions: Mapping[str, Callable[[], object]], *, rounds: int, burst: int = 1) -> dict[str, float]:
    """Median seconds of each function. They take turns, so that a disturbance hits all alike; with a `burst` above 1
    each turn is that many calls, of which the first, with the other's data in the caches, does not count.
    """
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            for call in range(burst):
                started = time.perf_counter()
                function()
                if number and (call or burst == 1):
                    taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


def without_map(model: bytes) -> bytes:
    """The same graph with logit and embedding only; ONNX Runtime drops the nodes that nothing needs."""
    graph = onnx.load_from_string(model)
    kept = [output for output in graph.graph.output if output.name != "saliency_map"]
    del graph.graph.output[:]
    graph.graph.output.extend(kept)
    content: bytes = graph.SerializeToString()
    return content


def session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A session as the predictor opens it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    if threads == 1:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run_once(opened: onnxruntime.InferenceSession, batch: np.ndarray) -> None:
    """One pass of a graph."""
    opened.run(None, {"radiograph": batch})


def map_overhead(batch: np.ndarray) -> dict[str, Any]:
    """Graph with the saliency map against the same graph without, batch 1 and 16."""
    model = open_bundle().model
    result: dict[str, Any] = {}
    for size in (1, 16):
        runs = {
            "with_map": partial(run_once, session(model, 1), batch[:size]),
            "without_map": partial(run_once, session(without_map(model), 1), batch[:size]),
        }
        seconds = medians(runs, rounds=60 if size == 1 else 12)
        result[f"batch_{size}"] = {**seconds, "overhead": seconds["with_map"] / seconds["without_map"] - 1}
    return result


def on_one_core() -> dict[str, Any]:
    """Each shipped radiograph from its file to probability and map, gate included, on one thread."""
    predictor = Predictor.open(threads=1)
    each = {str(number): partial(predictor.predict, path) for number, path in enumerate(EXAMPLES)}
    seconds = medians(each, rounds=10, burst=3)
    return {"files": len(seconds), "median": statistics.median(seconds.values()), "slowest": max(seconds.values())}


class FieldPractice:
    """What the field's projects do: VGG16 in PyTorch eager, Grad-CAM by a full backward pass, the overlay by hand."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = DenseHeadClassifier(VGG16()).eval()
        self.kept: dict[str, torch.Tensor] = {}
        self.model.backbone.register_forward_hook(self.keep)

    def keep(self, _module: object, _inputs: object, feature_map: torch.Tensor) -> None:
        feature_map.retain_grad()
        self.kept["feature_map"] = feature_map

    def map_of(self, path: Path) -> tuple[Image.Image, float, np.ndarray]:
        """From the file to probability and Grad-CAM in memory."""
        picture = Image.open(path).convert("RGB")
        small = np.asarray(picture.resize((224, 224), Image.Resampling.NEAREST), np.float32)[..., :1] / 255
        self.model.zero_grad()
        logit = self.model(torch.from_numpy(small).permute(2, 0, 1).unsqueeze(0)).logit
        logit.backward()
        feature_map = self.kept["feature_map"]
        gradient = feature_map.grad
        assert gradient is not None
        weight = gradient.mean(dim=(2, 3), keepdim=True)
        grad_cam = torch.relu((weight * feature_map).sum(1))[0].detach().numpy()
        return picture, float(torch.sigmoid(logit.detach())), grad_cam

    def overlay(self, path: Path, output: Path) -> None:
        """The same, to a written PNG: original and blended heat map side by side, at the panel size that we draw."""
        picture, _, grad_cam = self.map_of(path)
        picture.thumbnail((1024, 1024))
        heat = Image.fromarray((255 * grad_cam / (grad_cam.max() + 1e-9)).astype(np.uint8)).resize(picture.size)
        level = np.asarray(heat, np.float32) / 255
        jet = np.stack([np.clip(1.5 - np.abs(4 * level - centre), 0, 1) for centre in (3, 2, 1)], axis=2)
        blended = 0.6 * np.asarray(picture, np.float32) + 0.4 * 255 * jet
        sheet = np.concatenate([np.asarray(picture), blended.astype(np.uint8)], axis=1)
        Image.fromarray(sheet).save(output)


def against_field_practice(path: Path, scratch: Path) -> dict[str, Any]:
    """One full-size file, all cores for each side."""
    torch.set_num_threads(usable_cores())
    field, predictor = FieldPractice(), Predictor.open(threads=usable_cores())
    coloring = Coloring(scale_logit=predictor.bundle.card.saliency.scale_logit)

    def our_overlay() -> None:
        (scratch / "ours.png").write_bytes(png_bytes(overlay_of(predictor.predict(path), coloring)))

    seconds = medians(
        {
            "ours_map": lambda: predictor.predict(path),
            "field_map": lambda: field.map_of(path),
            "ours_overlay": our_overlay,
            "field_overlay": lambda: field.overlay(path, scratch / "field.png"),
            "reading_alone": lambda: read_radiograph(path),
        },
        rounds=8,
        burst=6,
    )
    with Image.open(path) as picture:
        size = picture.size
    return {
        "file_px": size,
        "seconds": seconds,
        "map_times_faster": seconds["field_map"] / seconds["ours_map"],
        "overlay_times_faster": seconds["field_overlay"] / seconds["ours_overlay"],
        "torch_allocator_tuned": all(name in os.environ for name in MALLOC),
    }


def quiet(command: list[str]) -> None:
    """Run a command to its end without output."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def whole_process(path: Path) -> dict[str, Any]:
    """`pneumoscope predict one.jpeg` from start to exit against `import torch`."""
    seconds = medians(
        {
            "predict": lambda: quiet([*COMMAND, str(path)]),
            "import_torch": lambda: quiet([sys.executable, "-c", "import torch"]),
        },
        rounds=9,
    )
    return {**seconds, "ratio": seconds["predict"] / seconds["import_torch"]}


def bare_uses(batch: np.ndarray) -> dict[str, Callable[[], None]]:
    """The bare session on arrays in memory, in each way to use the cores."""
    model, cores, count = open_bundle().model, usable_cores(), len(batch)
    uses: dict[str, Callable[[], None]] = {}
    for size in (1, 8, 32):
        parts = [batch[start : start + size] for start in range(0, count, size)]
        uses[f"batch_{size}_threads_inside"] = partial(one_after_another, session(model, cores), parts)
        uses[f"batch_{size}_threads_outside"] = partial(side_by_side, session(model, 1), parts)
    return uses


def one_after_another(opened: onnxruntime.InferenceSession, parts: list[np.ndarray]) -> None:
    """One session that uses all cores itself."""
    for part in parts:
        run_once(opened, part)


def side_by_side(opened: onnxruntime.InferenceSession, parts: list[np.ndarray]) -> None:
    """One thread a core, each calling a session of one thread."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        list(pool.map(partial(run_once, opened), parts))


def small_files(batch: np.ndarray, scratch: Path) -> dict[str, Any]:
    """1,000 files of 224 px: in one call with scores and maps in memory, in one call with maps and JSON written, and as
    a whole process; against the bare session on arrays in memory.
    """
    folder = scratch / "small"
    folder.mkdir()
    for number in range(1000):
        picture = np.roll((batch[number % len(batch), 0] * 255).astype(np.uint8), number // len(batch), axis=1)
        Image.fromarray(picture).save(folder / f"{number:04}.jpeg", quality=92)
    uses = bare_uses(np.concatenate([batch] * (1000 // len(batch) + 1))[:1000])
    predictor = Predictor.open(threads=1)
    sources = list(sources_of([str(folder)]))
    calls = itertools.count()

    def in_memory() -> None:
        def work(source: Source) -> tuple[float, np.ndarray]:
            prediction = predictor.predict(source.read())
            return prediction.probability, prediction.saliency_map

        for _ in ordered_results(work, sources, workers=worker_count()):
            pass

    def written() -> None:
        store = ResultStore.create(scratch / f"written{next(calls)}")
        for _ in predict_batch(sources, predictor, BatchOutputs(None, store, overwrite=False), workers=worker_count()):
            pass

    def process() -> None:
        quiet([*COMMAND, str(folder), "--json", "--save-maps", str(scratch / f"maps{next(calls)}")])

    ours = {"in_memory": in_memory, "written": written, "whole_process": process}
    seconds = medians({**uses, **ours}, rounds=5)
    bare, rates = ({name: 1000 / seconds[name] for name in names} for names in (uses, ours))
    one_session = max(value for name, value in bare.items() if name.endswith("threads_inside"))
    return {
        "scratch_is_memory": scratch.parent.name == "shm",
        "bare_images_per_second": bare,
        "images_per_second": rates,
        "share_of_bare_session": {name: value / one_session for name, value in rates.items()},
        "share_of_best_bare_use": {name: value / max(bare.values()) for name, value in rates.items()},
    }


def full_size_files(scratch: Path) -> dict[str, Any]:
    """500 full-size files: how busy the cores are, and whether memory grows with their number."""
    result: dict[str, Any] = {}
    for count in (100, 500):
        folder = scratch / f"full{count}"
        folder.mkdir()
        for number in range(count):
            source = EXAMPLES[number % len(EXAMPLES)]
            shutil.copy(source, folder / f"{number:04}-{source.name}")
        for name, extra in (("scores", []), ("overlays", ["--output", str(scratch / f"out{count}")])):
            result[f"{count}_{name}"] = measured_process([*COMMAND, str(folder), "--json", *extra])
    for name in ("scores", "overlays"):
        result[f"memory_growth_{name}_100_to_500"] = (
            result[f"500_{name}"]["peak_mib"] / result[f"100_{name}"]["peak_mib"]
        )
    return result


MEASURE = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
seconds = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""Run by a small process of its own: a child's peak memory begins with its parent's."""


def measured_process(command: list[str]) -> dict[str, float]:
    """Wall seconds, share of all cores that was busy (user and system, start-up included), and peak memory."""
    found = subprocess.run([sys.executable, "-c", MEASURE, *command], check=True, capture_output=True, text=True)
    status, seconds, busy, peak_mib = json.loads(found.stdout)
    if status:
        raise SystemExit(f"{command} ended with {status}")
    return {"seconds": seconds, "cores_busy": busy / (seconds * usable_cores()), "peak_mib": peak_mib}


def main() -> None:
    """Measure everything and write one JSON file."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--output", type=Path, required=True)
    output: Path = arguments.parse_args().output
    predictor = Predictor.open(threads=1)
    batch = np.stack([predictor.preprocessing(read_radiograph(path).gray) for path in EXAMPLES])
    full_size = min(EXAMPLES, key=lambda path: abs(np.prod(Image.open(path).size) - 1500 * 1200))
    memory = Path("/dev/shm")  # noqa: S108 - a disk would be measured otherwise
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        scratch = Path(name)
        result = {
            "machine": {
                "cores": usable_cores(),
                "processor": platform.processor(),
                "python": platform.python_version(),
            },
            "versions": {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__},
            "bundle": predictor.bundle.title,
            "map_overhead": map_overhead(batch),
            "one_core_seconds": on_one_core(),
            "against_field_practice": against_field_practice(full_size, scratch),
            "whole_process": whole_process(full_size),
            "small_files": small_files(batch, scratch),
            "full_size_files": full_size_files(scratch),
        }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
