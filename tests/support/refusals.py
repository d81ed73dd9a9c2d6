"""Ask for the refusal of a file, and for picture bytes to ask with."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.reading import radiograph_from_bytes


def refusal_of(data: bytes) -> RefusedRadiograph:
    """The refusal; the test fails where the bytes are read."""
    with pytest.raises(RefusedRadiograph) as refused:
        radiograph_from_bytes(data, "file")
    return refused.value


def warning_codes_of(data: bytes) -> list[str]:
    return [warning.code for warning in radiograph_from_bytes(data, "file").warnings]


def picture_bytes(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()
