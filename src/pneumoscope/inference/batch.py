"""Many radiographs from files to results on disk: every core busy, memory bounded, one bad file stops nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PIL import Image

from pneumoscope import __version__
from pneumoscope.errors import PneumoscopeError, RefusedRadiograph, UnusableOutput
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.overlay import OverlayCaption, draw_overlay
from pneumoscope.explanation.png import png_bytes
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.prediction import Prediction
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.result import SCHEMA_VERSION, Result, bundle_name, result_of_error, result_of_prediction
from pneumoscope.inference.sources import Source
from pneumoscope.inference.store import ResultStore
from pneumoscope.whole_file import NAME_IMPOSSIBLE


@dataclass(frozen=True, slots=True)
class BatchOutputs:
    """Where results go; None writes nothing. `maps` gets the saliency map and the result's JSON."""

    pictures: Pictures | None
    maps: ResultStore | None
    overwrite: bool

    @property
    def stores(self) -> list[ResultStore]:
        """Where results are kept."""
        pictures = [self.pictures.store] if self.pictures else []
        return [self.maps, *pictures] if self.maps else pictures


@dataclass(frozen=True, slots=True)
class Pictures:
    """Overlays and the results' JSON in a folder, drawn in one way."""

    store: ResultStore
    coloring: Coloring

    @property
    def rendering(self) -> Result:
        """How the overlay is drawn, as results carry it."""
        coloring = self.coloring
        return {"colormap": coloring.colormap, "alpha": coloring.alpha, "scale_logit": coloring.scale_logit}


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
    """Read, score, draw and write one radiograph, or find it done.

    Where its own name is the reason that results cannot be written, it is refused; any other `UnusableOutput` goes up.
    """
    for store in outputs.stores:
        source = store.own(source, source.label)
    try:
        return finished(source, predictor, outputs) or made(source, predictor, outputs)
    except UnusableOutput as error:
        if error.code != NAME_IMPOSSIBLE:
            raise
        return result_of_error(source.label, error, predictor.bundle, predictor.operating_point.name)


def made(source: Source, predictor: Predictor, outputs: BatchOutputs) -> Result:
    """Read, score, draw and write one radiograph."""
    try:
        prediction = predictor.predict(source.read())
    except RefusedRadiograph as refused:
        return written_error(source, refused, predictor, outputs)
    except Exception as error:  # noqa: BLE001 - a fault of ours on one radiograph must not stop the rest
        return written_error(source, unforeseen(source, error), predictor, outputs)
    result = result_of_prediction(source.label, prediction, predictor.bundle)
    if outputs.maps:
        result["map"] = outputs.maps.write_map(source, prediction.saliency_map)
        outputs.maps.write_result(source, result)
    if pictures := outputs.pictures:
        result["rendering"] = pictures.rendering
        png = png_bytes(overlay_of(prediction, pictures.coloring))
        result["overlay"] = pictures.store.write_overlay(source, png)
        pictures.store.write_result(source, result)
    return result


def unforeseen(source: Source, error: Exception) -> RefusedRadiograph:
    """An error that no reader foresaw, by its kind only: its text might quote a DICOM header."""
    if isinstance(error, MemoryError):
        return RefusedRadiograph(
            "too-large", f"{source.label}: It does not fit into memory.", remedy="Make it smaller, or use more memory."
        )
    return RefusedRadiograph(
        "internal-error",
        f"{source.label}: Reading it failed in a way that was not foreseen ({type(error).__name__}).",
        remedy="Please report this with the file, if it may be shared.",
    )


def finished(source: Source, predictor: Predictor, outputs: BatchOutputs) -> Result | None:
    """An earlier run's result, where everything that is asked for is there and was made the same way."""
    if outputs.overwrite or not outputs.stores:
        return None
    expected: Result = {
        "schema_version": SCHEMA_VERSION,
        "pneumoscope_version": __version__,
        "bundle": bundle_name(predictor.bundle),
        "operating_point": predictor.operating_point.name,
        "file": source.label,
    }
    result = None
    if outputs.maps:
        result = outputs.maps.finished(source, expected, suffixes=(".json", ".npy"))
        if result is None:
            return None
    if pictures := outputs.pictures:
        expected["rendering"] = pictures.rendering
        result = pictures.store.finished(source, expected, suffixes=(".json", ".overlay.png"))
    return result


def written_error(source: Source, error: PneumoscopeError, predictor: Predictor, outputs: BatchOutputs) -> Result:
    """The result of a refusal, kept beside the others."""
    result = result_of_error(source.label, error, predictor.bundle, predictor.operating_point.name)
    for store in outputs.stores:
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
