"""Do full-size files and their small published copies give the same answer through the one preprocessing?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.errors import UnusableData
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.reading import radiograph_files, read_radiograph


def measured_parity(originals: Path, copies: Path, predictor: Predictor, *, workers: int) -> dict[str, Any]:
    """Differences in gray levels of the model's input, in logit and in probability, over all files of `originals`."""
    pairs = [(path, copies / path.relative_to(originals)) for path in radiograph_files(originals)]
    if not pairs or not all(copy.is_file() for _, copy in pairs):
        raise UnusableData(
            "copies-missing",
            f"{originals} and {copies} do not hold the same files.",
            remedy="Give two folders with the same file names below them.",
        )

    def work(pair: tuple[Path, Path]) -> dict[str, Any]:
        original, copy = (read_radiograph(path) for path in pair)
        sample = predictor.preprocessing.sample
        gray_levels = np.abs(sample(original.gray).astype(int) - sample(copy.gray).astype(int)).mean()
        first, second = predictor.predict(original), predictor.predict(copy)
        return {
            "file": pair[0].relative_to(originals).as_posix(),
            "original_px": [original.columns_px, original.rows_px],
            "mean_gray_level_difference": float(gray_levels),
            "probability_original": first.probability,
            "probability_copy": second.probability,
            "logit_difference": first.logit - second.logit,
            "same_decision": first.decision is second.decision,
        }

    rows = [row for _, row in ordered_results(work, pairs, workers=workers)]
    differences = np.array([abs(row["probability_original"] - row["probability_copy"]) for row in rows])
    logits = np.array([abs(row["logit_difference"]) for row in rows])
    return {
        "files": len(rows),
        "bundle_sha256": predictor.bundle.sha256,
        "preprocessing": predictor.preprocessing.to_dict(),
        "probability_difference": {"largest": float(differences.max()), "mean": float(differences.mean())},
        "logit_difference": {"largest": float(logits.max()), "mean": float(logits.mean())},
        "mean_gray_level_difference": float(np.mean([row["mean_gray_level_difference"] for row in rows])),
        "decisions_that_differ": sum(not row["same_decision"] for row in rows),
        "rows": sorted(rows, key=lambda row: -abs(row["logit_difference"])),
    }
