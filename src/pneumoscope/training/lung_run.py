"""A whole training of the lung segmentation: data, network, limits, measurement, and `lungs.onnx` with what is known of it.

The folder gets `lungs.onnx`; the measurement goes where it is wanted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.lung_spec import LungSpec
from pneumoscope.dataset.manifest import ManifestRow, manifest_csv
from pneumoscope.inference.lungs import LungSegmenter
from pneumoscope.model.lung_network import LungNetwork
from pneumoscope.training.compute import Compute
from pneumoscope.training.data import DataSource, TrainingData, decoded, divided
from pneumoscope.training.description import DataDescription
from pneumoscope.training.lung_limits import (
    draft_spec,
    gate_summary,
    overlap_summary,
    overlaps_of,
    segmenter_of,
    with_limits,
)
from pneumoscope.training.lungs import LungRecipe, lung_graph, train_lungs
from pneumoscope.whole_file import write_whole

GRAPH_FILE = "lungs.onnx"
REPORT_FILE = "lung-segmentation.json"
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class LungRun:
    """What came out: the graph that ships, the card's block, and the whole measurement."""

    graph: bytes
    spec: LungSpec
    measured: dict[str, Any]


def lung_run(
    recipe: LungRecipe,
    source: DataSource,
    bundle: Bundle,
    compute: Compute,
    *,
    description: DataDescription,
    output: Path,
    report: Path,
    seed: int,
    graph: bytes | None,
    tell: Callable[[str], None],
) -> LungRun:
    """Train (or take `graph` as trained), choose limits, measure, write graph and report; the test split is not read.

    The patients are divided as the classifier's training with the same seed and share divides them. `bundle` is the one
    that the segmentation is meant for: it gives the grid on which masks are compared.
    """
    rows = divided(source, share=recipe.validation_share, seed=seed)
    training, validation = decoded(rows, source, size_px=recipe.size_px)
    if graph is None:
        network = train_lungs(recipe, training, compute, seed=seed, tell=tell)
        graph = lung_graph(network, size_px=recipe.size_px).SerializeToString()
    write_whole(output / GRAPH_FILE, graph)
    draft = draft_spec(recipe.size_px)
    spec = with_limits(draft, segmenter_of(bundle, graph, draft), training)
    measured = measurement(segmenter_of(bundle, graph, spec), validation, seed=seed)
    provenance = {
        "training_data": origin(description, rows, training),
        "recipe": asdict(recipe),
        "seed": seed,
        "made": datetime.now(UTC).date().isoformat(),
        "graph_sha256": hashlib.sha256(graph).hexdigest(),
        "graph_bytes": len(graph),
        "parameters": sum(parameter.numel() for parameter in LungNetwork().parameters()),
    }
    spec = replace(spec, metrics={"validation": measured["validation"]}, provenance=provenance)
    document = {**provenance, "limits": limits_of(spec), **measured}
    write_whole(report, (json.dumps(document, indent=1) + "\n").encode())
    return LungRun(graph, spec, document)


def origin(description: DataDescription, rows: Sequence[ManifestRow], training: TrainingData) -> dict[str, Any]:
    """Which radiographs and masks, whose they are, and under which licence."""
    return {
        "name": description.name,
        "authors": description.authors,
        "identifier": description.identifier,
        "licence": description.licence,
        "lung_masks": description.lung_masks,
        "part": "official train, less the validation patients",
        "radiographs": int(training.lung_masks.any(axis=(1, 2)).sum()),
        "manifest_sha256": hashlib.sha256(manifest_csv(rows).encode()).hexdigest(),
    }


def measurement(segmenter: LungSegmenter, validation: TrainingData, *, seed: int) -> dict[str, Any]:
    """Overlap with the masks, and what the gate does, on validation patients."""
    generator = np.random.default_rng([seed, 3])
    summary = overlap_summary(overlaps_of(segmenter, validation), resamples=RESAMPLES, generator=generator)
    return {"validation": summary, "gate": gate_summary(segmenter, validation, seed=seed)}


def limits_of(spec: LungSpec) -> dict[str, Any]:
    """The numbers that the gate goes by."""
    return {key: value for key, value in asdict(spec).items() if key not in {"metrics", "provenance"}}
