"""One result of a batch as the page shows it: words, numbers and addresses, ready to be written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

FACTS: Final = (
    ("age_years", "{} years"),
    ("sex", "{}"),
    ("view_position", "{}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something about the radiograph that limits the answer."""

    tag: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why there is no answer, and how to mend it."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the page says of one radiograph; every text may hold anything and is escaped by the template."""

    file: str
    overlay_url: str
    """Relative and percent-encoded; empty where there is no overlay."""
    probability: float | None
    decision: str
    """PNEUMONIA, NORMAL, or empty."""
    operating_point: str
    threshold: float | None
    zone: str
    """likely, uncertain, unlikely, or empty."""
    facts: str
    warnings: tuple[Warned, ...]
    refused: Refused | None


def row_of(result: Mapping[str, object]) -> Row:
    """Read one result object (schema version 1); what is missing or of another type is shown as missing."""
    refused = result.get("error")
    return Row(
        file=shown(result.get("file")) or "(no name)",
        overlay_url=_relative_url(result.get("overlay")),
        probability=_fraction(result.get("probability")),
        decision=shown(result.get("decision")),
        operating_point=shown(result.get("operating_point")),
        threshold=_fraction(result.get("threshold")),
        zone=shown(result.get("zone")),
        facts=", ".join(_facts(result)),
        warnings=tuple(
            Warned(tag=shown(each.get("tag")), message=shown(each.get("message")) or shown(each.get("code")))
            for each in _objects(result.get("warnings"))
        ),
        refused=Refused(
            code=shown(refused.get("code")), message=shown(refused.get("message")), remedy=shown(refused.get("remedy"))
        )
        if isinstance(refused, Mapping)
        else None,
    )


def shown(value: object) -> str:
    """The value as text that UTF-8 can hold: undecodable bytes in a file name become question marks."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


def probability_words(probability: float) -> str:
    """Two decimals; at the ends, no more certainty than two decimals can say."""
    if probability < 0.01:
        return "< 0.01"
    return "> 0.99" if probability > 0.99 else f"{probability:.2f}"


def breakable(name: str) -> Markup:
    """The name, escaped, with places to break a line after each slash, underscore, hyphen and dot."""
    return Markup("<wbr>").join(re.findall(r"[^/_.-]*[/_.-]|[^/_.-]+", name))


def _relative_url(path: object) -> str:
    """A path below the page as an address: nothing in a file name can become a scheme, a host, a query or a fragment."""
    if not isinstance(path, str) or not path:
        return ""
    return "./" + quote(path.replace("\\", "/"), safe="/", errors="surrogateescape")


def _fraction(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def _objects(value: object) -> Iterable[Mapping[str, object]]:
    return (each for each in value if isinstance(each, Mapping)) if isinstance(value, list | tuple) else ()


def _facts(result: Mapping[str, object]) -> Iterable[str]:
    for key, words in FACTS:
        value = result.get(key)
        if value is not None and value != "":
            yield words.format(f"{value:g}" if isinstance(value, float) else shown(value))
    if result.get("columns_px") and result.get("rows_px"):
        yield f"{shown(result['columns_px'])} \N{MULTIPLICATION SIGN} {shown(result['rows_px'])} px"
