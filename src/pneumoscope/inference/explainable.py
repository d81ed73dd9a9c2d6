"""Models that can be asked for an explanation: an open bundle, or any ONNX classifier of one picture.

They are what `pneumoscope.explanation.methods.explained` takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

from pneumoscope.arrays import INPUT_NAME, ModelInput, ModelInputBatch, SaliencyMap, Scores
from pneumoscope.errors import UnusableBundle, UnusableOption
from pneumoscope.explanation.gradient_maps import MapGradient, gradient_of_mean
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.session import cpu_session

FEATURE_OUTPUTS = ("feature_map", "channel_weight")
"""What `pneumoscope.model.feature_outputs` lets a bundle's graph return: a feature map, and its channels' mean gradient."""

IMAGE_RANK: Final = 4
INPUT_TYPES: Final = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
CHANNELS: Final = (3, 1)
"""Tried in this order where the graph leaves the number of channels open."""


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

    The gray value in [0, 1] goes into all channels, after `(value - mean) / std`, as float32 or float16; channels come
    before rows, or after columns where `channels_last`. Of what the first output gives for a picture, number
    `output_index` is the answer, as the graph gives it: a logit, or a probability.
    """

    session: onnxruntime.InferenceSession
    size_px: int
    channels: int
    output_index: int
    mean: float = 0.0
    std: float = 1.0
    channels_last: bool = False
    output: str = "answer"
    gradient_is_constant: bool = False

    @classmethod
    def open(
        cls, path: Path, *, size_px: int, output_index: int = 0, mean: float = 0.0, std: float = 1.0, threads: int = 0
    ) -> AnyClassifier:
        """`UnusableBundle` where the file is no such graph, `UnusableOption` where size, index, mean or std do not fit.

        A graph that leaves its axes open is asked about three channels first, then one, channels first, then last.
        """
        if not (math.isfinite(mean) and math.isfinite(std) and std != 0):
            raise UnusableOption(
                "onnx-options",
                f"The pictures cannot be scaled by mean {mean} and std {std}.",
                remedy="Give finite numbers, and a --std that is not 0.",
            )
        try:
            session = cpu_session(path.read_bytes(), threads=threads)
        except OSError as error:
            raise foreign(path, f"cannot be read ({error.strerror})") from error
        except Exception as error:  # ONNX Runtime's errors share no public base class
            raise foreign(path, "is not a graph that ONNX Runtime can open") from error
        inputs = session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != IMAGE_RANK or inputs[0].type not in INPUT_TYPES:
            shapes = ", ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in inputs)
            raise foreign(path, f"takes {shapes}, not one float32 or float16 batch of pictures")
        layouts = layouts_of(inputs[0].shape)
        if not layouts:
            raise foreign(path, f"takes {inputs[0].shape}, not pictures of 1 or 3 channels")
        refuse_other_sizes(path, inputs[0].shape[1:3] if layouts[0][1] else inputs[0].shape[2:], size_px)
        model = cls(session, size_px, 1, output_index, mean, std)
        for channels, channels_last in layouts:
            model = replace(model, channels=channels, channels_last=channels_last)
            if model.can_be_asked():
                model.refuse_foreign_answers(path)
                return model
        raise foreign(path, f"does not take pictures of {size_px} x {size_px} pixels")

    def answers(self, batch: ModelInputBatch) -> Scores:
        """The chosen number of each picture; `UnusableBundle` where one is not finite."""
        given = self.every_answer(batch)
        chosen: Scores = given.reshape(len(given), -1)[:, self.output_index].astype(np.float32)
        if not np.isfinite(chosen).all():
            raise UnusableBundle(
                "onnx-not-finite",
                "The graph gives something else than a finite number for a picture.",
                remedy="Check --mean, --std and the graph.",
            )
        return chosen

    def every_answer(self, batch: ModelInputBatch) -> np.ndarray:
        """What the first output gives, (batch, ...); graphs made for one picture get them one by one."""
        entry = self.session.get_inputs()[0]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # what is not finite is told of the answers
            gray = (batch - np.float32(self.mean)) / np.float32(self.std)
            scaled = np.repeat(gray, self.channels, axis=1).astype(INPUT_TYPES[entry.type])
        if self.channels_last:
            scaled = np.ascontiguousarray(np.moveaxis(scaled, 1, -1))
        first = self.session.get_outputs()[0].name
        at_once = entry.shape[0] if isinstance(entry.shape[0], int) else len(scaled)
        parts = []
        for start in range(0, len(scaled), at_once):
            part = scaled[start : start + at_once]
            missing = at_once - len(part)
            full = np.concatenate([part, np.repeat(part[:1], missing, axis=0)]) if missing else part
            (found,) = self.session.run([first], {entry.name: full})
            parts.append(np.asarray(found)[: len(part)])
        together: np.ndarray = np.concatenate(parts)
        return together

    def can_be_asked(self) -> bool:
        """Whether the graph runs on pictures of this size and layout."""
        try:
            self.every_answer(self.two_grays())
        except Exception:  # noqa: BLE001 - ONNX Runtime's errors share no public base class
            return False
        return True

    def two_grays(self) -> ModelInputBatch:
        """Two pictures of nothing, to ask about."""
        return np.full((2, 1, self.size_px, self.size_px), 0.5, np.float32)

    def refuse_foreign_answers(self, path: Path) -> None:
        """Ask once about gray pictures: a classifier gives a list of numbers for each, not a picture or a label."""
        grays = self.two_grays()
        given = self.every_answer(grays)
        if len(given) != len(grays) or not np.issubdtype(given.dtype, np.floating):
            raise foreign(path, "does not answer with numbers for each picture")
        if sum(side > 1 for side in given.shape[1:]) > 1:
            shape = " x ".join(map(str, given.shape[1:]))
            raise foreign(
                path, f"gives {shape} numbers for a picture, which is a picture itself, not a list of answers"
            )
        count = math.prod(given.shape[1:])
        if not 0 <= self.output_index < count:
            raise UnusableOption(
                "output-index-wrong",
                f"{path} gives {count} numbers for a picture; there is no number {self.output_index}.",
                remedy=f"Give --output-index from 0 to {count - 1}.",
            )

    def saliency_map(self, picture: ModelInput) -> SaliencyMap:
        """There is none: `UnusableOption`."""
        raise no_map()

    def map_gradient(self, picture: ModelInput) -> MapGradient:
        """There is none: `UnusableOption`."""
        raise no_map()


