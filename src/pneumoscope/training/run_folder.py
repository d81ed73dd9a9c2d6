"""The folder of one run: which recipe, seed and radiographs it is of, and that only one training writes to it.

`runs/NAME/` holds `recipe.json`, `manifest.csv` (with the validation part marked), `history.csv` (one row an epoch),
`train.log`, `checkpoint.pt`, `best.pt` where the best epoch is kept, and at the end `weights.safetensors`, `curves.png`
and `bundle/`.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pneumoscope.dataset.manifest import ManifestRow, read_manifest, write_manifest
from pneumoscope.dataset.pictures import lung_masks_digest
from pneumoscope.errors import FailedTraining
from pneumoscope.training.checkpoint import CHECKPOINT_FILE
from pneumoscope.training.data import DataSource, divided
from pneumoscope.training.recipe import Recipe, with_later_keys
from pneumoscope.training.run_files import MANIFEST_FILE, SETTINGS_FILE
from pneumoscope.training.validation_design import ValidationDesign
from pneumoscope.whole_file import unusable, write_whole


@contextmanager
def sole_writer(output: Path) -> Iterator[None]:
    """Hold the run folder for this process; `FailedTraining` where another training holds it."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = (output / ".lock").open("w")
    except OSError as error:
        raise unusable(output, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FailedTraining(
                "run-in-use",
                f"Another process is training in {output}.",
                remedy="Wait for it or stop it, or choose another --output.",
            ) from error
        yield


def rows_of_run(
    recipe: Recipe,
    source: DataSource,
    *,
    output: Path,
    seed: int,
    weights: str,
    resume: bool,
    teachers: Sequence[str] = (),
) -> list[ManifestRow]:
    """The radiographs of a run, new or gone on with; the official test split is never opened.

    A folder without a checkpoint has nothing to lose and is begun anew. `FailedTraining` where the folder holds a run and `resume` is false, or where that run is of other settings.
    """
    if (output / CHECKPOINT_FILE).is_file():
        if not resume:
            raise FailedTraining(
                "run-exists",
                f"{output} holds a run already.",
                remedy="Go on with it by --resume, or choose another --output.",
            )
        there = settings_there(output)
        rows = read_manifest(output / MANIFEST_FILE)
        here = settings_of(recipe, source, rows, seed=seed, weights=weights, teachers=teachers)
        if difference := first_difference(
            there | {"recipe": with_later_keys(there.get("recipe"), here["recipe"])}, here
        ):
            raise FailedTraining(
                "run-differs",
                f"{output} holds a run with other settings: {difference}.",
                remedy="Resume it with the settings it was started with, or choose another --output.",
            )
        return rows
    design = ValidationDesign(recipe.validation_design)
    rows = divided(source, share=recipe.validation_share, seed=seed, design=design)
    settings = settings_of(recipe, source, rows, seed=seed, weights=weights, teachers=teachers)
    write_whole(output / SETTINGS_FILE, (json.dumps(settings, indent=2) + "\n").encode())
    write_manifest(rows, output / MANIFEST_FILE)
    return rows


def settings_of(
    recipe: Recipe, source: DataSource, rows: Sequence[ManifestRow], *, seed: int, weights: str, teachers: Sequence[str]
) -> dict[str, Any]:
    """What a run may not change on its way, besides its radiographs, as JSON has it; lung masks go by their content."""
    masks = "none" if source.lung_masks is None else f"SHA-256 {lung_masks_digest(rows, source.lung_masks)}"
    settings = {"recipe": recipe.to_dict(), "seed": seed, "lung_masks": masks, "weights": weights}
    if teachers:
        settings["teachers"] = teachers
    found: dict[str, Any] = json.loads(json.dumps(settings))
    return found


def settings_there(output: Path) -> dict[str, Any]:
    """The settings of the run in a folder; `FailedTraining` where its checkpoint stands without what it belongs to."""
    try:
        settings = json.loads((output / SETTINGS_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        settings = None
    if not isinstance(settings, dict) or not (output / MANIFEST_FILE).is_file():
        raise FailedTraining(
            "run-incomplete",
            f"{output} holds a checkpoint, but {SETTINGS_FILE} or {MANIFEST_FILE} of its run is missing or damaged.",
            remedy=f"Copy them back, choose another --output, or delete {CHECKPOINT_FILE} to begin anew.",
        )
    return settings


def first_difference(there: Mapping[str, Any], here: Mapping[str, Any], prefix: str = "") -> str:
    """The first key that differs, in words; empty where none does."""
    for key in [*here, *(key for key in there if key not in here)]:
        first, second = numbered(there.get(key, "nothing")), numbered(here.get(key, "nothing"))
        if isinstance(first, dict) and isinstance(second, dict):
            if inner := first_difference(first, second, f"{prefix}{key}."):
                return inner
        elif first != second:
            return f"{prefix}{key} is {first} there and {second} here"
    return ""


def numbered(value: Any) -> Any:
    """A list of tables (the stages) as a table by number from 1, so that the key of one of them can be named."""
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return {str(number): item for number, item in enumerate(value, 1)}
    return value
