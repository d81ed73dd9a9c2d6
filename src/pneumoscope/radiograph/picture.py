"""Turn JPEG, PNG, TIFF, WebP and BMP bytes into a gray picture, with Pillow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageFile

from pneumoscope.arrays import GrayPicture
from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.containers import check_container
from pneumoscope.radiograph.gate import check_colour, one_large_picture_at_a_time, refuse_picture_size
from pneumoscope.radiograph.gray_levels import (
    gray_from_floats,
    gray_from_integers,
    range_of_floats,
    range_of_integers,
)
from pneumoscope.radiograph.radiograph import DecodedPicture, RadiographWarning
from pneumoscope.radiograph.refusal import RefusalCode, cut_off
from pneumoscope.radiograph.sniffing import BMP, JPEG, PNG, TIFF, WEBP

Decoded = TypeVar("Decoded")

_ORIENTATION = 0x0112
_TURNING_BLOCKS = {"exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"}
"""Where Pillow keeps the blocks of a file that may ask for a turn."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BITS_PER_SAMPLE, _PHOTOMETRIC_INTERPRETATION, _WHITE_IS_ZERO = 258, 262, 0
_SAMPLE_SIDE_PX = 256


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The values of a picture with more than 256 levels (rows, columns), and which of them are black and white."""

    values: np.ndarray
    black: float
    white: float
    inverted: bool


def decode_picture(data: bytes, media_type: str) -> DecodedPicture:
    """The gray picture; `RefusedRadiograph` for whatever Pillow cannot decode whole."""
    gray, warnings = _decoded(data, media_type, _gray)
    return DecodedPicture(np.ascontiguousarray(gray), warnings=warnings)


def decode_levels(data: bytes, media_type: str) -> Levels | None:
    """The values as they are in the file; None where it holds 256 levels at most, or colours."""
    return _decoded(data, media_type, _many_levels)


def _decoded(data: bytes, media_type: str, work: Callable[[Image.Image], Decoded]) -> Decoded:
    """What `work` makes of the picture, upright; every error is ours."""
    check_container(data, media_type)
    try:
        image = _opened(data, media_type)
        refuse_picture_size(image.height, image.width)
        with one_large_picture_at_a_time(image.height, image.width):
            image.load()
            return work(_turned(image, media_type))
    except RefusedRadiograph:
        raise
    except Exception as error:  # noqa: BLE001 (Pillow raises what its plugins happen to; none may escape)
        raise _undecodable(data, media_type, error) from None


def _many_levels(image: Image.Image) -> Levels | None:
    if not _has_many_levels(image):
        return None
    values = _levels(image)
    black, white = range_of_floats(values) if image.mode == "F" else range_of_integers(values)
    return Levels(values, black, white, _is_inverted(image))


def _has_many_levels(image: Image.Image) -> bool:
    return image.mode in {"I", "F"} or image.mode.startswith("I;16")


def _opened(data: bytes, media_type: str) -> ImageFile.ImageFile:
    """The header only. The plugin is called by name: `Image.open` would import others and check a global limit."""
    # ruff: noqa: PLC0415 (each plugin is imported when its first file comes)
    file = BytesIO(data)
    if media_type == JPEG:
        from PIL.JpegImagePlugin import JpegImageFile

        return JpegImageFile(file)
    if media_type == PNG:
        from PIL.PngImagePlugin import PngImageFile

        return PngImageFile(file)
    if media_type == TIFF:
        from PIL.TiffImagePlugin import TiffImageFile

        return TiffImageFile(file)
    if media_type == WEBP:
        from PIL.WebPImagePlugin import WebPImageFile

        return WebPImageFile(file)
    assert media_type == BMP
    from PIL.BmpImagePlugin import BmpImageFile

    return BmpImageFile(file)


def _turned(image: Image.Image, media_type: str) -> Image.Image:
    """As the EXIF orientation asks. Pillow has turned TIFF already; EXIF that cannot be read turns nothing."""
    if media_type == TIFF or not _TURNING_BLOCKS & image.info.keys():
        return image
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 (a broken EXIF block raises anything)
        return image
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _gray(image: Image.Image) -> tuple[GrayPicture, tuple[RadiographWarning, ...]]:
    mode = image.mode
    if mode == "L" and "transparency" not in image.info:
        return np.asarray(image), ()
    if _has_many_levels(image):
        return _gray_of_many_levels(image)
    if mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        image = _on_black(image if mode == "RGBA" and "transparency" not in image.info else image.convert("RGBA"))
    elif mode in {"P", "CMYK", "YCbCr", "RGBX"}:
        image = image.convert("RGB")
    elif mode not in {"1", "RGB"}:
        raise RefusedRadiograph(
            RefusalCode.UNSUPPORTED_FORMAT,
            f"Its pixels are stored as {mode}, which is not read.",
            remedy="Save the picture in gray or RGB.",
        )
    warnings = check_colour(_sample(image)) if image.mode == "RGB" else ()
    return np.asarray(image.convert("L")), warnings


def _on_black(image: Image.Image) -> Image.Image:
    """Transparent parts become black, as outside the beam."""
    alpha = image.getchannel("A")
    colours = image.convert("RGB")
    if alpha.getextrema() == (255, 255):
        return colours
    return Image.composite(colours, Image.new("RGB", image.size), alpha)


def _sample(image: Image.Image) -> np.ndarray:
    """Some of the pixels on a grid, without turning all of them into an array."""
    columns, rows = (min(side, _SAMPLE_SIDE_PX) for side in image.size)
    return np.asarray(image.resize((columns, rows), Image.Resampling.NEAREST))


def _gray_of_many_levels(image: Image.Image) -> tuple[GrayPicture, tuple[RadiographWarning, ...]]:
    values = _levels(image)
    if image.mode == "F":
        gray, warnings = gray_from_floats(values)
    else:
        bits = _tags(image).get(_BITS_PER_SAMPLE, (16,))[0]
        gray, warnings = gray_from_integers(values, stated_bits=bits if bits == 12 else 16)
    return (255 - gray if _is_inverted(image) else gray), warnings


def _levels(image: Image.Image) -> np.ndarray:
    """The values of a picture with more than 256 levels, where what is transparent is 0."""
    values = np.asarray(image)
    transparent = image.info.get("transparency")
    return np.where(values == transparent, 0, values) if isinstance(transparent, int) and image.mode != "F" else values


def _is_inverted(image: Image.Image) -> bool:
    """Whether 0 is white; Pillow turns 8 bits only."""
    return _tags(image).get(_PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO


def _tags(image: Image.Image) -> Mapping[int, Any]:
    """Of a TIFF."""
    return getattr(image, "tag_v2", {})


def _undecodable(data: bytes, media_type: str, error: Exception) -> RefusedRadiograph:
    name = media_type.removeprefix("image/").upper()
    words = str(error).lower()
    if "truncated" in words:
        return cut_off(len(data))
    if any(part in words for part in ("unknown pixel mode", "nsupported", "unknown data organization")):
        return RefusedRadiograph(
            RefusalCode.UNSUPPORTED_FORMAT,
            f"This variant of {name} is not read.",
            remedy="Save the picture as PNG, gray or RGB, 8 or 16 bits.",
        )
    return RefusedRadiograph(
        RefusalCode.CORRUPT,
        f"The {name} file of {len(data):,} bytes is damaged and cannot be decoded.",
        remedy="Copy or export the file once more.",
    )
