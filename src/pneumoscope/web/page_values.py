"""What the page needs to show the values of a file through any window: all of them, in one answer.

The page windows them itself, so that dragging is smooth. They travel as plain 16-bit numbers, not as a picture: a canvas
reads a PNG back with 8 bits a channel, and browsers that guard against fingerprinting change what it reads.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass
from typing import Final

from pneumoscope.radiograph.picture_values import PictureValues
from pneumoscope.radiograph.reading_values import values_from_bytes

LONGER_PX: Final = 1024
"""Of the values that are sent: about one megabyte; the picture at the file's own window is there in full resolution."""
WORTH_TELLING: Final = 0.01
"""Of the pixels cut off at one end: a spot of a tenth of each side, large enough to hold a finding."""


@dataclass(frozen=True, slots=True)
class PageValues:
    """A gzipped body of 16-bit codes, little-endian, row by row; and what they mean, as JSON."""

    content: bytes
    meaning: str


def page_values(data: bytes) -> PageValues | None:
    """Of a file's bytes; None where it holds no more than its picture shows. `RefusedRadiograph` as for reading."""
    values = values_from_bytes(data, longer_px=LONGER_PX)
    if values is None:
        return None
    return PageValues(gzip.compress(values.codes.astype("<u2").tobytes(), 1, mtime=0), json.dumps(meaning(values)))


def meaning(values: PictureValues) -> dict[str, object]:
    """Everything but the codes; shares of what is cut off only where they are worth telling."""
    rows, columns = values.codes.shape
    return {
        "columns_px": columns,
        "rows_px": rows,
        "smallest": values.smallest,
        "largest": values.largest,
        "step": values.step,
        "window": asdict(values.window),
        "further_windows": [asdict(window) for window in values.further_windows],
        "inverted": values.inverted,
        "black_share": told(values.black_share),
        "white_share": told(values.white_share),
        "unit": values.unit,
    }


def told(share: float) -> float | None:
    """The share, or None where it is too small to tell of."""
    return share if share >= WORTH_TELLING else None
