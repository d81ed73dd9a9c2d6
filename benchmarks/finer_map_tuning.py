"""Go on training a run's weights with a centred map at stride 16, for `finer_map.py`.

`python benchmarks/finer_map_tuning.py --data DIR --lung-masks DIR --manifest FILE --weights FILE --output DIR`

Backbone and head go on from the weights, with the last stage of the default recipe for some epochs, on the same patients;
the rows that the manifest marks as validation stay out. Some 20 minutes an epoch on two cores.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from pneumoscope.cli.training_start import with_allocator_settings
from pneumoscope.model.build import classifier_of
from pneumoscope.model.weights_file import read_safetensors
from pneumoscope.training.checkpoint import EpochRecord
from pneumoscope.training.data import DataSource, decoded, divided
from pneumoscope.training.finish import save_weights
from pneumoscope.training.loop import train
from pneumoscope.training.recipe import Recipe
from pneumoscope.training.recipe_file import load_recipe
from pneumoscope.training.setting import Setting, Watchers

SEED = 0


def tuning_recipe(epochs: int) -> Recipe:
    """The last stage of the default recipe, on the finer grid."""
    recipe = load_recipe("efficientnet-lite0", ["map_stride=16", "trained_map_stride=16", "map_centred=true"])
    return replace(recipe, stages=(replace(recipe.stages[-1], epochs=epochs),))


def main() -> None:
    """Train, and write `weights-N.safetensors` after epoch N, beside the run's files."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "lung-masks", "manifest", "weights", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    options = parser.parse_args()
    with_allocator_settings()
    recipe = tuning_recipe(options.epochs)
    source = DataSource(options.data, options.manifest, options.lung_masks, options.cache)
    rows = divided(source, share=recipe.validation_share, seed=SEED)
    parts = decoded(rows, source, size_px=recipe.size_px)
    model = classifier_of(
        recipe.backbone,
        "linear",
        weights="random",
        dropout=recipe.dropout,
        drop_path=recipe.drop_path,
        map_stride=recipe.map_stride,
        map_centred=recipe.map_centred,
    )
    model.load_state_dict(read_safetensors(options.weights))
    options.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)

    def keep(record: EpochRecord) -> None:
        print(record, flush=True)
        save_weights(model, options.output / f"weights-{record.epoch}.safetensors")

    train(recipe, model, *parts, Setting(options.output, SEED, watchers=Watchers(on_epoch=keep)))


if __name__ == "__main__":
    main()
