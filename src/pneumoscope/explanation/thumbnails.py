"""Small pictures of radiographs, some hundred bytes each, to be shown beside an answer; too coarse to read a film by."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from pneumoscope.arrays import GrayPicture

LONGER_SIDE_PX: Final = 64
QUALITY: Final = 28
"""Of WebP: below, ribs fade into what looks like an opacity; above, thousands of cases take more than 1.5 MB."""
MEDIA_TYPE: Final = "image/webp"


def thumbnail_of(gray: GrayPicture) -> bytes:
    """The radiograph as WebP, its longer side 64 px; a smaller picture keeps its size."""
    picture = Image.fromarray(gray)
    scale = min(1.0, LONGER_SIDE_PX / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    content = io.BytesIO()
    picture.resize(size, Image.Resampling.LANCZOS).save(content, "WEBP", quality=QUALITY, method=6)
    return content.getvalue()


def picture_of(thumbnail: bytes) -> Image.Image:
    """The gray picture in a thumbnail; `ValueError` where it is none."""
    try:
        with Image.open(io.BytesIO(thumbnail), formats=("WEBP",)) as picture:
            return picture.convert("L")
    except (OSError, SyntaxError) as error:
        raise ValueError("a thumbnail") from error
