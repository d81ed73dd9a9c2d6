"""`pneumoscope train`: from labelled radiographs and a recipe to a bundle; stop it anywhere, go on with --resume."""

from __future__ import annotations

from pathlib import Path

import click

from pneumoscope.cli.training_start import ready_to_train
from pneumoscope.errors import UnusableOption

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
NEW_FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--data", required=True, type=FOLDER, help="The radiographs, in the Kermany layout unless --manifest.")
@click.option("--manifest", type=FILE, help="manifest.csv of `data import`, with paths relative to --data.")
@click.option("--recipe", "recipe_name", default="efficientnet-lite0", show_default=True, metavar="NAME|FILE.toml")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set a key of the recipe; may be repeated."
)
@click.option("--weights", type=FILE, help="Initial weights of the backbone, instead of the published ones.")
@click.option("--lung-masks", type=FOLDER, help="Lung masks: the radiographs' names, as .png.")
@click.option(
    "--thresholds-from",
    "twin",
    type=FOLDER,
    metavar="BUNDLE",
    help="Calibration, operating points and zones of a twin: same recipe, other films held out.",
)
@click.option(
    "--teacher",
    "teachers",
    type=FOLDER,
    multiple=True,
    metavar="RUN",
    help="A finished run folder that answers for patients it has not seen; may be repeated.",
)
@click.option("--about", metavar="FILE.toml", help="What the data is, for the card; kermany unless --manifest.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**63 - 1))
@click.option("--output", type=NEW_FOLDER, help="Run folder; runs/RECIPE-seedN.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, if one is there.")
@click.option("--cache", default=Path("runs/cache"), show_default=True, type=NEW_FOLDER, help="Decoded radiographs.")
@click.option("--checkpoint-minutes", default=5.0, show_default=True, help="Besides the one after each epoch.")
@click.option("--tensorboard", type=NEW_FOLDER, help="Also write the epochs' numbers there for TensorBoard.")
def command(
    data: Path,
    manifest: Path | None,
    recipe_name: str,
    overrides: tuple[str, ...],
    weights: Path | None,
    lung_masks: Path | None,
    twin: Path | None,
    teachers: tuple[Path, ...],
    about: str | None,
    seed: int,
    output: Path | None,
    resume: bool,
    cache: Path,
    checkpoint_minutes: float,
    tensorboard: Path | None,
) -> None:
    """Train on DATA and write a bundle into the run folder.

    The official test split is not read. Several processes: torchrun --nproc-per-node N -m pneumoscope.cli train ...
    """
    ready_to_train()
    from pneumoscope.cli.training_display import TrainingDisplay, tensorboard_of
    from pneumoscope.training.compute import compute_here
    from pneumoscope.training.data import DataSource
    from pneumoscope.training.description import load_description
    from pneumoscope.training.processes import processes_of_torchrun
    from pneumoscope.training.recipe_file import load_recipe
    from pneumoscope.training.setting import Setting
    from pneumoscope.training.whole_run import whole_run

    with processes_of_torchrun() as processes:
        with processes.leader_first():  # and the first to say what is wrong
            refuse_unknown_data(manifest, about)
            recipe, description = load_recipe(recipe_name, overrides), load_description(about or "kermany")
            events = tensorboard_of(tensorboard if processes.leads else None)
        output = output or Path("runs") / f"{recipe.name}-seed{seed}"
        display = TrainingDisplay(output, silent=not processes.leads, events=events)
        setting = Setting(
            output,
            seed,
            compute_here(),
            processes,
            checkpoint_seconds=60 * checkpoint_minutes,
            watchers=display.watchers,
        )
        source = DataSource(data, manifest, lung_masks, cache, display.decoding)
        with display.stopping(able=processes.count == 1):
            whole_run(
                recipe,
                source,
                setting,
                weights=weights,
                description=description,
                resume=resume,
                tell=display.tell,
                twin=twin,
                teachers=teachers,
            )


def refuse_unknown_data(manifest: Path | None, about: str | None) -> None:
    """`UnusableOption` where data of one's own is not described."""
    if about is None and manifest is not None:
        raise UnusableOption(
            "about-missing",
            "--manifest was given without --about, and the card has to say what the data is.",
            remedy="Give --about FILE.toml (source, licence, population), or --about kermany for the Kermany data.",
        )
