"""The fixed steps from a radiograph to what the model sees. This is the only copy in the code.

The published 224 px copies of the training radiographs were made from the originals by nearest-neighbour sampling to a
square (measured against 127 originals: mean difference 0.7 of 255 gray levels, which is the JPEG coding, where every
smoothing filter gives 2.6 to 3.0). A file of any size therefore goes the same way, and a 224 px copy passes through
unchanged. The square keeps no border that would tell the original aspect ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt8

from pneumoscope.arrays import GrayPicture, ModelInput
from pneumoscope.errors import UnusableBundle


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Sample a gray picture to a square of `size_px` pixels and scale it to [0, 1].

    The steps and their settings travel in the bundle's card (`to_dict`, `from_dict`), so that what was trained and
    evaluated is what ships.
    """

    size_px: int = 224
    resampling: str = "nearest"

    def __post_init__(self) -> None:
        if self.resampling != "nearest" or not 32 <= self.size_px <= 4096:
            raise UnusableBundle(
                "preprocessing-unknown",
                f"Preprocessing {self.resampling!r} at {self.size_px} px is not known to this version.",
                remedy="Install the version of pneumoscope that the bundle's card names.",
            )

    def sample(self, gray: GrayPicture) -> UInt8[np.ndarray, "size_px size_px"]:
        """The square picture in 8 bits: each pixel is the one at its centre in the original."""
        rows, columns = gray.shape
        if rows == columns == self.size_px:
            return gray
        sampled: UInt8[np.ndarray, "size_px size_px"] = gray[
            np.ix_(centres(rows, self.size_px), centres(columns, self.size_px))
        ]
        return sampled

    def __call__(self, gray: GrayPicture) -> ModelInput:
        """The array that the model graph takes, shape (1, size_px, size_px), values in [0, 1]."""
        scaled: ModelInput = np.multiply(self.sample(gray)[np.newaxis], np.float32(1 / 255), dtype=np.float32)
        return scaled

    def to_dict(self) -> dict[str, object]:
        return {"size_px": self.size_px, "resampling": self.resampling}

    @classmethod
    def from_dict(cls, settings: dict[str, object]) -> Preprocessing:
        """Read the settings of a card; `UnusableBundle` where they are not known here."""
        size_px, resampling = settings.get("size_px"), settings.get("resampling")
        if not isinstance(size_px, int) or not isinstance(resampling, str) or len(settings) != 2:
            raise UnusableBundle(
                "preprocessing-unknown",
                f"The card describes a preprocessing that is not known here: {settings}.",
                remedy="Install the version of pneumoscope that the bundle's card names.",
            )
        return cls(size_px, resampling)


def centres(length_px: int, size_px: int) -> Int[np.ndarray, " size_px"]:
    """Index of the original pixel under the centre of each of `size_px` equal parts of `length_px` pixels."""
    indices: np.ndarray = ((np.arange(size_px) + 0.5) * (length_px / size_px)).astype(np.intp)
    return indices
