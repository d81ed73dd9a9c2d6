"""From radiographs to predictions: the bundle's graph in ONNX Runtime, the only way anything here is scored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from pneumoscope.arrays import INPUT_NAME, OUTPUT_NAMES, GrayPicture, ModelInputBatch
from pneumoscope.bundle.bundle import Bundle, open_bundle
from pneumoscope.bundle.card import MODEL_FILE
from pneumoscope.evaluation.calibration import sigmoid
from pneumoscope.evaluation.operating_point import OperatingPoint, decide
from pneumoscope.inference.lung_evidence import lung_findings
from pneumoscope.inference.lung_gate import lung_warnings, refuse_without_lungs
from pneumoscope.inference.lungs import Lungs, LungSegmenter
from pneumoscope.inference.map_trust import map_trust, map_warnings
from pneumoscope.inference.population import population_warnings
from pneumoscope.inference.prediction import Prediction
from pneumoscope.inference.session import cpu_session, foreign_graph
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
        self.lung_segmenter = LungSegmenter(bundle) if bundle.lungs is not None else None

    @classmethod
    def open(cls, bundle: Path | None = None, *, operating_point: str | None = None, threads: int = 0) -> Predictor:
        """The shipped bundle, or the one in the folder `bundle`."""
        return cls(open_bundle(bundle), operating_point=operating_point, threads=threads)

    def predict(self, source: Path | str | bytes | Radiograph) -> Prediction:
        """Read (unless it is read already) and score one radiograph; `RefusedRadiograph` says why it cannot be.

        Where the bundle has a lung segmentation, a picture without lungs is refused.
        """
        radiograph = as_radiograph(source)
        seen = self.preprocessing.sample(radiograph.gray)
        return self.answered(radiograph, seen, self.admitted(radiograph, seen))

    def predict_ungated(self, source: Path | str | bytes | Radiograph) -> Prediction:
        """As `predict`, but whatever the lungs look like: to measure the model on every radiograph of a set."""
        radiograph = as_radiograph(source)
        seen = self.preprocessing.sample(radiograph.gray)
        return self.answered(radiograph, seen, self.lungs_in(radiograph, seen))

    def predict_batch(self, radiographs: Sequence[Radiograph]) -> list[Prediction]:
        """Score several in one pass of the graph, or refuse the first that must be; memory grows with their number."""
        seen = [self.preprocessing.sample(radiograph.gray) for radiograph in radiographs]
        lungs = [self.admitted(radiograph, gray) for radiograph, gray in zip(radiographs, seen, strict=True)]
        logits, saliency_maps, embeddings = self.run(np.stack([self.preprocessing(gray) for gray in seen]))
        return [
            self.judged(radiograph, lungs[index], float(logits[index]), saliency_maps[index], embeddings[index])
            for index, radiograph in enumerate(radiographs)
        ]

    def lungs_in(self, radiograph: Radiograph, seen: GrayPicture) -> Lungs | None:
        """The lungs that the bundle's segmentation finds; None where it has no segmentation.

        `seen` is what the model sees: sampled already, so where the segmentation has the same size, it sees that too.
        """
        if self.lung_segmenter is None:
            return None
        same_size = self.lung_segmenter.preprocessing == self.preprocessing
        return self.lung_segmenter.lungs(seen if same_size else radiograph.gray)

    def admitted(self, radiograph: Radiograph, seen: GrayPicture) -> Lungs | None:
        """As `lungs_in`; `RefusedRadiograph` where a bundle that can look for lungs finds none."""
        lungs = self.lungs_in(radiograph, seen)
        if self.lung_segmenter and lungs:
            refuse_without_lungs(lungs, self.lung_segmenter.spec)
        return lungs

    def scored(self, radiograph: Radiograph, lungs: Lungs | None) -> Prediction:
        """Score without looking for lungs; those that are given go into the result."""
        return self.answered(radiograph, self.preprocessing.sample(radiograph.gray), lungs)

    def answered(self, radiograph: Radiograph, seen: GrayPicture, lungs: Lungs | None) -> Prediction:
        logits, saliency_maps, embeddings = self.run(self.preprocessing(seen)[np.newaxis])
        return self.judged(radiograph, lungs, float(logits[0]), saliency_maps[0], embeddings[0])

    def run(self, batch: ModelInputBatch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The bare graph: logits (batch), saliency maps (batch, rows, columns), embeddings (batch, channels)."""
        logits, saliency_maps, embeddings = self.session.run(list(OUTPUT_NAMES), {INPUT_NAME: batch})
        return logits, saliency_maps, embeddings

    def judged(
        self,
        radiograph: Radiograph,
        lungs: Lungs | None,
        logit: float,
        saliency_map: np.ndarray,
        embedding: np.ndarray,
    ) -> Prediction:
        card = self.bundle.card
        of_lungs = lung_warnings(lungs, card.lungs) if lungs and card.lungs else []
        probability = card.calibration.probability(logit)
        decision = decide(probability, self.operating_point)
        findings = lung_findings(lungs, saliency_map, card.saliency) if lungs else None
        least = card.map_trust.least_heat_inside if card.map_trust else None
        trust = map_trust(findings.heat_inside_lungs, decision, least_heat_inside=least) if findings else None
        return Prediction(
            radiograph=radiograph,
            logit=logit,
            score=sigmoid(logit),
            probability=probability,
            decision=decision,
            operating_point=self.operating_point,
            saliency_map=saliency_map,
            embedding=embedding,
            warnings=(
                *radiograph.warnings,
                *population_warnings(radiograph, card.population),
                *of_lungs,
                *map_warnings(trust),
            ),
            lungs=findings,
            map_trust=trust,
            zone=card.zones.zone(probability) if card.zones else None,
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
    try:
        session = cpu_session(bundle.model, threads=threads)
    except Exception as error:  # ONNX Runtime's errors share no public base class
        raise foreign_graph(bundle, MODEL_FILE, "is not a graph that ONNX Runtime can open") from error
    size_px = bundle.card.preprocessing.size_px
    inputs = [(entry.name, entry.shape[1:], entry.type) for entry in session.get_inputs()]
    if inputs != [(INPUT_NAME, [1, size_px, size_px], "tensor(float)")]:
        raise foreign_graph(bundle, MODEL_FILE, f"takes {inputs}, not the input that the card describes")
    if not set(OUTPUT_NAMES) <= {entry.name for entry in session.get_outputs()}:
        raise foreign_graph(bundle, MODEL_FILE, f"does not return {', '.join(OUTPUT_NAMES)}")
    return session
