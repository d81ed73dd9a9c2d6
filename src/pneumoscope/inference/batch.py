"""Many radiographs from files to results on disk: every core busy, memory bounded, one bad file stops nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PIL import Image

from pneumoscope.errors import PneumoscopeError, RefusedRadiograph, UnusableOutput
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.overlay import OverlayCaption, draw_overlay
from pneumoscope.explanation.png import png_bytes
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.prediction import Prediction
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.result import Result, bundle_name, result_of_error, result_of_prediction
from pneumoscope.inference.sources import Source
from pneumoscope.inference.store import ResultStore


@dataclass(frozen=True, slots=True)
class BatchOutputs:
    """Where results go: `pictures` gets overlay and JSON, `maps` gets the saliency map and JSON; None writes nothing."""

    pictures: ResultStore | None
    maps: ResultStore | None
    coloring: Coloring
    overwrite: bool


def predict_batch(
    sources: Iterable[Source], predictor: Predictor, outputs: BatchOutputs, *, workers: int
) -> Iterator[Result]:
    """Results in the order of `sources`. A radiograph that cannot be read gives a result with its `error`.

    `UnusableOutput` ends the batch: nothing more could be kept.
    """

    def work(source: Source) -> Result:
        return result_for(source, predictor, outputs)

    for _, result in ordered_results(work, sources, workers=workers):
        yield result


def result_for(source: Source, predictor: Predictor, outputs: BatchOutputs) -> Result:
    """Read, score, draw and write one radiograph, or find it done."""
    if (done := finished(source, predictor, outputs)) is not None:
        return done
    try:
        prediction = predictor.predict(source.read())
    except RefusedRadiograph as error:
        return written_error(source, error, predictor, outputs)
    except MemoryError:
        error = RefusedRadiograph(
            "too-large", f"{source.label} does not fit into memory.", remedy="Make it smaller, or use a larger machine."
        )
        return written_error(source, error, predictor, outputs)
    result = result_of_prediction(source.label, prediction, predictor.bundle)
    result["rendering"] = rendering(outputs.coloring)
    try:
        if outputs.maps:
            result["map"] = outputs.maps.relative(outputs.maps.write_map(source, prediction.saliency_map))
            outputs.maps.write_result(source, result)
        if outputs.pictures:
            png = png_bytes(overlay_of(prediction, outputs.coloring))
            result["overlay"] = outputs.pictures.relative(outputs.pictures.write_overlay(source, png))
            outputs.pictures.write_result(source, result)
    except UnusableOutput:
        raise
    return result


def finished(source: Source, predictor: Predictor, outputs: BatchOutputs) -> Result | None:
    """An earlier run's result, where everything that is asked for is there and was made the same way."""
    if outputs.overwrite or not (outputs.pictures or outputs.maps):
        return None
    expected: Result = {
        "bundle": bundle_name(predictor.bundle),
        "operating_point": predictor.operating_point.name,
        "file": source.label,
    }
    result = None
    if outputs.maps:
        result = outputs.maps.finished(source, expected, suffixes=(".json", ".npy"))
        if result is None:
            return None
    if outputs.pictures:
        expected["rendering"] = rendering(outputs.coloring)
        result = outputs.pictures.finished(source, expected, suffixes=(".json", ".overlay.png"))
    return result


def rendering(coloring: Coloring) -> Result:
    return {"colormap": coloring.colormap, "alpha": coloring.alpha, "scale_logit": coloring.scale_logit}


def written_error(
    source: Source, error: PneumoscopeError, predictor: Predictor, outputs: BatchOutputs
) -> Result:
    result = result_of_error(source.label, error, predictor.bundle, predictor.operating_point.name)
    for store in (outputs.maps, outputs.pictures):
        if store:
            store.write_result(source, result)
    return result


def overlay_of(prediction: Prediction, coloring: Coloring) -> Image.Image:
    """The picture for people: original, overlay, colour bar and the answer in words."""
    point = prediction.operating_point
    caption = OverlayCaption(
        file_name=prediction.radiograph.source,
        answer=(
            f"Probability of pneumonia {prediction.probability:.3f}: {prediction.decision} "
            f"at operating point {point.name} (threshold {point.threshold:.3f})"
        ),
        warnings=tuple(warning.message for warning in prediction.warnings),
    )
    return draw_overlay(prediction.radiograph.gray, prediction.saliency_map, coloring, caption)
