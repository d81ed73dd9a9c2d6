"""What all blocks share: the results files, and numbers in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
RUN = "results/efficientnet-lite0-seed0"
TWIN = "results/efficientnet-lite0-twin"


def read(path: str) -> dict[str, Any]:
    """One results file."""
    content: dict[str, Any] = json.loads((PROJECT / path).read_text("utf-8"))
    return content


def percent(value: dict[str, float]) -> str:
    """A rate with its interval, in percent."""
    return f"{100 * value['value']:.1f} % [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"


def number(value: dict[str, float], digits: int = 3) -> str:
    """A value with its interval."""
    return f"{value['value']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"
