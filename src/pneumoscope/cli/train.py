"""`pneumoscope train`: from labelled radiographs and a recipe to a bundle; stop it anywhere, start it again to go on."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pneumoscope.errors import MissingExtra

if TYPE_CHECKING:
    from pneumoscope.training.checkpoint import EpochRecord
    from pneumoscope.training.run import StepReport

ALLOCATOR_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""glibc otherwise gives big blocks back after each step and faults them in again: five times slower."""


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--recipe", "recipe_name", default="efficientnet-lite0", show_default=True, metavar="NAME|FILE.toml")
@click.option("--lung-masks", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Masks, same names.")
@click.option(
    "--about", default="kermany", show_default=True, metavar="FILE.toml", help="What the data is, for the card."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Run folder; runs/RECIPE-seedN.")
@click.option("--cache", default=Path("runs/cache"), show_default=True, type=click.Path(path_type=Path))
def command(
    data: Path, recipe_name: str, lung_masks: Path | None, about: str, seed: int, output: Path | None, cache: Path
) -> None:
    """Train on DATA (the Kermany layout) and write a bundle into the run folder.

    A run folder that holds a checkpoint is gone on with. The official test split is not read.
    """
    with_allocator_settings()
    try:
        import torch  # noqa: F401 - to say early and clearly that it is missing
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "train-extra-missing", "Training needs PyTorch.", remedy="pip install 'pneumoscope[train]'"
        ) from error
    from pneumoscope.training.description import load_description
    from pneumoscope.training.finish import bundle_of_run, save_weights
    from pneumoscope.training.recipe import load_recipe
    from pneumoscope.training.run import logits_of, prepare_run, train

    recipe, description = load_recipe(recipe_name), load_description(about)
    output = output or Path("runs") / f"{recipe.name}-seed{seed}"
    training, validation = prepare_run(recipe, data=data, lung_masks=lung_masks, output=output, seed=seed, cache=cache)
    click.echo(f"{len(training.rows)} radiographs to train on, {len(validation.rows)} to validate; run in {output}")
    model = train(recipe, training, validation, output=output, seed=seed, on_step=StepBar().show, on_epoch=print_epoch)
    save_weights(model, output / "weights.safetensors")
    bundle = bundle_of_run(
        model,
        float(model.head.bias.item()),
        recipe,
        validation,
        logits_of(model, validation.pictures),
        description=description,
        manifest=output / "manifest.csv",
        seed=seed,
        folder=output / "bundle",
        tell=click.echo,
    )
    click.echo(f"bundle {bundle.title} in {bundle.folder}")


def with_allocator_settings() -> None:
    """Start again with the allocator's settings, which are read only when a process starts."""
    if any(name not in os.environ for name in ALLOCATOR_SETTINGS):
        os.execve(  # noqa: S606 - this very program
            sys.executable, [sys.executable, *sys.orig_argv[1:]], ALLOCATOR_SETTINGS | dict(os.environ)
        )


class StepBar:
    """A progress bar for each epoch, where a person watches."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self.bar = tqdm(disable=not sys.stderr.isatty(), unit="step", dynamic_ncols=True)

    def show(self, report: StepReport) -> None:
        self.bar.total = report.steps
        self.bar.n = report.step
        self.bar.set_description(f"epoch {report.epoch + 1}/{report.epochs}")
        self.bar.set_postfix(loss=f"{report.loss:.4f}", pictures_per_s=f"{report.pictures_per_second:.0f}")


def print_epoch(record: EpochRecord) -> None:
    """One line an epoch."""
    click.echo(
        f"epoch {record.epoch}: {record.size_px} px, loss {record.loss:.4f}, "
        f"validation AUROC {record.validation_auroc:.4f}, loss {record.validation_loss:.4f}, "
        f"accuracy at logit 0 {record.validation_accuracy:.4f}, {record.pictures_per_second:.0f} pictures/s"
    )