def layouts_of(shape: list[int | str | None]) -> list[tuple[int, bool]]:
    """How many channels a graph's input may have, and whether they come last; the likeliest first, none if it has others."""
    _, second, _, last = shape
    if second in CHANNELS:
        return [(int(second), False)]
    if last in CHANNELS:
        return [(int(last), True)]
    first_open, last_open = not isinstance(second, int), not isinstance(last, int)
    return [
        (channels, channels_last)
        for channels_last, is_open in ((False, first_open), (True, last_open))
        for channels in CHANNELS
        if is_open
    ]


def refuse_other_sizes(path: Path, sides: list[int | str | None], size_px: int) -> None:
    """`UnusableOption` where the graph names another size than was given."""
    for side in sides:
        if isinstance(side, int) and side != size_px:
            rows, columns = sides
            raise UnusableOption(
                "input-size-wrong",
                f"{path} takes pictures of {rows} x {columns} pixels, not {size_px} x {size_px}.",
                remedy=f"Give --input-size {side}." if rows == columns else "Only square pictures are covered here.",
            )


def foreign(path: Path, what: str) -> UnusableBundle:
    """The error for a file that is no classifier of pictures."""
    return UnusableBundle(
        "onnx-foreign",
        f"{path} {what}.",
        remedy="Give an ONNX classifier of single pictures: (batch, 1 or 3, N, N) or (batch, N, N, 1 or 3).",
    )


def no_map() -> UnusableOption:
    """The error for a graph without an explanation in it."""
    return UnusableOption(
        "method-needs-bundle",
        "This method is made of a feature map, which only a bundle of Pneumoscope names.",
        remedy="Take --method occlusion or --method rise.",
    )
