"""A training from first to last: the run folder, the data, the network, the epochs, the curves, the bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch

from pneumoscope.dataset.manifest import ManifestRow, read_manifest
from pneumoscope.errors import MissingExtra
from pneumoscope.figures.history import read_history
from pneumoscope.figures.save import save_figure
from pneumoscope.figures.training_curves import training_curves
from pneumoscope.model.build import classifier_of
from pneumoscope.model.classifier import Classifier
from pneumoscope.model.published import Weights
from pneumoscope.training.checkpoint import CHECKPOINT_FILE, HISTORY_FILE
from pneumoscope.training.data import DataSource, TrainingData, decoded
from pneumoscope.training.description import DataDescription
from pneumoscope.training.failures import clear_failures
from pneumoscope.training.film_weights import with_film_weights
from pneumoscope.training.finish import bundle_of_run, save_weights
from pneumoscope.training.loop import train
from pneumoscope.training.lung_task import give_lung_task
from pneumoscope.training.recipe import Recipe
from pneumoscope.training.run_files import BUNDLE_FOLDER, CURVES_FILE, MANIFEST_FILE, WEIGHTS_FILE
from pneumoscope.training.run_folder import rows_of_run, sole_writer
from pneumoscope.training.setting import Setting
from pneumoscope.training.teachers import check_teachers, digests_of, teachers_of
from pneumoscope.training.twin import twin_fitting


def whole_run(
    recipe: Recipe,
    source: DataSource,
    setting: Setting,
    *,
    weights: Path | None,
    description: DataDescription,
    resume: bool,
    tell: Callable[[str], None],
    twin: Path | None = None,
    teachers: Sequence[Path] = (),
) -> None:
    """Everything that `pneumoscope train` does; the leading process alone writes.

    With `twin`, a bundle of the same recipe, the thresholds are taken from there; `teachers` are finished run folders.
    """
    check_teachers(recipe, teachers)
    processes, output = setting.processes, setting.output
    taken = twin_fitting(twin, recipe) if twin else None
    with clear_failures(), sole_writer(output) if processes.leads else nullcontext():
        with processes.leader_first():
            begun = network(recipe, weights, setting)
            if processes.leads:
                origin = hashlib.sha256(weights.read_bytes()).hexdigest() if weights else recipe.weights
                rows = rows_of_run(
                    recipe,
                    source,
                    output=output,
                    seed=setting.seed,
                    weights=origin,
                    resume=resume,
                    teachers=digests_of(teachers),
                )
            else:
                rows = read_manifest(output / MANIFEST_FILE)
            training, validation = decoded(rows, source, size_px=recipe.size_px)
            training = with_film_weights(recipe, training)
            training = replace(training, teachers=teachers_of(teachers, training.rows, setting.compute))
        tell(beginning(recipe, source, rows, training, validation, output))
        trained = train(recipe, begun, training, validation, setting)
        if processes.leads:
            save_weights(trained, output / WEIGHTS_FILE)
            draw_curves(recipe, setting, caption_of(recipe, setting, training, validation), tell)
            bundle = bundle_of_run(
                as_exported(trained, recipe),
                recipe,
                training,
                validation,
                description=description,
                manifest=output / MANIFEST_FILE,
                seed=setting.seed,
                folder=output / BUNDLE_FOLDER,
                tell=tell,
                twin=taken,
            )
            tell(f"bundle {bundle.title} in {bundle.folder}")
        processes.wait()


def network(recipe: Recipe, weights: Path | None, setting: Setting) -> Classifier:
    """The network at its beginning. A run that is gone on with has its weights in the checkpoint and needs no others."""
    torch.manual_seed(setting.seed)  # the initial weights of layers that are not published; each step seeds itself
    begun = (setting.output / CHECKPOINT_FILE).is_file()
    origin: Weights = "random" if begun or recipe.weights == "random" else "published"
    model = built(recipe, origin if begun or weights is None else weights, map_stride=recipe.trained_map_stride)
    if recipe.map_stride != recipe.trained_map_stride:
        built(recipe, "random", map_stride=recipe.map_stride)  # a grid that cannot be is told now
    for stage in recipe.stages:
        if stage.frozen_through:
            model.backbone.parts_through(stage.frozen_through)  # a wrong name is told now, not hours into the run
    if recipe.has_lung_task:
        give_lung_task(model)
    return model


def as_exported(trained: Classifier, recipe: Recipe) -> Classifier:
    """The trained weights in the network whose map has the bundle's grid; the same network where it was trained so."""
    if recipe.map_stride == recipe.trained_map_stride:
        return trained
    twin = built(recipe, "random", map_stride=recipe.map_stride)
    twin.load_state_dict(trained.state_dict())
    return twin.eval()


def built(recipe: Recipe, weights: Weights, *, map_stride: int) -> Classifier:
    """A network as the recipe says, with a map of this grid."""
    return classifier_of(
        recipe.backbone,
        "dense" if recipe.head == "dense" else "linear",
        weights=weights,
        dropout=recipe.dropout,
        drop_path=recipe.drop_path,
        map_stride=map_stride,
        map_centred=recipe.map_centred,
    )


def beginning(
    recipe: Recipe,
    source: DataSource,
    rows: Sequence[ManifestRow],
    training: TrainingData,
    validation: TrainingData,
    output: Path,
) -> str:
    """What a person should know before the first epoch."""
    patients = len({row.patient for row in rows})
    text = (
        f"{len(training.rows)} radiographs to train on, {len(validation.rows)} to validate, of {patients} patients; "
        f"run in {output}"
    )
    if recipe.wants_lung_masks and source.lung_masks is None:
        text += "\nno --lung-masks: the recipe's lung guidance, evidence removal and lung segmentation are off"
    return text


def draw_curves(recipe: Recipe, setting: Setting, caption: str, tell: Callable[[str], None]) -> None:
    """`curves.png`, with the kept epoch marked; without Matplotlib the history has to do."""
    rows = read_history(setting.output / HISTORY_FILE)
    sign = -1 if recipe.keep == "validation_loss" else 1
    kept = None if recipe.keep == "last" else int(max(rows, key=lambda row: sign * row[recipe.keep])["epoch"])
    try:
        save_figure(training_curves(rows, selected_epoch=kept, caption=caption), setting.output / CURVES_FILE)
    except MissingExtra as error:
        tell(f"no {CURVES_FILE}: {error.message} {error.remedy}")


def caption_of(recipe: Recipe, setting: Setting, training: TrainingData, validation: TrainingData) -> str:
    """Which run a picture of it is of."""
    return (
        f"{recipe.name}, seed {setting.seed}: {len(training.rows):,} radiographs to train on, "
        f"{len(validation.rows):,} to validate"
    )
