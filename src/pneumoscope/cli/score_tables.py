"""Score tables that people name on the command line: which split they are of, and by which bundle they were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.card import Card
from pneumoscope.errors import UnusableData, UnusableOption
from pneumoscope.evaluation.columns import Categories, ScoreColumns
from pneumoscope.evaluation.operating_point import GivenThreshold, OperatingPoint
from pneumoscope.inference.score_origin import BundleIdentity, ScoreOrigin

SPLIT = "split"
QUARTILE_COLUMNS = (("original_width_px", "width_px"), ("original_height_px", "height_px"))
CUES = ("aspect_ratio", "sharpness")
SUBTYPE = "subtype"
HALF = GivenThreshold("half", 0.5)


def of_one_split(table: ScoreColumns, stated: str | None, *, where: Path) -> tuple[ScoreColumns, str | None]:
    """The rows of the stated split, or all where the table records one split or none; and which split that is."""
    recorded = table.extras.get(SPLIT)
    if not isinstance(recorded, Categories):
        return table, stated
    present = [recorded.names[code] for code in np.unique(recorded.codes).tolist()]
    if present == [""]:
        return table, stated
    if stated is None and len(present) > 1:
        raise UnusableOption(
            "several-splits",
            f"{where} holds rows of {' and '.join(name or 'no split' for name in present)}.",
            remedy="Choose one of them by --split.",
        )
    chosen = present[0] if stated is None else stated
    if chosen not in present:
        raise UnusableData(
            "split-empty",
            f"{where} holds no rows of the split {chosen}, but of {', '.join(name or 'no split' for name in present)}.",
            remedy="Choose another --split.",
        )
    return table.take(np.flatnonzero(recorded.codes == recorded.names.index(chosen))), chosen


def refuse_another_model(origin: ScoreOrigin | None, bundle: Bundle, *, where: Path) -> None:
    """A card's calibration and operating points are for scores of its own model only."""
    if origin is not None and origin.bundle.model_sha256 != BundleIdentity.of(bundle).model_sha256:
        raise UnusableData(
            "scores-of-another-model",
            f"{where} was made by {origin.bundle.name} {origin.bundle.version}"
            f" ({origin.bundle.model_sha256[:12]}), which is not the model of {bundle.folder}.",
            remedy="Name that bundle by --bundle, or score with this one.",
        )


def by_card(table: ScoreColumns, card: Card) -> ScoreColumns:
    """Probabilities as the card's calibration makes them of the logits, where those are known."""
    if table.logits is None:
        return table
    probability = card.calibration.probability
    found = np.fromiter((probability(logit) for logit in table.logits.tolist()), np.float64, len(table))
    return replace(table, probabilities=found)


def thresholds_of(settings: Sequence[str]) -> list[GivenThreshold]:
    """`NAME=VALUE` each; `UnusableOption` where one is not."""
    points = []
    for setting in settings:
        name, _, value = setting.rpartition("=")
        try:
            points.append(GivenThreshold(name.strip(), float(value)))
        except ValueError:
            name = ""
        if not name.strip():
            raise UnusableOption(
                "threshold-impossible",
                f"{setting!r} does not name a threshold.",
                remedy="Give NAME=VALUE, such as --threshold half=0.5.",
            )
    return points


def measured_points(card: Card | None, given: Sequence[GivenThreshold]) -> list[OperatingPoint | GivenThreshold]:
    """The card's, then those that were given; `half` where there are none. `UnusableOption` where two share a name."""
    points: list[OperatingPoint | GivenThreshold] = [*(card.operating_points if card else ()), *given]
    points = points or [HALF]
    names = [point.name for point in points]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UnusableOption(
            "threshold-twice", f"There are two thresholds named {twice[0]}.", remedy="Give another name by --threshold."
        )
    return points


def subgroup_columns(table: ScoreColumns) -> list[str]:
    """What is looked at unless something else is asked for: the subtype, and quartiles of size, shape and sharpness."""
    columns = []
    subtype = table.extras.get(SUBTYPE)
    if isinstance(subtype, Categories) and len(np.unique(subtype.codes)) > 1:
        columns.append(SUBTYPE)
    known = [next((name for name in names if name in table.extras), "") for names in QUARTILE_COLUMNS]
    return columns + [name for name in (*known, *CUES) if isinstance(table.extras.get(name), np.ndarray)]
