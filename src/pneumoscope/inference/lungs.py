"""The lungs in a radiograph, by the bundle's segmentation: where they are, how large, which is right and which left."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import onnxruntime
from jaxtyping import Bool

from pneumoscope.arrays import INPUT_NAME, GrayPicture, LungMask
from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.card import LUNGS_FILE
from pneumoscope.bundle.lung_spec import LUNG_PROBABILITY_NAME, LungSpec
from pneumoscope.inference.session import cpu_session, foreign_graph
from pneumoscope.radiograph.preprocessing import Preprocessing, centres


@dataclass(frozen=True, eq=False)
class Lungs:
    """The lungs that were found, on the grid of the segmentation.

    Right and left are the patient's. By radiological convention the patient faces the reader: the right lung lies on the
    left side of the picture. `air_is_bright` where they were found only after the picture was inverted.
    """

    right: LungMask
    left: LungMask
    air_is_bright: bool = False

    @cached_property
    def both(self) -> LungMask:
        both: LungMask = self.right | self.left
        return both

    @cached_property
    def right_area_share(self) -> float:
        """Of the picture, as the other shares."""
        return float(self.right.mean())

    @cached_property
    def left_area_share(self) -> float:
        return float(self.left.mean())

    @cached_property
    def area_share(self) -> float:
        return self.right_area_share + self.left_area_share

    @cached_property
    def smaller_share(self) -> float:
        """Of their area, what the smaller one has; 0 without lungs."""
        return min(self.right_area_share, self.left_area_share) / self.area_share if self.area_share else 0.0

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Row and column of the lungs' centre of area, as shares of height and width; NaN without lungs."""
        both = self.both
        total = both.sum()
        if total == 0:
            return float("nan"), float("nan")
        rows, columns = both.shape
        row = both.sum(axis=1) @ (np.arange(rows) + 0.5) / (total * rows)
        column = both.sum(axis=0) @ (np.arange(columns) + 0.5) / (total * columns)
        return float(row), float(column)


class LungSegmenter:
    """A bundle's `lungs.onnx`, open and ready. Its methods may be called from several threads at once."""

    def __init__(self, bundle: Bundle) -> None:
        """`UnusableBundle` where the bundle has no lung segmentation, or one that is not ours."""
        if bundle.lungs is None or bundle.card.lungs is None:
            raise foreign_graph(bundle, LUNGS_FILE, "is not there: this bundle has no lung segmentation")
        self.spec: LungSpec = bundle.card.lungs
        self.preprocessing = Preprocessing(self.spec.size_px)
        self.output_size_px = bundle.card.preprocessing.size_px
        self.session = open_lung_session(bundle, bundle.lungs, self.spec)

    def mask(self, gray: GrayPicture) -> Bool[np.ndarray, "size_px size_px"]:
        """True where lung is, at the size of the bundle's preprocessing (the grid that the model sees)."""
        found = self.lungs(gray).both
        rows, columns = (centres(length, self.output_size_px) for length in found.shape)
        at_model_size: np.ndarray = found[np.ix_(rows, columns)]
        return at_model_size

    def lungs(self, gray: GrayPicture) -> Lungs:
        """The lungs of one radiograph of any size; where hardly any are found, those of its inverse, if they are usual."""
        sampled = self.preprocessing.sample(gray)
        found = self.lungs_as_shown(sampled)
        if found.area_share >= self.spec.least_area_share:
            return found
        inverted = self.lungs_as_shown(255 - sampled)
        return replace(inverted, air_is_bright=True) if usual_in_size(inverted, self.spec) else found

    def lungs_as_shown(self, gray: GrayPicture) -> Lungs:
        """The lungs that are found where air is dark, as it should be."""
        batch = self.preprocessing(gray)[np.newaxis]
        (probabilities,) = self.session.run([LUNG_PROBABILITY_NAME], {INPUT_NAME: batch})
        return told_apart(probabilities[0] >= self.spec.threshold)


def usual_in_size(lungs: Lungs, spec: LungSpec) -> bool:
    """Whether the train part had lungs as large and as equal."""
    low, high = spec.area_share
    return low <= lungs.area_share <= high and lungs.smaller_share >= spec.smaller_lung_share


def told_apart(mask: LungMask) -> Lungs:
    """Both lungs, split at the column between them that holds the least lung.

    It is looked for in the middle half of their extent. Where no column there holds less than half of what the fullest
    holds, only one lung is seen; then the middle of the picture decides which.
    """
    columns = mask.shape[1]
    heights = mask.sum(axis=0)
    filled = np.flatnonzero(heights)
    if len(filled) == 0:
        return Lungs(mask, mask)
    first, last = int(filled[0]), int(filled[-1]) + 1
    quarter = (last - first) // 4
    between = heights[first + quarter : last - quarter]
    middle = columns // 2
    if len(between) and 2 * between.min() < heights.max():
        lowest = np.flatnonzero(between == between.min()) + first + quarter
        middle = int(lowest[np.abs(lowest - (first + last) / 2).argmin()])
    right, left = mask.copy(), mask.copy()
    right[:, middle:] = False
    left[:, :middle] = False
    return Lungs(right, left)


def open_lung_session(bundle: Bundle, content: bytes, spec: LungSpec) -> onnxruntime.InferenceSession:
    """A session of one thread, for the network is small; `UnusableBundle` where the graph is not one of ours."""
    try:
        session = cpu_session(content, threads=1)
    except Exception as error:  # ONNX Runtime's errors share no public base class
        raise foreign_graph(bundle, LUNGS_FILE, "is not a graph that ONNX Runtime can open") from error
    inputs = [(entry.name, entry.shape[1:], entry.type) for entry in session.get_inputs()]
    if inputs != [(INPUT_NAME, [1, spec.size_px, spec.size_px], "tensor(float)")]:
        raise foreign_graph(bundle, LUNGS_FILE, f"takes {inputs}, not the input that the card describes")
    if [entry.name for entry in session.get_outputs()] != [LUNG_PROBABILITY_NAME]:
        raise foreign_graph(bundle, LUNGS_FILE, f"does not return {LUNG_PROBABILITY_NAME} alone")
    return session
