"""The recipes in benchmarks/ have every key of a recipe, and so do those that the levers of the ablation make of them."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from pneumoscope.training.recipe_file import load_recipe

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import ablation  # noqa: E402

LEVERS = tomllib.loads((BENCHMARKS / "ablation.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    "name", [path.name for path in sorted(BENCHMARKS.glob("*.toml")) if path.name != "ablation.toml"]
)
def test_every_recipe_can_be_used(name):
    assert load_recipe(str(BENCHMARKS / name)).stages


def recipe_of(lever):
    keys = dict(LEVERS[lever])
    recipe = ablation.recipe_named(keys.pop(ablation.OTHER_RECIPE, ablation.BASE))
    return load_recipe(recipe, [f"{key}={json.dumps(value)}" for key, value in keys.items()])


@pytest.mark.parametrize("lever", LEVERS)
def test_every_lever_changes_the_base_into_a_recipe(lever):
    assert recipe_of(lever) != load_recipe(str(BENCHMARKS / "ablation-base.toml")) or not LEVERS[lever]


def test_the_default_is_the_row_that_the_documents_name():
    assert recipe_of("twenty-four-epochs") == load_recipe("efficientnet-lite0")


def test_what_was_measured_is_what_the_levers_say_now():
    measured = json.loads((BENCHMARKS.parent / "results/ablation.json").read_text("utf-8"))["variants"]
    assert {name: row["set"] for name, row in measured.items()} == {name: LEVERS[name] for name in measured}
