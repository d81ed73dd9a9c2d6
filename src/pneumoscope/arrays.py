"""The arrays that travel between rooms, named once: shape, type and meaning (jaxtyping, checked at run time in tests)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

INPUT_NAME = "radiograph"
"""The one input of a model graph, a `ModelInputBatch`."""

OUTPUT_NAMES = ("logit", "saliency_map", "embedding")
"""Its outputs, for a batch."""

GrayPicture = UInt8[np.ndarray, "rows columns"]
"""A radiograph as shown: 0 is the least dense (air, black), 255 the densest (bone, white)."""

ModelInput = Float32[np.ndarray, "1 size_px size_px"]
"""One preprocessed radiograph, gray values in [0, 1], bright = dense."""

ModelInputBatch = Float32[np.ndarray, "batch 1 size_px size_px"]
"""Preprocessed radiographs as the model graph takes them."""

SaliencyMap = Float32[np.ndarray, "map_rows map_columns"]
"""Signed evidence in logit units: positive speaks for the finding, negative against it."""

Embedding = Float32[np.ndarray, " channels"]
"""The pooled feature vector that the head reads."""

ColorPicture = UInt8[np.ndarray, "rows columns 3"]
"""A picture for people, red green blue."""

LungMask = Bool[np.ndarray, "rows columns"]
"""True where a lung is."""

Scores = Float[np.ndarray, " radiographs"]
"""One number a radiograph: logit, score or probability, as the name of the argument says."""

Labels = Bool[np.ndarray, " radiographs"]
"""The reference standard: True where the finding is present."""
