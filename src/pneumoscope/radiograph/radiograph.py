"""A chest radiograph in memory: the gray picture as shown, where it came from, and what to be warned of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float32

from pneumoscope.arrays import GrayPicture


class WarningCode(StrEnum):
    """What reading, looking for lungs, and the map may warn of, each with one line on when."""

    PIXEL_RANGE_INFERRED = "pixel-range-inferred"
    """The file does not say which value is white; it was inferred from the values."""
    TINTED_FILM = "tinted-film"
    """The picture has one uniform tint, as a scanned film has; it was removed."""
    LOW_RESOLUTION = "low-resolution"
    """A side is shorter than what the model sees."""
    ODD_ASPECT_RATIO = "odd-aspect-ratio"
    """The picture is far longer than wide, or far wider than long."""
    LOW_CONTRAST = "low-contrast"
    """Nearly all pixels lie within a few gray levels."""
    WINDOW_UNUSABLE = "window-unusable"
    """DICOM: the header's window or look-up table cannot be; the full range of values was shown instead."""
    MODALITY_NOT_STATED = "modality-not-stated"
    """DICOM: the header does not say that this is a projection radiograph."""
    AIR_SHOWN_BRIGHT = "air-shown-bright"
    """Lungs are found only when the picture is inverted."""
    LUNGS_UNUSUAL = "lungs-unusual"
    """The lungs that were found are larger, smaller or elsewhere than in the radiographs the model was made from."""
    MAP_DOUBTFUL = "map-doubtful"
    """A positive decision, with unusually little of the evidence for it inside the lungs."""


@dataclass(frozen=True, slots=True)
class RadiographWarning:
    """Something that a reader of the result should know, though the radiograph was read.

    `code` is kebab-case (`WarningCode`), `message` a sentence for people, `tag` the DICOM tag it concerns, such as
    "(0010,1010) PatientAge", or None. No value of a patient's header is ever part of it.
    """

    code: str
    message: str
    tag: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        return {"code": self.code, "message": self.message, "tag": self.tag}


@dataclass(frozen=True, slots=True, eq=False)
class Radiograph:
    """One chest X-ray picture with its provenance.

    `gray` is C-contiguous and as shown: EXIF turn, look-up tables and MONOCHROME1 inversion are done. `source` is what
    to call the file to people, `sha256` the hash of its bytes in hexadecimal. Age, sex and view come from DICOM only.
    """

    gray: GrayPicture
    source: str
    media_type: str
    sha256: str
    age_years: float | None = None
    sex: str | None = None
    view_position: str | None = None
    warnings: tuple[RadiographWarning, ...] = ()

    @property
    def rows_px(self) -> int:
        return int(self.gray.shape[0])

    @property
    def columns_px(self) -> int:
        return int(self.gray.shape[1])

    @property
    def pixels(self) -> Float32[np.ndarray, "rows columns"]:
        """Gray values in [0, 1], bright = dense; computed anew at each call."""
        return self.gray.astype(np.float32) * np.float32(1 / 255)


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """What a decoder hands over: everything of a `Radiograph` but its provenance."""

    gray: GrayPicture
    age_years: float | None = None
    sex: str | None = None
    view_position: str | None = None
    warnings: tuple[RadiographWarning, ...] = ()
