"""The recipes in benchmarks/ have every key of a recipe, and so do those that the levers of the ablation make of them."""

import json
import tomllib
from pathlib import Path

import pytest

from pneumoscope.training.recipe_file import load_recipe

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LEVERS = tomllib.loads((BENCHMARKS / "ablation.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    "name", [path.name for path in sorted(BENCHMARKS.glob("*.toml")) if path.name != "ablation.toml"]
)
def test_every_recipe_can_be_used(name):
    assert load_recipe(str(BENCHMARKS / name)).stages


@pytest.mark.parametrize("lever", LEVERS)
def test_every_lever_changes_the_base_into_a_recipe(lever):
    keys = dict(LEVERS[lever])
    recipe = keys.pop("recipe", "ablation-base.toml")
    beside = BENCHMARKS / recipe
    changed = load_recipe(
        str(beside) if beside.is_file() else recipe, [f"{key}={json.dumps(value)}" for key, value in keys.items()]
    )
    assert changed != load_recipe(str(BENCHMARKS / "ablation-base.toml")) or not LEVERS[lever]
