"""From trained weights to a bundle: export, fp16 storage if decisions and maps stay, calibration, operating points, card.

Everything is fitted on the exported graph's scores of the validation part; the test split is never read here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from safetensors.torch import save
from torch import nn

from pneumoscope import __version__
from pneumoscope.bundle.bundle import Bundle, write_bundle
from pneumoscope.bundle.card import Card, Population, SaliencySpec
from pneumoscope.dataset.manifest import Label, refuse_test_rows
from pneumoscope.errors import FailedTraining
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.evaluate import evaluate
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.scores import ScoredRadiograph, ScoreTable
from pneumoscope.explanation.localization import share_inside
from pneumoscope.inference.predictor import Predictor
from pneumoscope.model.classifier import Classifier
from pneumoscope.model.export import export_onnx, with_halved_weights
from pneumoscope.model.flip_averaged import FlipAveraged
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.training.compute import Compute
from pneumoscope.training.data import TrainingData
from pneumoscope.training.description import DataDescription
from pneumoscope.training.fitting import Fitting, decisions_flipped, fitting_part, probabilities
from pneumoscope.training.kept_maps import maps_kept
from pneumoscope.training.recipe import Recipe
from pneumoscope.whole_file import write_whole

INTENDED_USE = (
    "Research and education only. Not a medical device; not for diagnosis, screening or any decision about a patient."
)
Exported = Classifier | FlipAveraged

DEFAULT_OPERATING_POINT = "balanced"
SCALE_QUANTILE = 0.95
BATCH = 64
MOST_EXPORT_DIFFERENCE = 0.01


@dataclass(frozen=True, slots=True)
class GraphOutputs:
    """What a graph says of the validation part."""

    logits: np.ndarray
    saliency_maps: np.ndarray


@dataclass(frozen=True, slots=True)
class StoredGraph:
    """The graph as it ships, what it says of the validation part, and how it came to be stored so."""

    graph: onnx.ModelProto
    outputs: GraphOutputs
    metrics: dict[str, Any]


def bundle_of_run(
    trained: Classifier,
    recipe: Recipe,
    training: TrainingData,
    validation: TrainingData,
    *,
    description: DataDescription,
    manifest: Path,
    seed: int,
    folder: Path,
    tell: Callable[[str], None],
    twin: Fitting | None = None,
) -> Bundle:
    """Export the trained model, fit on `validation` (see `fitting.py`) unless a `twin` was, and write `folder`.

    `FailedTraining` where the exported graph does not say what PyTorch says.
    """
    refuse_test_rows(validation.rows, purpose="calibration")
    model: Exported = FlipAveraged(trained) if recipe.test_time_flip else trained
    model.to("cpu").eval()
    fitting = twin or fitting_part(recipe, training, validation)
    labels = validation.targets > 0.5
    population = Population(description.population, description.age_years, description.view_positions)
    draft = draft_card(recipe, Preprocessing(recipe.size_px), model, population)
    stored = stored_graph(folder, draft, model, recipe, fitting, validation, tell)
    thresholds = fitting.thresholds(stored.outputs.logits)
    calibration, points = thresholds.calibration, thresholds.operating_points
    card = replace(
        draft,
        calibration=calibration,
        operating_points=points,
        saliency=replace(draft.saliency, scale_logit=colour_scale(stored.outputs.saliency_maps[labels])),
        provenance={
            "training_data": {
                **described(description, validation),
                "validation_share_with_finding": float(labels.mean()),
                "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest(),
            },
            "fitting": fitting.to_dict(),
            "recipe": recipe.to_dict(),
            **({"teachers": list(training.teachers.digests)} if training.teachers else {}),
            "seed": seed,
            "made": datetime.now(UTC).date().isoformat(),
            "test_openings": [],
        },
        zones=thresholds.zones,
        metrics={
            "validation": validation_metrics(validation, stored.outputs, calibration, points),
            "export": stored.metrics,
        },
        versions={name: metadata.version(name) for name in ("torch", "onnx", "onnxruntime", "numpy", "pillow")}
        | {"pneumoscope": __version__},
    )
    return write_bundle(folder, card, stored.graph.SerializeToString())


def stored_graph(
    folder: Path,
    draft: Card,
    model: Exported,
    recipe: Recipe,
    fitting: Fitting,
    validation: TrainingData,
    tell: Callable[[str], None],
) -> StoredGraph:
    """The exported graph, its weights stored as fp16 where no validation decision changes and the maps stay."""
    graph = export_onnx(model, size_px=recipe.size_px)
    full = graph_outputs(folder, draft, graph, validation)
    differences = differences_to_torch(model, full, validation)
    halved_graph = with_halved_weights(graph)
    halved = graph_outputs(folder, draft, halved_graph, validation)
    thresholds = fitting.thresholds(full.logits)
    calibration, points = thresholds.calibration, thresholds.operating_points
    flips = decisions_flipped(calibration, points, full.logits, halved.logits)
    default = next(point for point in points if point.name == DEFAULT_OPERATING_POINT)
    decided = probabilities(calibration, full.logits) >= default.threshold
    kept = maps_kept(full.saliency_maps, halved.saliency_maps, decided)
    tell(f"fp16 storage flips {flips} validation decisions; {kept}")
    take_halved = not flips and kept.hold
    metrics = {
        **differences,
        "largest_logit_difference_fp32_fp16_stored": float(np.abs(halved.logits - full.logits).max()),
        "validation_decisions_changed_by_fp16_storage": flips,
        **kept.to_dict(),
        "weights_stored_as": "fp16" if take_halved else "fp32",
    }
    return StoredGraph(halved_graph, halved, metrics) if take_halved else StoredGraph(graph, full, metrics)


def described(description: DataDescription, validation: TrainingData) -> dict[str, Any]:
    """What was learnt from and validated with, for the card."""
    return {
        "name": description.name,
        "authors": description.authors,
        "identifier": description.identifier,
        "licence": description.licence,
        "lung_masks": description.lung_masks if validation.lung_masks.any() else "none",
        "part": "official train, less the validation patients",
        "validation_radiographs": len(validation.rows),
        "validation_patients": len({row.patient for row in validation.rows}),
    }


def save_weights(model: nn.Module, path: Path) -> None:
    """The trained weights by parameter name, for whoever wants to go on from them in PyTorch."""
    write_whole(path, save({name: value.contiguous() for name, value in model.state_dict().items()}))


def draft_card(recipe: Recipe, preprocessing: Preprocessing, model: Exported, population: Population) -> Card:
    """A card with nothing fitted yet, enough to run the graph."""
    bias_logit = model.bias_logit()
    return Card(
        name=recipe.name,
        version=__version__,
        intended_use=INTENDED_USE,
        preprocessing=preprocessing,
        labels=(Label.NORMAL, Label.PNEUMONIA),
        calibration=PlattCalibration(1.0, 0.0),
        operating_points=(OperatingPoint(DEFAULT_OPERATING_POINT, 0.5, 0.0, 0.0, "nothing", "draft"),),
        default_operating_point=DEFAULT_OPERATING_POINT,
        saliency=SaliencySpec(
            method=model.saliency_method,
            feature_map=model.feature_map_name,
            adds_up=bias_logit is not None,
            bias_logit=bias_logit or 0.0,
            scale_logit=1.0,
        ),
        population=population,
    )


def graph_outputs(folder: Path, card: Card, graph: onnx.ModelProto, validation: TrainingData) -> GraphOutputs:
    """Run a graph as it will ship, in ONNX Runtime, over the validation pictures."""
    predictor = Predictor(Bundle(folder, card, graph.SerializeToString(), ""))
    logits, maps = [], []
    for start in range(0, len(validation.rows), BATCH):
        batch = np.stack([card.preprocessing(gray) for gray in validation.pictures[start : start + BATCH]])
        part_logits, part_maps, _ = predictor.run(batch)
        logits.append(part_logits)
        maps.append(part_maps)
    return GraphOutputs(np.concatenate(logits), np.concatenate(maps))


def differences_to_torch(model: Exported, graph: GraphOutputs, validation: TrainingData) -> dict[str, float]:
    """Largest differences of logits and map pixels between PyTorch and the graph, over the whole validation part."""
    logit = pixel = 0.0
    compute = Compute(torch.device("cpu"))
    with torch.inference_mode():
        for start in range(0, len(validation.rows), BATCH):
            rows = slice(start, start + BATCH)
            output = model(compute.batch(validation.pictures[rows]).contiguous(memory_format=torch.channels_last))
            logit = max(logit, float(np.abs(output.logit.numpy() - graph.logits[rows]).max()))
            pixel = max(pixel, float(np.abs(output.saliency_map.numpy() - graph.saliency_maps[rows]).max()))
    if max(logit, pixel) > MOST_EXPORT_DIFFERENCE:
        raise FailedTraining(
            "export-differs",
            f"The exported graph's logits differ from PyTorch's by up to {logit:.2g}, its map pixels by {pixel:.2g}.",
            remedy="The weights are kept in the run folder. Report this with your versions of torch and onnxruntime.",
        )
    return {
        "largest_logit_difference_torch_fp32_graph": logit,
        "largest_map_difference_torch_fp32_graph": pixel,
    }


def colour_scale(maps_with_finding: np.ndarray) -> float:
    """Evidence per map pixel at which colours end: a high quantile of the positive evidence of found pneumonia."""
    positive = maps_with_finding[maps_with_finding > 0]
    return float(np.quantile(positive, SCALE_QUANTILE)) if len(positive) else 1.0


def validation_metrics(
    validation: TrainingData, outputs: GraphOutputs, calibration: PlattCalibration, points: tuple[OperatingPoint, ...]
) -> dict[str, Any]:
    """Metrics with intervals, and the share of positive evidence inside the lungs where masks are known."""
    rows = tuple(
        ScoredRadiograph(row.path, row.patient, row.subtype, row.has_finding, float(logit), float(probability))
        for row, logit, probability in zip(
            validation.rows, outputs.logits, probabilities(calibration, outputs.logits), strict=True
        )
    )
    result = evaluate(ScoreTable(rows), points, resamples=2000, generator=np.random.default_rng(0))
    shares = [
        share_inside(saliency_map, mask > 0)
        for saliency_map, mask, row in zip(outputs.saliency_maps, validation.lung_masks, validation.rows, strict=True)
        if row.has_finding and mask.any()
    ]
    shares = [share for share in shares if not math.isnan(share)]
    if shares:
        areas = [float((mask > 0).mean()) for mask in validation.lung_masks if mask.any()]
        result["positive_heat_inside_lungs_with_finding"] = float(np.mean(shares))
        result["lung_share_of_picture"] = float(np.mean(areas))
    return result
