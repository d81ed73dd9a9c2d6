"""What Grad-CAM costs on the *same* network: `python benchmarks/autograd_grad_cam.py --output FILE.json`.

One shipped radiograph at a time, one thread, in turns: the graph's answer with its map in ONNX Runtime, the same graph
without it, PyTorch's plain forward pass, and Grad-CAM by automatic differentiation with Captum and with torch-cam.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torchcam.methods import GradCAM

from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.inference.predictor import Predictor
from pneumoscope.model.reference_maps import LogitAlone, autograd_grad_cam
from pneumoscope.model.trained import trained_classifier
from pneumoscope.radiograph.reading import read_radiograph
from pneumoscope.whole_file import write_whole

PROJECT = Path(__file__).parents[1]
WEIGHTS = PROJECT / "results/efficientnet-lite0-seed0/weights.safetensors"
FILMS = sorted((PROJECT / "examples/radiographs").rglob("*.jpeg"))


def ways(predictor: Predictor) -> dict[str, Callable[[np.ndarray], object]]:
    """Each way from one sampled radiograph to its answer."""
    classifier = trained_classifier(WEIGHTS, map_stride=16, map_centred=True)
    alone = LogitAlone(classifier)
    extractor = GradCAM(alone, target_layer="classifier.backbone")

    def torch_cam(batch: np.ndarray) -> object:
        radiograph = torch.from_numpy(batch).requires_grad_()
        return extractor(0, alone(radiograph).unsqueeze(1))

    def plain(batch: np.ndarray) -> object:
        with torch.inference_mode():
            return classifier(torch.from_numpy(batch)).logit

    extractor.disable_hooks()
    return {
        "graph with map (ONNX Runtime)": predictor.run,
        "graph without map (ONNX Runtime)": lambda batch: predictor.session.run(["logit"], {"radiograph": batch}),
        "plain forward (PyTorch)": plain,
        "Captum": lambda batch: autograd_grad_cam(classifier, torch.from_numpy(batch)),
        "torch-cam": lambda batch: hooked(extractor, torch_cam, batch),
    }


def hooked(extractor: GradCAM, work: Callable[[np.ndarray], object], batch: np.ndarray) -> object:
    """With torch-cam's hooks on, which would slow the other ways down."""
    extractor.enable_hooks()
    try:
        return work(batch)
    finally:
        extractor.disable_hooks()


def main() -> None:
    """Measure in turns, write medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=8)
    place = parser.parse_args()
    torch.set_num_threads(1)
    bundle = open_bundle()
    predictor = Predictor(bundle, threads=1)
    batches = [predictor.preprocessing(read_radiograph(path).gray)[np.newaxis] for path in FILMS]
    measured = ways(predictor)
    seconds: dict[str, list[float]] = {name: [] for name in measured}
    for round_number in range(place.rounds):
        for batch in batches:
            for name, way in measured.items():
                start = time.perf_counter()
                way(batch)
                if round_number:  # the first warms up
                    seconds[name].append(time.perf_counter() - start)
    medians = {name: 1000 * statistics.median(each) for name, each in seconds.items()}
    plain = medians["plain forward (PyTorch)"]
    own = medians["graph with map (ONNX Runtime)"]
    findings = {
        "model_sha256": hashlib.sha256(bundle.model).hexdigest(),
        "threads": 1,
        "radiographs": len(batches),
        "rounds": place.rounds - 1,
        "median_ms": medians,
        "times_the_plain_forward": {name: value / plain for name, value in medians.items()},
        "times_the_graph_with_map": {name: value / own for name, value in medians.items()},
    }
    write_whole(place.output, (json.dumps(findings, indent=1) + "\n").encode())
    print(json.dumps(findings, indent=1))


if __name__ == "__main__":
    main()
