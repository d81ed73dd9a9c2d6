"""One radiograph explained whose answer is that of any ONNX classifier, of which nothing is known but its numbers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from pneumoscope.explanation.masking import Watch, nobody
from pneumoscope.explanation.methods import DEFAULT_SETTINGS, Method, MethodSettings, explained
from pneumoscope.inference.explain import ExplainedRadiograph
from pneumoscope.inference.explainable import AnyClassifier
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.radiograph.radiograph import Radiograph


def explain_any_classifier(
    file: str,
    radiograph: Radiograph,
    model: AnyClassifier,
    path: Path,
    method: Method,
    *,
    settings: MethodSettings = DEFAULT_SETTINGS,
    watch: Watch = nobody,
) -> ExplainedRadiograph:
    """Explain what another classifier answers; `path` is its file. Only occlusion and RISE: `UnusableOption` else."""
    picture = Preprocessing(model.size_px)(radiograph.gray)
    explanation = explained(picture, model, method, settings=settings, watch=watch)
    return ExplainedRadiograph(
        file=file,
        radiograph=radiograph,
        answer=float(model.answers(picture[np.newaxis])[0]),
        explanation=explanation,
        model={
            "name": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "output_index": model.output_index,
            "input_size": model.size_px,
            "mean": model.mean,
            "std": model.std,
        },
    )
