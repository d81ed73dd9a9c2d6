"""Is it worth normalising each film first? `python benchmarks/normalised_films.py --data DIR --output FILE.json --runs RUN ...`.

The NORMAL films of the official test are blurrier than those of `train`. So the validation radiographs of runs of the
ablation are brought to one sharpness, or their gray values stretched or equalised, before the runs' bundles answer, and the
answers are compared with those to the films as they are. Intervals resample patients. The test split is never read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageOps

from ablation import outputs
from ablation_differences import Pair, difference
from pneumoscope.arrays import GrayPicture
from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.dataset.manifest import Split, in_split, read_manifest
from pneumoscope.dataset.pictures import decoded_pictures
from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.inference.predictor import Predictor
from pneumoscope.training.augmentation import laplacian_deviation
from pneumoscope.whole_file import write_whole
from several_sizes import runs_to_ask

SHARPNESSES = (0.05, 0.07, 0.1, 0.14, 0.2, 0.28)
"""Standard deviation of the Laplacian of gray values in [0, 1]."""
DETAIL_PX = 1.0
"""Standard deviation of the blur that sharpening takes away from."""
LEAST_BLUR_PX, BLURRIEST_PX, SHARPEST = 0.1, 4.0, 6.0
HALVINGS = 12
PERCENTILES = (5, 25, 50, 75, 95)
TAILS = (1, 99)
"""Percentiles that become black and white."""


def sharpness_of(picture: np.ndarray) -> float:
    """As training measures it."""
    return float(laplacian_deviation(torch.from_numpy(np.ascontiguousarray(picture))[None, None]))


def blurred(picture: np.ndarray, deviation_px: float) -> np.ndarray:
    """A Gaussian blur; the border is repeated."""
    if deviation_px < LEAST_BLUR_PX:
        return picture
    reach = int(np.ceil(3 * deviation_px))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1, dtype=np.float32) / deviation_px) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        edges = [(reach, reach) if one == axis else (0, 0) for one in (0, 1)]
        picture = sliding_window_view(np.pad(picture, edges, mode="edge"), len(kernel), axis=axis) @ kernel
    return picture


def at_sharpness(gray: GrayPicture, wanted: float) -> GrayPicture:
    """Blurred or sharpened until it is as sharp as wanted, or as far as it goes; the amount is found by halving."""
    picture = gray.astype(np.float32) / 255
    detail = picture - blurred(picture, DETAIL_PX)

    def changed(amount: float) -> np.ndarray:
        return np.clip(picture + amount * detail, 0, 1) if amount > 0 else blurred(picture, -amount)

    low, high = (0.0, SHARPEST) if sharpness_of(picture) < wanted else (-BLURRIEST_PX, 0.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if sharpness_of(changed(middle)) < wanted else (low, middle)
    result: GrayPicture = np.rint(255 * changed(high)).astype(np.uint8)
    return result


def stretched(gray: GrayPicture) -> GrayPicture:
    """The tails of the gray values become black and white."""
    low, high = np.percentile(gray, TAILS)
    result: GrayPicture = np.rint(255 * np.clip((gray - low) / max(high - low, 1), 0, 1)).astype(np.uint8)
    return result


def equalised(gray: GrayPicture) -> GrayPicture:
    """All gray values about equally often."""
    return np.asarray(ImageOps.equalize(Image.fromarray(gray)))


CHANGES: dict[str, Callable[[GrayPicture], GrayPicture]] = {
    **{f"sharpness {wanted}": partial(at_sharpness, wanted=wanted) for wanted in SHARPNESSES},
    "gray values stretched": stretched,
    "gray values equalised": equalised,
}


def sharpness_percentiles(pictures: Sequence[GrayPicture] | np.ndarray) -> dict[str, float]:
    """How sharp the films are as they are."""
    found = [sharpness_of(picture.astype(np.float32) / 255) for picture in pictures]
    return {str(share): float(np.percentile(found, share)) for share in PERCENTILES}


def main() -> None:
    """Ask every run, compare, write."""
    place = runs_to_ask(__doc__)
    found: dict[str, Any] = {}
    for run in place.runs:
        predictor = Predictor(open_bundle(run / "bundle"))
        rows = in_split(read_manifest(run / "manifest.csv"), Split.VALIDATION)
        labels = np.array([row.has_finding for row in rows])
        pictures = decoded_pictures(rows, place.data, predictor.preprocessing, cache=place.cache)
        bare = outputs(predictor, pictures)[0]
        found[run.name] = {
            "radiographs": len(rows),
            "sharpness_percentiles": sharpness_percentiles(pictures),
            "auroc": area_under_roc(bare, labels),
            "normalised": {},
        }
        for name, change in CHANGES.items():
            logits = outputs(predictor, np.stack([change(picture) for picture in pictures]))[0]
            found[run.name]["normalised"][name] = {
                "auroc": area_under_roc(logits, labels),
                "less_as_they_are": difference([Pair(rows, labels, bare, logits)]),
            }
            print(run.name, name, found[run.name]["normalised"][name], flush=True)
        write_whole(place.output, (json.dumps({"runs": found}, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
