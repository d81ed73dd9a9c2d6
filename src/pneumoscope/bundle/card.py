"""What a bundle says of itself: `card.json` as frozen dataclasses, checked when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pneumoscope.bundle.case_spec import CaseSpec
from pneumoscope.bundle.lung_spec import LungSpec
from pneumoscope.bundle.map_trust_spec import MapTrustSpec
from pneumoscope.errors import UnusableBundle, UnusableOption
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.zones import ConformalZones
from pneumoscope.radiograph.preprocessing import Preprocessing

FORMAT = "pneumoscope-bundle"
FORMAT_VERSION = 1
MODEL_FILE = "model.onnx"
LUNGS_FILE = "lungs.onnx"
CASES_FILE = "cases.npz"
CARD_FILE = "card.json"


@dataclass(frozen=True, slots=True)
class SaliencySpec:
    """How to read the saliency map.

    Where `adds_up`, its pixels plus `bias_logit` are the logit. `scale_logit` is the evidence of one map pixel at which
    the colour scale ends, the same for every radiograph.
    """

    method: str
    feature_map: str
    adds_up: bool
    bias_logit: float
    scale_logit: float


@dataclass(frozen=True, slots=True)
class Population:
    """Whom the model was made from; a radiograph outside gets a warning."""

    description: str
    age_years: tuple[float, float]
    view_positions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """The whole card. `provenance`, `metrics` and `versions` are for people and reports; nothing here depends on them.

    `lungs` describes the lung segmentation, in bundles that have one, `cases` the index of similar
    cases; `zones` are likely, uncertain and unlikely; `map_trust` says when a map is to be doubted.
    """

    name: str
    version: str
    intended_use: str
    preprocessing: Preprocessing
    labels: tuple[str, str]
    calibration: PlattCalibration
    operating_points: tuple[OperatingPoint, ...]
    default_operating_point: str
    saliency: SaliencySpec
    population: Population
    provenance: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    lungs: LungSpec | None = None
    zones: ConformalZones | None = None
    cases: CaseSpec | None = None
    map_trust: MapTrustSpec | None = None

    def operating_point(self, name: str | None = None) -> OperatingPoint:
        """By name, or the default; `UnusableOption` lists what there is."""
        wanted = name or self.default_operating_point
        for point in self.operating_points:
            if point.name == wanted:
                return point
        raise UnusableOption(
            "operating-point-unknown",
            f"The bundle has no operating point {wanted!r}.",
            remedy=f"Choose one of {', '.join(point.name for point in self.operating_points)}.",
        )


def card_to_json(card: Card, checksums: Mapping[str, str]) -> str:
    """The text of `card.json`, with the SHA-256 of each file beside it (by its name) and of the card's own content."""
    content = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(card)}
    content["preprocessing"] = card.preprocessing.to_dict()
    for optional in ("lungs", "zones", "cases", "map_trust"):
        if content[optional] is None:
            del content[optional]
    content["checksums"] = dict(checksums)
    content = json.loads(json.dumps(content))
    content["checksums"][CARD_FILE] = content_sha256(content)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def card_from_json(text: str, *, where: str) -> tuple[Card, dict[str, str]]:
    """The card and the SHA-256 that each file beside it must have; `UnusableBundle` where anything does not hold."""
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise corrupted(where, "is not JSON") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UnusableBundle(
            "bundle-foreign",
            f"{where} is not the card of a Pneumoscope bundle.",
            remedy="Point --bundle at a folder that `pneumoscope train` made.",
        )
    if content.get("format_version") != FORMAT_VERSION:
        raise UnusableBundle(
            "bundle-version",
            f"{where} has format version {content.get('format_version')}; this version reads {FORMAT_VERSION}.",
            remedy="Install the version of pneumoscope that made the bundle, or make the bundle again.",
        )
    checksums = content.get("checksums")
    if not isinstance(checksums, dict) or checksums.get(CARD_FILE) != content_sha256(content):
        raise corrupted(where, "does not match its own checksum")
    try:
        card = card_of(content)
        described = {LUNGS_FILE: card.lungs, CASES_FILE: card.cases}
        files = [MODEL_FILE, *(file for file, spec in described.items() if spec is not None)]
        return card, {file: str(checksums[file]) for file in files}
    except (KeyError, TypeError, ValueError) as error:
        raise corrupted(where, f"lacks or garbles {error}") from error


def card_of(content: Mapping[str, Any]) -> Card:
    """The dataclasses of a parsed card; `KeyError`, `TypeError` or `ValueError` where a key is missing or garbled."""
    population, saliency = content["population"], content["saliency"]
    card = Card(
        name=str(content["name"]),
        version=str(content["version"]),
        intended_use=str(content["intended_use"]),
        preprocessing=Preprocessing.from_dict(content["preprocessing"]),
        labels=(str(content["labels"][0]), str(content["labels"][1])),
        calibration=PlattCalibration(**content["calibration"]),
        operating_points=tuple(OperatingPoint(**point) for point in content["operating_points"]),
        default_operating_point=str(content["default_operating_point"]),
        saliency=SaliencySpec(**saliency),
        population=Population(
            description=str(population["description"]),
            age_years=(float(population["age_years"][0]), float(population["age_years"][1])),
            view_positions=tuple(str(view) for view in population["view_positions"]),
        ),
        provenance=content["provenance"],
        metrics=content["metrics"],
        versions=content["versions"],
        lungs=LungSpec.from_dict(content["lungs"]) if content.get("lungs") is not None else None,
        zones=ConformalZones(**content["zones"]) if content.get("zones") is not None else None,
        cases=CaseSpec.from_dict(content["cases"]) if content.get("cases") is not None else None,
        map_trust=MapTrustSpec.from_dict(content["map_trust"]) if content.get("map_trust") is not None else None,
    )
    if card.default_operating_point not in {point.name for point in card.operating_points}:
        raise ValueError(f"the operating point {card.default_operating_point}, which is its default")
    return card


def content_sha256(content: Mapping[str, Any]) -> str:
    """SHA-256 of the card without its own checksum, in canonical JSON."""
    checksums = {name: value for name, value in content["checksums"].items() if name != CARD_FILE}
    canonical = json.dumps({**content, "checksums": checksums}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def corrupted(where: str, what: str) -> UnusableBundle:
    """The error for a file that is not what was written."""
    return UnusableBundle(
        "bundle-corrupted",
        f"{where} {what}.",
        remedy="Copy the bundle again, or reinstall pneumoscope for the one that ships with it.",
    )
