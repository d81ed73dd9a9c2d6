"""Changes of the picture that leave the finding what it is: the answer should stay (Hendrycks 2019, arXiv:1903.12261).

Each is applied to the 8-bit gray radiograph before preprocessing, as if the file had come that way. Lengths are told in
pixels of the model's picture, so that a change is as strong on an original as on its small copy.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFilter

from pneumoscope.arrays import GrayPicture

CORNER_SHARE = 1 / 6
BORDER_SHARE = 0.05
TURNED_DEGREES = 5
BLUR_PX = 1.0
BRIGHTNESS_LEVELS = 0.10 * 255
LESS_CONTRAST, MORE_CONTRAST = 0.8, 1.25

ChangedPicture = UInt8[np.ndarray, "changed_rows changed_columns"]
"""A gray picture that may have another size than the one it was made from."""

Change = Callable[[GrayPicture, int], ChangedPicture | None]
"""Takes the picture and the side of the model's picture in px; None where the change cannot be told on this picture."""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A named change; `title` says in words what was done."""

    name: str
    title: str
    change: Change


def corner_markers_hidden(gray: GrayPicture, _size_px: int) -> ChangedPicture:
    """Each corner, a sixth of either side, filled with its own median: side markers and burnt-in letters go."""
    rows, columns = (max(1, round(length * CORNER_SHARE)) for length in gray.shape)
    hidden = gray.copy()
    for vertical in (slice(None, rows), slice(-rows, None)):
        for horizontal in (slice(None, columns), slice(-columns, None)):
            hidden[vertical, horizontal] = round(float(np.median(gray[vertical, horizontal])))
    return hidden


def borders_cropped(gray: GrayPicture, _size_px: int) -> ChangedPicture:
    """A twentieth of each side cut off at every edge."""
    rows, columns = (round(length * BORDER_SHARE) for length in gray.shape)
    return np.ascontiguousarray(gray[rows : gray.shape[0] - rows, columns : gray.shape[1] - columns])


def turned(degrees: float) -> Change:
    """Turned about the middle, counter-clockwise; the edge pixels go on where the film ends, so no wedge appears."""

    def change(gray: GrayPicture, _size_px: int) -> ChangedPicture:
        margin = int(np.ceil(max(gray.shape) * np.sin(np.radians(abs(degrees)))))
        wide = Image.fromarray(np.pad(gray, margin, mode="edge"))
        rotated = np.asarray(wide.rotate(degrees, Image.Resampling.BILINEAR))
        return np.ascontiguousarray(rotated[margin:-margin, margin:-margin])

    return change


def coded_as_jpeg(quality: int) -> Change:
    """Coded and decoded once as JPEG of this quality."""

    def change(gray: GrayPicture, _size_px: int) -> ChangedPicture:
        buffer = io.BytesIO()
        Image.fromarray(gray).save(buffer, format="JPEG", quality=quality)
        with Image.open(buffer) as picture:
            return np.asarray(picture.convert("L"))

    return change


def blurred(gray: GrayPicture, size_px: int) -> ChangedPicture:
    """A Gaussian blur whose standard deviation is one pixel of the model's picture."""
    radius = (BLUR_PX * gray.shape[1] / size_px, BLUR_PX * gray.shape[0] / size_px)
    return np.asarray(Image.fromarray(gray).filter(ImageFilter.GaussianBlur(radius)))


def sharpened(gray: GrayPicture, size_px: int) -> ChangedPicture:
    """An unsharp mask: what the blur takes away is added once more."""
    return in_range(2 * gray.astype(np.float32) - blurred(gray, size_px))


def brighter(levels: float) -> Change:
    """Gray levels moved up (or down, where negative)."""

    def change(gray: GrayPicture, _size_px: int) -> ChangedPicture:
        return in_range(gray.astype(np.float32) + levels)

    return change


def contrast_times(factor: float) -> Change:
    """Gray levels stretched about the picture's mean."""

    def change(gray: GrayPicture, _size_px: int) -> ChangedPicture:
        mean = float(gray.mean())
        return in_range((gray.astype(np.float32) - mean) * factor + mean)

    return change


def mirrored(gray: GrayPicture, _size_px: int) -> ChangedPicture:
    """Left and right exchanged."""
    return np.ascontiguousarray(gray[:, ::-1])


def halved_and_back(gray: GrayPicture, _size_px: int) -> ChangedPicture:
    """Resized to half its sides with a smoothing filter, and back: half of the detail is gone."""
    picture = Image.fromarray(gray)
    half = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.BOX)
    return np.asarray(half.resize(picture.size, Image.Resampling.BICUBIC))


def made_small_by(resampling: Image.Resampling) -> Change:
    """A copy of the model's size made from a larger original with a smoothing filter; nothing to tell on a small file."""

    def change(gray: GrayPicture, size_px: int) -> ChangedPicture | None:
        if min(gray.shape) <= size_px:
            return None
        return np.asarray(Image.fromarray(gray).resize((size_px, size_px), resampling))

    return change


def in_range(levels: np.ndarray) -> ChangedPicture:
    """Rounded and cut to 8 bits."""
    gray: ChangedPicture = np.rint(levels).clip(0, 255).astype(np.uint8)
    return gray


PERTURBATIONS = (
    Perturbation("corner-markers-hidden", "corner markers hidden", corner_markers_hidden),
    Perturbation("borders-cropped", "5 % of every border cropped", borders_cropped),
    Perturbation("rotated-left", "rotated by 5° counter-clockwise", turned(TURNED_DEGREES)),
    Perturbation("rotated-right", "rotated by 5° clockwise", turned(-TURNED_DEGREES)),
    Perturbation("jpeg-90", "coded as JPEG of quality 90", coded_as_jpeg(90)),
    Perturbation("jpeg-60", "coded as JPEG of quality 60", coded_as_jpeg(60)),
    Perturbation("jpeg-30", "coded as JPEG of quality 30", coded_as_jpeg(30)),
    Perturbation("blurred", "blurred by one pixel of the model", blurred),
    Perturbation("sharpened", "sharpened by an unsharp mask", sharpened),
    Perturbation("brighter", "brighter by 10 % of the range", brighter(BRIGHTNESS_LEVELS)),
    Perturbation("darker", "darker by 10 % of the range", brighter(-BRIGHTNESS_LEVELS)),
    Perturbation("less-contrast", "contrast times 0.8", contrast_times(LESS_CONTRAST)),
    Perturbation("more-contrast", "contrast times 1.25", contrast_times(MORE_CONTRAST)),
    Perturbation("mirrored", "left and right exchanged", mirrored),
    Perturbation("halved-and-back", "resized to half and back", halved_and_back),
    Perturbation(
        "small-copy-bilinear", "small copy of the original, bilinear", made_small_by(Image.Resampling.BILINEAR)
    ),
    Perturbation("small-copy-lanczos", "small copy of the original, Lanczos", made_small_by(Image.Resampling.LANCZOS)),
)
