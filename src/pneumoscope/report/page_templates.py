"""The templates of all pages that are reports."""

from __future__ import annotations

import base64
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from pneumoscope.report.row import breakable, probability_words
from pneumoscope.report.words import capital


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Templates that escape all they are given, and fail on a name they are not given."""
    found = Environment(
        loader=PackageLoader("pneumoscope.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["base64"] = lambda content: base64.b64encode(content).decode()
    found.filters["breakable"] = breakable
    found.filters["capital"] = capital
    found.filters["probability_words"] = probability_words
    return found
