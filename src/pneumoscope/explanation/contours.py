"""Lines of equal evidence over a radiograph: they show where the evidence ends and leave the picture below untouched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from pneumoscope.arrays import SaliencyMap
from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.heat_map import fine_map

SHARES_OF_SCALE: Final = (0.25, 0.5, 1.0)
"""Where lines are drawn unless somebody says otherwise, as shares of the evidence at which the colour saturates."""
OVERSAMPLING: Final = 2
CASING: Final = (0, 0, 0)
CASING_OPACITY: Final = 150
MOST_LEVELS: Final = 12


def levels_of_scale(coloring: Coloring) -> tuple[float, ...]:
    """The usual levels, in logit units: the same for every radiograph; below zero too where both signs are shown."""
    above = tuple(share * coloring.scale_logit for share in SHARES_OF_SCALE)
    below = tuple(-level for level in reversed(above)) if coloring.shows_both_signs else ()
    return (*below, *above)


def checked_levels(levels: Sequence[float], coloring: Coloring) -> tuple[float, ...]:
    """The levels, sorted; `UnusableOption` where one cannot be told from the others by its colour."""
    ordered = tuple(sorted(set(levels)))
    lowest = -coloring.scale_logit if coloring.shows_both_signs else 0.0
    wrong = [level for level in ordered if not (math.isfinite(level) and lowest <= level <= coloring.scale_logit)]
    if wrong or 0 in ordered or not 0 < len(ordered) <= MOST_LEVELS:
        raise UnusableOption(
            "levels-impossible",
            f"Contour lines cannot be drawn at {', '.join(f'{level:g}' for level in wrong or ordered) or 'no level'}.",
            remedy=f"Give 1 to {MOST_LEVELS} levels from {lowest:.3g} to {coloring.scale_logit:.3g}, none of them 0.",
        )
    return ordered


def draw_contours(picture: Image.Image, saliency_map: SaliencyMap, coloring: Coloring, levels: Sequence[float]) -> None:
    """Draw the lines into an RGB picture that holds the radiograph, each in the colour of its level."""
    width, height = (side * OVERSAMPLING for side in picture.size)
    values = Image.fromarray(fine_map(saliency_map)).resize((width, height), Image.Resampling.BILINEAR)
    evidence = np.asarray(values)
    line_px = max(3, round(max(width, height) / 340) | 1)
    for level in levels:
        beyond = evidence >= level if level > 0 else evidence <= level
        if not beyond.any():
            continue
        inside = Image.fromarray(beyond.astype(np.uint8) * 255)
        color = line_color(level, coloring)
        for width_px, fill, opacity in ((line_px + 4, CASING, CASING_OPACITY), (line_px, color, 255)):
            line = outline(inside, width_px).reduce(OVERSAMPLING)
            picture.paste(fill, (0, 0), line.point([round(value * opacity / 255) for value in range(256)]))


def outline(inside: Image.Image, width_px: int) -> Image.Image:
    """The border of what is 255, `width_px` wide, half on each side; the picture's own edge is no border.

    A blur mixes both sides just there, and its cost does not grow with the width.
    """
    mixed = inside.filter(ImageFilter.BoxBlur(width_px // 2))
    return mixed.point([0, *[255] * 254, 0])


def line_color(level: float, coloring: Coloring) -> tuple[int, int, int]:
    """Opaque, as in the colour bar."""
    place = 3 * int(coloring.levels(np.array([[level]], np.float32))[0, 0])
    red, green, blue = coloring.colors[place : place + 3]
    return red, green, blue
