"""What operating points promised where they were chosen, and whether it held here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pneumoscope.report.evaluated import Document
from pneumoscope.report.words import in_percent, listed, percent

PROMISED: Final = ("sensitivity", "specificity")
HELD, ROSE, FELL, UNKNOWN = "held", "exceeded", "did not hold", "cannot be told"


def promises(document: Document) -> Iterator[str]:
    """One sentence on all operating points: which rates left the interval, and which way."""
    points = {
        name: point
        for name, point in (document.get("operating_points") or {}).items()
        if (point.get("promised") or {}).get("on")
    }
    if not points:
        return
    on = listed(sorted({str(point["promised"]["on"]) for point in points.values()}))
    by_change: dict[str, list[str]] = {}
    for name, point in points.items():
        by_change.setdefault(changes(point), []).append(name)
    kept = by_change.pop("", [])
    if not by_change:
        yield (
            f"What {listed(kept)} promised on {on} held: each promised rate lies inside the 95 % interval that was measured"
            " here."
        )
        return
    broken = any(verdict(point, rate) == FELL for point in points.values() for rate in PROMISED)
    clauses = "; ".join(f"at {listed(names)}, {found}" for found, names in by_change.items())
    rest = f"; what {listed(kept)} promised held" if kept else ""
    begin = f"Not every promise made on {on} held" if kept else f"The promises made on {on} did not hold"
    yield f"{begin if broken else f'The promises made on {on} were more than held'}: {clauses}{rest}."


def changes(point: Mapping[str, Any]) -> str:
    """`specificity fell from 98.5 % to 85.0 % (79.7 to 89.8)`, for each rate whose promise lies outside the interval."""
    return " and ".join(
        f"{rate} {'fell' if verdict(point, rate) == FELL else 'rose'} from {percent(point['promised'][rate])} to"
        f" {in_percent(point['metrics'][rate])}"
        for rate in PROMISED
        if verdict(point, rate) in {FELL, ROSE}
    )


def verdict(point: Mapping[str, Any], rate: str) -> str:
    """What became of a promised rate, by the interval measured here."""
    promised, entry = (point.get("promised") or {}).get(rate), point["metrics"][rate]
    low, high = entry.get("low"), entry.get("high")
    if promised is None or low is None or high is None:
        return UNKNOWN
    return FELL if promised > high else ROSE if promised < low else HELD
