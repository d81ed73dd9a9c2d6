"""Which colour a piece of evidence gets, fixed in logit units, so that one colour means one thing in every picture.

Stretching each map to its own minimum and maximum, as most demonstrations do, draws a normal radiograph as hot as a
pneumonia. Here the evidence at which the colour saturates comes from the bundle's card and is never stretched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

from pneumoscope.errors import UnusableOption

DEFAULT_COLORMAP = "jet"
DEFAULT_ALPHA = 0.4
FULL_OPACITY_AT = 0.25
"""The fraction of `scale_logit` from which the colour has its whole opacity; below, it fades to nothing at zero."""
PURE_RED_OF_JET = 0.89
"""Beyond it jet darkens again; over a radiograph the most evidence would look like a hole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coloring:
    """A colour map by name, its opacity, and the evidence per map cell (logit units) at which it saturates.

    Diverging colour maps (coolwarm, RdBu_r, ...) show the evidence for and against, around zero; all others show the
    evidence for pneumonia only. The names are those of the package `cmap` (BSD-3-Clause), in any case.
    """

    scale_logit: float
    colormap: str = DEFAULT_COLORMAP
    alpha: float = DEFAULT_ALPHA

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise UnusableOption(
                "alpha-out-of-range",
                f"The opacity of the overlay is {self.alpha}.",
                remedy="Give a number from 0 (radiograph only) to 1 (colour only).",
            )
        if not (math.isfinite(self.scale_logit) and self.scale_logit > 0):
            raise UnusableOption(
                "scale-impossible",
                f"The evidence at which the colour saturates is {self.scale_logit} logit units.",
                remedy="Give a number greater than 0, or take the scale of the bundle's card.",
            )
        _color_table(self.colormap)

    @property
    def shows_both_signs(self) -> bool:
        """Whether evidence against pneumonia is drawn too."""
        return _color_table(self.colormap)[1]

    def levels(self, evidence: Float[np.ndarray, "rows columns"]) -> UInt8[np.ndarray, "rows columns"]:
        """The index into `colors` and `opacities` of each value: zero evidence is `zero_level`, `scale_logit` is 255."""
        position = np.clip(evidence / self.scale_logit, -1.0 if self.shows_both_signs else 0.0, 1.0)
        return np.rint(position * (255 - self.zero_level) + self.zero_level).astype(np.uint8)

    @property
    def zero_level(self) -> int:
        return 128 if self.shows_both_signs else 0

    @property
    def colors(self) -> bytes:
        """256 colours, red green blue, as a Pillow palette."""
        return _color_table(self.colormap)[0]

    @property
    def opacities(self) -> tuple[int, ...]:
        """For each of the 256 levels, the opacity of the colour: 0 at zero evidence, `alpha` * 255 where it is clear."""
        return _opacity_table(self.zero_level, self.alpha)

    @property
    def legend(self) -> str:
        """What the colours show, in a sentence for people."""
        shown = "Evidence for and against pneumonia" if self.shows_both_signs else "Evidence for pneumonia"
        return f"{shown}, logit units per map cell; the scale is the same for every picture"


@lru_cache(maxsize=64)
def _opacity_table(zero_level: int, alpha: float) -> tuple[int, ...]:
    position = np.abs(np.arange(256) - zero_level) / (255 - zero_level)
    return tuple(np.rint(np.clip(position / FULL_OPACITY_AT, 0, 1) * alpha * 255).astype(int).tolist())


@lru_cache(maxsize=64)
def _color_table(name: str) -> tuple[bytes, bool]:
    """The 256 colours of a colour map, and whether it is diverging; `UnusableOption` for an unknown name."""
    from cmap import Colormap  # noqa: PLC0415 - its catalogue takes 0.1 s to load

    plain = name.strip().lower()
    suffix = "_r" if plain.endswith("_r") else ""
    catalog = Colormap.catalog()
    try:
        colormap = Colormap(catalog.resolve(plain.removesuffix("_r")) + suffix)
    except (KeyError, ValueError):
        raise _unknown(name, sorted(catalog.short_keys())) from None
    last = PURE_RED_OF_JET if plain == "jet" else 1.0
    colors = np.asarray(colormap(np.linspace(0, last, 256)))[:, :3]
    return np.rint(colors * 255).astype(np.uint8).tobytes(), colormap.category == "diverging"


def _unknown(name: str, known: list[str]) -> UnusableOption:
    by_lower = {each.lower(): each for each in known}
    nearest = [by_lower[each] for each in get_close_matches(name.strip().lower(), by_lower, n=4, cutoff=0.5)]
    return UnusableOption(
        "colormap-unknown",
        f"There is no colour map named {name[:60]!r}.",
        remedy=f"Did you mean {' or '.join(nearest)}?" if nearest else "Take jet, hot, viridis, inferno or coolwarm.",
    )
