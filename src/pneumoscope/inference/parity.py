"""Do full-size files and their small published copies give the same answer through the one preprocessing?

The copies are JPEG files of quality 92, which alone moves the answer. So the difference is set beside that noise: how far
the answer moves when the sampled original is coded once as such a JPEG.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pneumoscope.arrays import GrayPicture
from pneumoscope.errors import UnusableData
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.reading import radiograph_files, radiograph_from_bytes, read_radiograph

COPY_QUALITY = 92
FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def measured_parity(originals: Path, copies: Path, predictor: Predictor, *, workers: int) -> dict[str, Any]:
    """Differences between original and copy in gray levels, logit and probability, over all files of `originals`."""
    pairs = [(path, copies / path.relative_to(originals)) for path in radiograph_files(originals)]
    if not pairs or not all(copy.is_file() for _, copy in pairs):
        raise UnusableData(
            "copies-missing",
            f"{originals} and {copies} do not hold the same files.",
            remedy="Give two folders with the same file names below them.",
        )

    def work(pair: tuple[Path, Path]) -> dict[str, Any]:
        return {"file": pair[0].relative_to(originals).as_posix(), **differences(*pair, predictor)}

    rows = [row for _, row in ordered_results(work, pairs, workers=workers)]
    probabilities = [row["probability_original"] - row["probability_copy"] for row in rows]
    return {
        "files": len(rows),
        "model_sha256": hashlib.sha256(predictor.bundle.model).hexdigest(),
        "calibration": asdict(predictor.bundle.card.calibration),
        "preprocessing": predictor.preprocessing.to_dict(),
        "probability_difference": sizes(probabilities),
        "logit_difference": sizes([row["logit_difference"] for row in rows]),
        "jpeg_coding_noise": {
            "quality": COPY_QUALITY,
            "probability_difference": sizes([row["coding_probability_difference"] for row in rows]),
            "logit_difference": sizes([row["coding_logit_difference"] for row in rows]),
        },
        "mean_gray_level_difference_after_coding_by_filter": {
            name: float(np.mean([row["gray_level_difference_by_filter"][name] for row in rows])) for name in FILTERS
        },
        "mean_gray_level_difference": float(np.mean([row["mean_gray_level_difference"] for row in rows])),
        "decisions_that_differ": sum(not row["same_decision"] for row in rows),
        "rows": sorted(rows, key=lambda row: -abs(row["logit_difference"])),
    }


def differences(original_file: Path, copy_file: Path, predictor: Predictor) -> dict[str, Any]:
    """Of one radiograph, between the two files, and between the original and its sample coded once."""
    original, copy = read_radiograph(original_file), read_radiograph(copy_file)
    sample = predictor.preprocessing.sample
    gray_levels = np.abs(sample(original.gray).astype(int) - sample(copy.gray).astype(int)).mean()
    first, second = predictor.predict_ungated(original), predictor.predict_ungated(copy)
    coded = predictor.predict_ungated(as_jpeg(sample(original.gray)))
    return {
        "original_px": [original.columns_px, original.rows_px],
        "mean_gray_level_difference": float(gray_levels),
        "probability_original": first.probability,
        "probability_copy": second.probability,
        "logit_difference": first.logit - second.logit,
        "coding_probability_difference": first.probability - coded.probability,
        "coding_logit_difference": first.logit - coded.logit,
        "same_decision": first.decision is second.decision,
        "gray_level_difference_by_filter": differences_by_filter(original.gray, copy.gray),
    }


def as_jpeg(gray: GrayPicture) -> bytes:
    """The picture coded as the copies are."""
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, format="JPEG", quality=COPY_QUALITY)
    return buffer.getvalue()


def differences_by_filter(original: GrayPicture, copy: UInt8[np.ndarray, "copy_rows copy_columns"]) -> dict[str, float]:
    """How the copy may have been made: mean difference in gray levels from the original, resized and coded alike."""
    size = (copy.shape[1], copy.shape[0])
    found = {}
    for name, resampling in FILTERS.items():
        resized = np.asarray(Image.fromarray(original).resize(size, resampling))
        coded = radiograph_from_bytes(as_jpeg(resized), name).gray
        found[name] = float(np.abs(coded.astype(int) - copy.astype(int)).mean())
    return found


def sizes(differences: Sequence[float]) -> dict[str, float]:
    """Largest and mean size of differences."""
    absolute = np.abs(differences)
    return {"largest": float(absolute.max()), "mean": float(absolute.mean())}
