"""Thresholds from a twin: the same recipe, trained while the most telling films were held out.

The films that foretell how a model does on films that look different are also those that it would learn most from. So
they are used twice: held out from one training, which says where the thresholds are, and learnt from in another, which
ships with these thresholds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.errors import UnusableOption
from pneumoscope.training.fitting import Fitting, Logits, Thresholds
from pneumoscope.training.recipe import Recipe, with_later_keys

TWIN: Final = "validation of a twin"
"""Where the thresholds were chosen, in the card."""
MAY_DIFFER: Final = frozenset({"validation_share", "validation_design"})
"""What may differ between twins: what is held out."""


@dataclass(frozen=True, slots=True)
class TwinFitting(Fitting):
    """Thresholds as the twin has them, whatever this model's logits are."""

    taken: Thresholds
    provenance: dict[str, Any]

    def thresholds(self, logits: Logits) -> Thresholds:
        return self.taken

    def to_dict(self) -> dict[str, Any]:
        return self.provenance


def twin_fitting(folder: Path, recipe: Recipe) -> TwinFitting:
    """From the twin's bundle; `UnusableBundle` where it cannot be read, `UnusableOption` where it is no twin."""
    bundle = open_bundle(folder)
    card = bundle.card
    theirs, ours = card.provenance.get("recipe"), json.loads(json.dumps(recipe.to_dict()))
    if not isinstance(theirs, dict) or card.zones is None:
        raise UnusableOption(
            "twin-incomplete",
            f"The bundle in {folder} has no recipe or no zones in its card.",
            remedy="Give --thresholds-from the bundle/ of a run folder that `pneumoscope train` has finished.",
        )
    theirs = with_later_keys(theirs, ours)
    keys = sorted(theirs.keys() | ours.keys())
    if different := [key for key in keys if key not in MAY_DIFFER and theirs.get(key) != ours.get(key)]:
        raise UnusableOption(
            "twin-differs",
            f"The bundle in {folder} was trained by another recipe: {', '.join(different)} differ.",
            remedy=f"Thresholds hold for twins only, that differ in {' and '.join(sorted(MAY_DIFFER))} at most. Train the "
            "twin by the same recipe, or leave --thresholds-from out.",
        )
    taken = Thresholds(
        card.calibration,
        tuple(replace(point, chosen_on=TWIN) for point in card.operating_points),
        replace(card.zones, chosen_on=TWIN),
    )
    provenance = {
        **(card.provenance.get("fitting") or {}),
        "twin": {
            "model_sha256": hashlib.sha256(bundle.model).hexdigest(),
            "seed": card.provenance.get("seed"),
            "validation_design": theirs["validation_design"],
            "validation_share": theirs["validation_share"],
            "training_data": card.provenance.get("training_data") or {},
        },
    }
    return TwinFitting(taken, provenance)
