"""The page, rendered once: everything on it that does not depend on a radiograph comes from the bundle's card."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from pneumoscope import __version__
from pneumoscope.bundle.bundle import Bundle
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.explanation.coloring import DEFAULT_ALPHA, Coloring
from pneumoscope.explanation.overlay import FOOTER
from pneumoscope.explanation.png import png_bytes
from pneumoscope.web.upload import in_words

KEY_ALPHA: Final = 0.8
"""The key to the colours is drawn stronger than the overlay at first is, so that it reads on light and dark."""


def key_png(coloring: Coloring) -> bytes:
    """The colours from no evidence (left) to the end of the scale (right), as a strip one pixel high."""
    strip = Image.frombytes("P", (256, 1), bytes(range(256)))
    strip.putpalette(coloring.colors)
    strip.info["transparency"] = bytes(coloring.opacities)
    return png_bytes(strip)


def rendered_page(bundle: Bundle, operating_point: OperatingPoint, *, upload_bytes: int) -> str:
    """The page's HTML, without inline script or style."""
    environment = Environment(
        loader=PackageLoader("pneumoscope.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    card = bundle.card
    return environment.get_template("page.html").render(
        card=card,
        title=bundle.title,
        operating_point=operating_point,
        scale_logit=card.saliency.scale_logit,
        start_percent=round(100 * DEFAULT_ALPHA),
        disclaimer=FOOTER,
        upload_bytes=upload_bytes,
        upload_limit=in_words(upload_bytes),
        version=__version__,
    )
