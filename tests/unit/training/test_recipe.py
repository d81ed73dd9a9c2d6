import pytest

from pneumoscope.errors import UnusableRecipe
from pneumoscope.training.recipe import load_recipe, recipe_from, shipped_recipes


@pytest.fixture
def settings():
    return load_recipe("efficientnet-lite0").to_dict()


def test_every_shipped_recipe_loads_under_its_own_name():
    assert "efficientnet-lite0" in shipped_recipes()
    assert all(load_recipe(name).name == name for name in shipped_recipes())


@pytest.mark.parametrize(
    ("place", "key", "meant"),
    [
        ("", "bach_size", "batch_size"),
        ("augmentation", "flip", "flip_share"),
        ("stages", "learn_rate", "learning_rate"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known(settings, place, key, meant):
    target = settings if not place else settings[place] if place == "augmentation" else settings[place][0]
    target[key] = 1
    with pytest.raises(UnusableRecipe, match=f"{key}.*Did you mean {meant}"):
        recipe_from(settings)


def test_a_missing_key_is_named(settings):
    del settings["augmentation"]["noise"]
    with pytest.raises(UnusableRecipe, match=r"lacks augmentation\.noise"):
        recipe_from(settings)


@pytest.mark.parametrize("stage", [0, 1, 2])
def test_an_impossible_value_is_refused_in_any_stage(settings, stage):
    settings["stages"][stage]["size_px"] = 100
    with pytest.raises(UnusableRecipe, match=f"stage {stage + 1} must be a multiple of 32"):
        recipe_from(settings)


def test_epochs_are_numbered_across_stages():
    recipe = load_recipe("efficientnet-lite0")
    first = recipe.stages[0].epochs
    assert recipe.stage_of(0) == (recipe.stages[0], 0)
    assert recipe.stage_of(first) == (recipe.stages[1], 0)
    assert recipe.stage_of(recipe.epochs - 1) == (recipe.stages[-1], recipe.stages[-1].epochs - 1)


def test_a_recipe_that_is_not_there_lists_those_that_are():
    with pytest.raises(UnusableRecipe, match="efficientnet-lite0"):
        load_recipe("resnet")


def test_broken_toml_is_refused_with_the_place(tmp_path):
    (tmp_path / "mine.toml").write_text("name = \n")
    with pytest.raises(UnusableRecipe, match="line 1"):
        load_recipe(str(tmp_path / "mine.toml"))
