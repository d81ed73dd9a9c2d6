"""The YAML block at the head of a model card, as the Hugging Face hub reads it (model-index: results by task and data set)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pneumoscope.bundle.card import Card
from pneumoscope.report.evaluated import Document, Evaluated
from pneumoscope.report.words import metric_name

TAGS: Final = (
    "chest-x-ray",
    "radiology",
    "pneumonia",
    "medical-imaging",
    "onnx",
    "explainability",
    "class-activation-map",
    "calibration",
    "conformal-prediction",
)
HUB_NAMES: Final[Mapping[str, str]] = {
    "auroc": "roc_auc",
    "average_precision": "average_precision",
    "brier_score": "brier_score",
    "calibration_error": "expected_calibration_error",
    "accuracy": "accuracy",
    "sensitivity": "recall",
    "specificity": "specificity",
    "ppv": "precision",
    "npv": "npv",
    "f1": "f1",
    "matthews": "matthews_correlation",
}
"""Our key → the hub's type of metric."""


def front_matter(card: Card, subject: Evaluated | None) -> str:
    """From `---` to `---`. Every text is written as a JSON string, which YAML reads as it is."""
    data = card.provenance.get("training_data") or {}
    content: dict[str, Any] = {
        "license": "mit",
        "library_name": "onnx",
        "pipeline_tag": "image-classification",
        "tags": list(TAGS),
    }
    if data.get("identifier"):
        content["datasets"] = [str(data["identifier"])]
    if subject:
        metrics = list(metrics_of(subject))
        content["metrics"] = list(dict.fromkeys(metric["type"] for metric in metrics))
        content["model-index"] = [{"name": card.name, "results": [result_of(subject.document, data, metrics)]}]
    return "\n".join(["---", *yaml_lines(content, 0), "---"])


def result_of(document: Document, data: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One entry of the model index."""
    return {
        "task": {"type": "image-classification", "name": "pneumonia or not, on a frontal chest radiograph"},
        "dataset": {
            "type": str(data.get("identifier") or "unknown"),
            "name": str(data.get("name") or "radiographs that were evaluated"),
            "split": str(document.get("split") or "not recorded"),
        },
        "metrics": list(metrics),
    }


def metrics_of(subject: Evaluated) -> Iterator[dict[str, Any]]:
    """Those without a threshold, then those at the default operating point, each with its interval."""
    for where, entries in (
        ("", subject.document["metrics"]),
        (f" at {subject.default_point}", subject.point["metrics"] if subject.point else {}),
    ):
        for key, entry in entries.items():
            if key in HUB_NAMES and entry["value"] is not None:
                ends = [entry.get(end) for end in ("low", "high")]
                interval = f", 95 % interval {ends[0]:.4f} to {ends[1]:.4f}" if None not in ends else ""
                name = f"{metric_name(key)}{where}{interval}"
                yield {"type": HUB_NAMES[key], "name": name, "value": round(entry["value"], 4)}


def yaml_lines(value: Any, depth: int) -> Iterator[str]:
    """Mappings and lists in blocks, scalars as JSON (YAML 1.2 holds JSON)."""
    space = "  " * depth
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if isinstance(inner, Mapping | list):
                yield f"{space}{key}:"
                yield from yaml_lines(inner, depth + 1)
            else:
                yield f"{space}{key}: {scalar(inner)}"
        return
    for inner in value:
        if isinstance(inner, Mapping):
            first, *rest = yaml_lines(inner, depth + 1)
            yield f"{space}- {first.strip()}"
            yield from rest
        else:
            yield f"{space}- {scalar(inner)}"


def scalar(value: Any) -> str:
    """As JSON; text without halves of characters, which YAML does not read."""
    return json.dumps(value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value)
