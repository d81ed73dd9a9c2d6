"""From which share of evidence inside the lungs on is a map trusted? Chosen on the validation part, for the card."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.arrays import Scores
from pneumoscope.bundle.map_trust_spec import MapTrustSpec
from pneumoscope.dataset.manifest import ManifestRow, refuse_test_rows
from pneumoscope.dataset.pictures import gray_of
from pneumoscope.errors import UnusableData, UnusableOption
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.explanation.masking import Watch, nobody
from pneumoscope.inference.map_trust import map_trust
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.radiograph import Radiograph

FLAGGED_SHARE = 0.005
"""Of the positive decisions on the validation part: how many may be flagged at most."""
MOST_FLAGGED_SHARE = 0.5
"""What doubts more than every second map tells nothing of any."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenMaps:
    """Heat inside the lungs (NaN where nothing speaks for the finding, or no lungs were found) and decisions, one a row."""

    heat_inside_lungs: Scores
    decisions: tuple[Decision, ...]


def fitted_map_trust(
    rows: Sequence[ManifestRow],
    data: Path,
    predictor: Predictor,
    *,
    flagged_share: float = FLAGGED_SHARE,
    workers: int,
    watch: Watch = nobody,
) -> MapTrustSpec:
    """Choose the limit on `rows`, at the predictor's operating point, and count what it flags among them.

    Rows of the test split are refused, and a bundle without a lung segmentation (`UnusableData`); so is a share that is
    not from 0 to 0.5 (`UnusableOption`). `watch` hears how many radiographs are done, and of how many.
    """
    refuse_impossible_share(flagged_share)
    refuse_test_rows(rows, purpose="choosing when a map is to be trusted")
    bundle = predictor.bundle
    if bundle.lungs is None:
        raise no_positive_maps()
    seen = seen_maps(rows, data, predictor, workers=workers, watch=watch)
    limit = chosen_least_heat_inside(seen.heat_inside_lungs, seen.decisions, rows, flagged_share=flagged_share)
    return MapTrustSpec(
        least_heat_inside=limit,
        model_sha256=hashlib.sha256(bundle.model).hexdigest(),
        lungs_sha256=hashlib.sha256(bundle.lungs).hexdigest(),
        metrics=flagged(seen, rows, limit),
        provenance={
            "split": ", ".join(sorted({str(row.split) for row in rows})),
            "radiographs": len(rows),
            "patients": len({row.patient for row in rows}),
            "operating_point": predictor.operating_point.name,
            "threshold": predictor.operating_point.threshold,
            "flagged_share": flagged_share,
        },
    )


def seen_maps(
    rows: Sequence[ManifestRow], data: Path, predictor: Predictor, *, workers: int, watch: Watch = nobody
) -> SeenMaps:
    """Ask the bundle about every row, whatever its lungs look like."""

    def work(row: ManifestRow) -> tuple[float, Decision]:
        gray = gray_of(data / row.path, row.sha256)
        radiograph = Radiograph(gray=gray, source=row.path, media_type="", sha256=row.sha256)
        prediction = predictor.predict_ungated(radiograph)
        heat = prediction.lungs.heat_inside_lungs if prediction.lungs else None
        return (float("nan") if heat is None else heat), prediction.decision

    answers = []
    for _, answer in ordered_results(work, list(rows), workers=workers):
        answers.append(answer)
        watch(len(answers), len(rows))
    return SeenMaps(np.array([heat for heat, _ in answers], np.float64), tuple(decision for _, decision in answers))


def chosen_least_heat_inside(
    heat_inside_lungs: Scores,
    decisions: Sequence[Decision],
    rows: Sequence[ManifestRow],
    *,
    flagged_share: float = FLAGGED_SHARE,
) -> float:
    """The largest limit that flags at most `flagged_share` of the positive decisions, rounded down to whole percents.

    `heat_inside_lungs` is NaN where it is not known. Refuses rows of the test split; `UnusableData` where no positive
    decision has lungs; `UnusableOption` where the share is not from 0 to 0.5.
    """
    refuse_impossible_share(flagged_share)
    refuse_test_rows(rows, purpose="choosing when a map is to be trusted")
    positive = np.array([decision is Decision.PNEUMONIA for decision in decisions], bool)
    known = np.sort(heat_inside_lungs[positive & np.isfinite(heat_inside_lungs)])
    if not len(known):
        raise no_positive_maps()
    limit = known[int(flagged_share * len(known))]
    return float(np.floor(limit * 100) / 100)


def flagged(seen: SeenMaps, rows: Sequence[ManifestRow], limit: float) -> dict[str, Any]:
    """How many positive decisions the limit flags, how many of those were wrong, and the spread of what it is set on."""
    positive = np.array([decision is Decision.PNEUMONIA for decision in seen.decisions], bool)
    wrong = np.array([not row.has_finding for row in rows], bool)
    doubted = np.array(
        [
            map_trust(None if np.isnan(heat) else float(heat), decision, least_heat_inside=limit).doubt is not None
            for heat, decision in zip(seen.heat_inside_lungs, seen.decisions, strict=True)
        ],
        bool,
    )
    known = seen.heat_inside_lungs[positive & np.isfinite(seen.heat_inside_lungs)]
    return {
        "positive_decisions": int(positive.sum()),
        "flagged": int(doubted.sum()),
        "wrong_positive_decisions": int((positive & wrong).sum()),
        "flagged_wrong": int((doubted & wrong).sum()),
        "heat_inside_lungs": {
            name: round(float(value), 4)
            for name, value in zip(("least", "median"), np.quantile(known, (0, 0.5)), strict=True)
        },
    }


def refuse_impossible_share(flagged_share: float) -> None:
    """NaN, too, which a range of numbers on the command line lets through."""
    if not 0 <= flagged_share <= MOST_FLAGGED_SHARE:
        raise UnusableOption(
            "flagged-share-impossible",
            f"Of the positive decisions a share of {flagged_share:g} cannot be doubted.",
            remedy=f"Choose a share from 0 to {MOST_FLAGGED_SHARE:g}.",
        )


def no_positive_maps() -> UnusableData:
    """There is nothing to choose on."""
    return UnusableData(
        "no-positive-maps",
        "None of these radiographs has lungs and a positive decision.",
        remedy="Give the validation part, and a bundle with a lung segmentation.",
    )
