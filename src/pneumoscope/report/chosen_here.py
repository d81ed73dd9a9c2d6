"""Which parts of a bundle were chosen on the very radiographs of an evaluation: of those it can prove nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pneumoscope.bundle.card import Card
from pneumoscope.report.words import listed

WEIGHTS, CALIBRATION, POINTS, ZONES = "weights", "calibration", "operating points", "zones"
PARTS: Final = (WEIGHTS, CALIBRATION, POINTS, ZONES)
KEY: Final = "chosen_here"
"""Key of `evaluation.json`."""
SAME_RADIOGRAPHS: Final = ("scores_sha256", "radiographs_sha256")


def chosen_here(document: Mapping[str, Any], card: Card | None) -> tuple[str, ...]:
    """Of `PARTS` those that were chosen on this split, by its name or by a checksum; as the document records them, if it does.

    Calibration and operating points are always fitted to the same radiographs.
    """
    if KEY in document:
        return tuple(document[KEY])
    found = {*promised_here(document), *(fitted_here(document, card) if card else ())}
    if POINTS in found:
        found.add(CALIBRATION)
    return tuple(part for part in PARTS if part in found)


def promised_here(document: Mapping[str, Any]) -> set[str]:
    """By what the document says of thresholds."""
    split = document.get("split")
    points = (document.get("operating_points") or {}).values()
    zones = (document.get("zones") or {}).get("frozen") or {}
    found = {POINTS for point in points if split and (point.get("promised") or {}).get("on") == split}
    return found | ({ZONES} if split and zones.get("chosen_on") == split else set())


def fitted_here(document: Mapping[str, Any], card: Card) -> set[str]:
    """By the card's provenance: what `calibrate` recorded, and the manifest that the model was trained with."""
    split, data = document.get("split"), document.get("data") or {}
    found: set[str] = set()
    for record in card.provenance.get("fitted_on") or []:
        same = any(data.get(key) and data[key] == record.get(key) for key in SAME_RADIOGRAPHS)
        if same or (split and record.get("split") == split):
            found |= set(record.get("fitted") or ())
    manifest = (card.provenance.get("training_data") or {}).get("manifest_sha256")
    if split == "train" and manifest and data.get("manifest_sha256") == manifest:
        found.add(WEIGHTS)
    return found


def told_openly(chosen: tuple[str, ...]) -> str:
    """What a report opens with; empty where nothing was chosen here."""
    if not chosen:
        return ""
    return (
        f"These radiographs chose the {listed(chosen)} of this model: whatever was promised cannot be tested on them, and the"
        " numbers here may look better than they are."
    )
