"""What the server says of one radiograph under the keys that the field's clients read."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from pydantic import BaseModel, Field

from pneumoscope.arrays import GrayPicture
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.evaluation.zones import Zone
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.heat_map import blended
from pneumoscope.explanation.png import png_bytes
from pneumoscope.inference.prediction import Prediction
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.reading import radiograph_from_bytes
from pneumoscope.radiograph.refusal import RefusalCode
from pneumoscope.web.upload import UPLOAD_NAME

SHOWN_PX: Final = 1280
"""Longer side of the pictures that are sent; the map itself is far coarser."""


class Warned(BaseModel):
    """Something to know about the answer."""

    code: str
    message: str
    tag: str | None = Field(description="The DICOM tag it concerns.")


class ReferenceAnswer(BaseModel):
    """The answer of `POST /predict`: the keys that the field's clients read, and five of our own."""

    diagnosis: Decision = Field(description="The decision at the operating point. Not a diagnosis by a physician.")
    confidence: float = Field(description="Percent: the probability of what was decided, NORMAL or PNEUMONIA.")
    raw_score: float = Field(description="The calibrated probability of pneumonia, as `probability`.")
    status: str = Field(description="`success`; errors are problem documents.")
    gradcam_available: bool
    gradcam: str = Field(description="The overlay as a base64 PNG: blue is weak, red strong evidence for pneumonia.")
    probability: float = Field(description="The calibrated probability of pneumonia, 0 to 1.")
    operating_point: str = Field(description="Where the decision is made.")
    threshold: float = Field(description="PNEUMONIA from this probability on.")
    zone: Zone | None = Field(description="`uncertain` where neither answer keeps its promised error rate.")
    warnings: list[Warned]


def predicted(data: bytes, predictor: Predictor) -> Prediction:
    """Read and score; `RefusedRadiograph` says why it cannot be."""
    try:
        return predictor.predict(radiograph_from_bytes(data, UPLOAD_NAME))
    except MemoryError:
        raise RefusedRadiograph(
            RefusalCode.TOO_LARGE, "It does not fit into the server's memory.", remedy="Export it at a smaller size."
        ) from None


def reference_answer(data: bytes, predictor: Predictor, coloring: Coloring) -> ReferenceAnswer:
    """As the reference system answers. Its `raw_score` is read as the probability of pneumonia, so ours is calibrated.

    With a threshold other than one half the confidence of what was decided can be below 50 %.
    """
    prediction = predicted(data, predictor)
    probability = prediction.probability
    of_the_decided = probability if prediction.decision is Decision.PNEUMONIA else 1 - probability
    overlay = blended(shown(prediction.radiograph.gray), prediction.saliency_map, coloring)
    return ReferenceAnswer(
        diagnosis=prediction.decision,
        confidence=round(100 * of_the_decided, 2),
        raw_score=probability,
        status="success",
        gradcam_available=True,
        gradcam=base64_text(png_bytes(overlay)),
        probability=probability,
        operating_point=prediction.operating_point.name,
        threshold=prediction.operating_point.threshold,
        zone=prediction.zone,
        warnings=[Warned.model_validate(warning.to_dict()) for warning in prediction.warnings],
    )


def shown(gray: GrayPicture) -> UInt8[np.ndarray, "shown_rows shown_columns"]:
    """The radiograph at the size it is shown at, never enlarged."""
    rows, columns = gray.shape
    if max(rows, columns) <= SHOWN_PX:
        return gray
    scale = SHOWN_PX / max(rows, columns)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return np.asarray(Image.fromarray(gray).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def base64_text(content: bytes) -> str:
    """As JSON carries bytes."""
    return b64encode(content).decode("ascii")
