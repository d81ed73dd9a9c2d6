"""From radiographs to predictions: the bundle's graph in ONNX Runtime, the only way anything here is scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from pneumoscope.arrays import INPUT_NAME, OUTPUT_NAMES, ModelInputBatch
from pneumoscope.bundle.bundle import Bundle, open_bundle
from pneumoscope.bundle.card import MODEL_FILE
from pneumoscope.errors import UnusableBundle
from pneumoscope.evaluation.calibration import sigmoid
from pneumoscope.evaluation.operating_point import OperatingPoint, decide
from pneumoscope.inference.population import population_warnings
from pneumoscope.inference.prediction import Prediction
from pneumoscope.radiograph.radiograph import Radiograph
from pneumoscope.radiograph.reading import radiograph_from_bytes, read_radiograph


class Predictor:
    """A bundle that is open and ready. Its methods may be called from several threads at once."""

    def __init__(self, bundle: Bundle, *, operating_point: str | None = None, threads: int = 0) -> None:
        """`threads` per call of the graph; 0 takes the machine's cores. Use 1 where callers are parallel themselves."""
        self.bundle = bundle
        self.operating_point: OperatingPoint = bundle.card.operating_point(operating_point)
        self.preprocessing = bundle.card.preprocessing
        self.session = open_session(bundle, threads=threads)

    @classmethod
    def open(cls, bundle: Path | None = None, *, operating_point: str | None = None, threads: int = 0) -> Predictor:
        """The shipped bundle, or the one in the folder `bundle`."""
        return cls(open_bundle(bundle), operating_point=operating_point, threads=threads)

    def predict(self, source: Path | str | bytes | Radiograph) -> Prediction:
        """Read (unless it is read already) and score one radiograph; `RefusedRadiograph` says why it cannot be."""
        radiograph = as_radiograph(source)
        logits, saliency_maps, embeddings = self.run(self.preprocessing(radiograph.gray)[np.newaxis])
        return self.judged(radiograph, float(logits[0]), saliency_maps[0], embeddings[0])

    def predict_batch(self, radiographs: Sequence[Radiograph]) -> list[Prediction]:
        """Score several in one pass of the graph; memory grows with their number."""
        batch = np.stack([self.preprocessing(radiograph.gray) for radiograph in radiographs])
        logits, saliency_maps, embeddings = self.run(batch)
        return [
            self.judged(radiograph, float(logits[index]), saliency_maps[index], embeddings[index])
            for index, radiograph in enumerate(radiographs)
        ]

    def run(self, batch: ModelInputBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The bare graph: logits (batch), saliency maps (batch, rows, columns), embeddings (batch, channels)."""
        logits, saliency_maps, embeddings = self.session.run(list(OUTPUT_NAMES), {INPUT_NAME: batch})
        return logits, saliency_maps, embeddings

    def judged(
        self, radiograph: Radiograph, logit: float, saliency_map: np.ndarray, embedding: np.ndarray
    ) -> Prediction:
        card = self.bundle.card
        probability = card.calibration.probability(logit)
        return Prediction(
            radiograph=radiograph,
            logit=logit,
            score=sigmoid(logit),
            probability=probability,
            decision=decide(probability, self.operating_point),
            operating_point=self.operating_point,
            saliency_map=saliency_map,
            embedding=embedding,
            warnings=(*radiograph.warnings, *population_warnings(radiograph, card.population)),
        )


def as_radiograph(source: Path | str | bytes | Radiograph) -> Radiograph:
    """Read a path or bytes; a radiograph stays what it is."""
    if isinstance(source, Radiograph):
        return source
    if isinstance(source, bytes):
        return radiograph_from_bytes(source, "bytes")
    return read_radiograph(Path(source))


def open_session(bundle: Bundle, *, threads: int) -> onnxruntime.InferenceSession:
    """A CPU session on the bundle's graph; `UnusableBundle` where the graph is not one of ours."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    if threads == 1:  # callers share the cores, and a thread that spins would take theirs
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(bundle.model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors share no public base class
        raise foreign_graph(bundle, "is not a graph that ONNX Runtime can open") from error
    size_px = bundle.card.preprocessing.size_px
    inputs = [(entry.name, entry.shape[1:], entry.type) for entry in session.get_inputs()]
    if inputs != [(INPUT_NAME, [1, size_px, size_px], "tensor(float)")]:
        raise foreign_graph(bundle, f"takes {inputs}, not the input that the card describes")
    if not set(OUTPUT_NAMES) <= {entry.name for entry in session.get_outputs()}:
        raise foreign_graph(bundle, f"does not return {', '.join(OUTPUT_NAMES)}")
    return session


def foreign_graph(bundle: Bundle, what: str) -> UnusableBundle:
    """The error for a graph that is not one of ours."""
    return UnusableBundle(
        "bundle-foreign",
        f"{bundle.folder / MODEL_FILE} {what}.",
        remedy="Use a bundle that `pneumoscope train` made.",
    )
