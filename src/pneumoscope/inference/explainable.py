"""Models that can be asked for an explanation: an open bundle, or any ONNX classifier of one picture.

They are what `pneumoscope.explanation.methods.explained` takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from pneumoscope.arrays import INPUT_NAME, ModelInput, ModelInputBatch, SaliencyMap, Scores
from pneumoscope.errors import UnusableBundle, UnusableOption
from pneumoscope.explanation.gradient_maps import MapGradient, gradient_of_mean
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.session import cpu_session

FEATURE_OUTPUTS = ("feature_map", "channel_weight")
"""What `pneumoscope.model.feature_outputs` lets a bundle's graph return: a feature map, and its channels' mean gradient."""

IMAGE_RANK = 4


class ExplainableBundle:
    """A bundle, asked for its logit. The gate is not asked: the caller has let the radiograph in.

    `feature_graph` is the bundle's model with the `FEATURE_OUTPUTS`, made by `with_feature_outputs`; `pool` the side of
    the windows of which the head reads the maxima (1 for a plain mean). Without, the methods that need the feature map
    are refused.
    """

    output = "logit"

    def __init__(
        self, predictor: Predictor, *, feature_graph: bytes | None = None, pool: int = 1, threads: int = 0
    ) -> None:
        self.predictor = predictor
        self.pool = pool
        self.feature_session = None if feature_graph is None else cpu_session(feature_graph, threads=threads)

    @property
    def gradient_is_constant(self) -> bool:
        """True for a linear head on the mean, whose map adds up to the logit."""
        return self.predictor.bundle.card.saliency.adds_up

    def answers(self, batch: ModelInputBatch) -> Scores:
        """The logit of each picture."""
        logits: Scores = self.predictor.run(batch)[0]
        return logits

    def saliency_map(self, picture: ModelInput) -> SaliencyMap:
        """The map in the graph."""
        found: SaliencyMap = self.predictor.run(picture[np.newaxis])[1][0]
        return found

    def map_gradient(self, picture: ModelInput) -> MapGradient:
        """Feature map and gradient of the logit; `UnusableOption` without `feature_graph`."""
        if self.feature_session is None:
            raise UnusableOption(
                "feature-map-missing",
                "The graph of this bundle returns no feature map, which this method is made of.",
                remedy="Take grad-cam, occlusion or rise; or give with_feature_outputs(bundle.model) as feature_graph.",
            )
        feature_map, weight = self.feature_session.run(list(FEATURE_OUTPUTS), {INPUT_NAME: picture[np.newaxis]})
        return gradient_of_mean(weight.reshape(-1).astype(np.float32), feature_map[0], pool=self.pool)


@dataclass(frozen=True, slots=True)
class AnyClassifier:
    """Any ONNX graph that takes one batch of square pictures, gray or in three channels, and gives numbers.

    The gray value in [0, 1] goes into all channels, after `(value - mean) / std`. Of what the first output gives for a
    picture, number `output_index` is the answer, as the graph gives it: a logit, or a probability.
    """

    session: onnxruntime.InferenceSession
    size_px: int
    channels: int
    output_index: int
    mean: float = 0.0
    std: float = 1.0
    output: str = "answer"
    gradient_is_constant: bool = False

    @classmethod
    def open(
        cls, path: Path, *, size_px: int, output_index: int = 0, mean: float = 0.0, std: float = 1.0, threads: int = 0
    ) -> AnyClassifier:
        """`UnusableBundle` where the file is no such graph, `UnusableOption` where size or index do not fit it."""
        try:
            session = cpu_session(path.read_bytes(), threads=threads)
        except OSError as error:
            raise foreign(path, f"cannot be read ({error.strerror})") from error
        except Exception as error:  # ONNX Runtime's errors share no public base class
            raise foreign(path, "is not a graph that ONNX Runtime can open") from error
        inputs = session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != IMAGE_RANK or inputs[0].type != "tensor(float)":
            shapes = ", ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in inputs)
            raise foreign(path, f"takes {shapes}, not one float32 batch of pictures (batch, channels, rows, columns)")
        _, channels, rows, columns = inputs[0].shape
        if channels not in (1, 3):
            raise foreign(path, f"takes pictures of {channels} channels, not of 1 or 3 (channels come before rows)")
        for side in (rows, columns):
            if isinstance(side, int) and side != size_px:
                raise UnusableOption(
                    "input-size-wrong",
                    f"{path} takes pictures of {rows} x {columns} pixels, not {size_px} x {size_px}.",
                    remedy=f"Give --input-size {side}."
                    if rows == columns
                    else "Only square pictures are covered here.",
                )
        model = cls(session, size_px, channels, output_index, mean, std)
        model.refuse_foreign_answers(path)
        return model

    def answers(self, batch: ModelInputBatch) -> Scores:
        """The chosen number of each picture."""
        chosen: Scores = self.every_number(batch)[:, self.output_index]
        return chosen

    def every_number(self, batch: ModelInputBatch) -> np.ndarray:
        """What the first output gives, (batch, numbers); graphs made for one picture get them one by one."""
        entry = self.session.get_inputs()[0]
        scaled = np.repeat((batch - np.float32(self.mean)) / np.float32(self.std), self.channels, axis=1)
        first = self.session.get_outputs()[0].name
        at_once = entry.shape[0] if isinstance(entry.shape[0], int) else len(scaled)
        parts = []
        for start in range(0, len(scaled), at_once):
            part = scaled[start : start + at_once]
            missing = at_once - len(part)
            full = np.concatenate([part, np.repeat(part[:1], missing, axis=0)]) if missing else part
            (found,) = self.session.run([first], {entry.name: full})
            parts.append(np.asarray(found)[: len(part)])
        together = np.concatenate(parts)
        numbers: np.ndarray = together.reshape(len(together), -1)
        return numbers

    def refuse_foreign_answers(self, path: Path) -> None:
        """Ask once about a gray picture."""
        gray = np.full((2, 1, self.size_px, self.size_px), 0.5, np.float32)
        try:
            numbers = self.every_number(gray)
        except Exception as error:
            raise foreign(path, f"does not take pictures of {self.size_px} x {self.size_px} pixels") from error
        if len(numbers) != len(gray) or not np.issubdtype(numbers.dtype, np.floating):
            raise foreign(path, "does not answer with numbers for each picture")
        if not 0 <= self.output_index < numbers.shape[1]:
            raise UnusableOption(
                "output-index-wrong",
                f"{path} gives {numbers.shape[1]} numbers for a picture; there is no number {self.output_index}.",
                remedy=f"Give --output-index from 0 to {numbers.shape[1] - 1}.",
            )

    def saliency_map(self, picture: ModelInput) -> SaliencyMap:
        """There is none: `UnusableOption`."""
        raise no_map()

    def map_gradient(self, picture: ModelInput) -> MapGradient:
        """There is none: `UnusableOption`."""
        raise no_map()


def foreign(path: Path, what: str) -> UnusableBundle:
    """The error for a file that is no classifier of pictures."""
    return UnusableBundle(
        "onnx-foreign", f"{path} {what}.", remedy="Give an ONNX classifier of single pictures: (batch, 1 or 3, N, N)."
    )


def no_map() -> UnusableOption:
    """The error for a graph without an explanation in it."""
    return UnusableOption(
        "method-needs-bundle",
        "This method is made of a feature map, which only a bundle of Pneumoscope names.",
        remedy="Take --method occlusion or --method rise.",
    )
