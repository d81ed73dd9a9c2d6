import tomllib

import pytest

from pneumoscope.errors import UnusableRecipe
from pneumoscope.model.build import backbone_names, backbone_of
from pneumoscope.training.recipe_file import load_recipe, recipe_from, recipe_text, shipped_recipes

SHIPPED = ["densenet121", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2", "tiny", "vgg16-reference"]


@pytest.fixture
def settings():
    return tomllib.loads(recipe_text("efficientnet-lite0"))


def table(settings, place):
    """The table at `augmentation`, `stages` (the second) or "" (the whole)."""
    return {"": settings, "augmentation": settings["augmentation"], "stages": settings["stages"][1]}[place]


def test_the_recipes_that_ship_are_these():
    assert shipped_recipes() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_loads_under_its_own_name_and_names_a_backbone(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.backbone in backbone_names()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_learns_with_the_published_map(name):
    recipe = load_recipe(name)
    backbone = backbone_of(recipe.backbone, weights="random", drop_path=0.0)
    centred = name == "efficientnet-lite0"  # the default alone: its map was looked at
    assert (recipe.trained_map_stride, recipe.map_centred) == (type(backbone).map_strides[0], centred)


def test_a_recipe_is_the_same_when_it_comes_back_from_its_own_dictionary():
    recipe = load_recipe("vgg16-reference")
    assert recipe_from(recipe.to_dict()) == recipe


def test_vgg16_reference_has_the_settings_of_the_reference_system():
    recipe = load_recipe("vgg16-reference")
    (stage,) = recipe.stages
    assert (recipe.backbone, recipe.head, recipe.weights, recipe.size_px) == ("vgg16", "dense", "published", 224)
    assert (recipe.optimizer, recipe.weight_decay, recipe.batch_size) == ("adam", 0.0, 32)
    assert (stage.learning_rate, stage.warmup_steps, stage.epochs, stage.size_px) == (1e-4, 0, 25, 224)
    assert stage.frozen_through == "block4_pool"
    assert (recipe.keep, recipe.early_stopping_patience) == ("validation_accuracy", 5)
    assert (recipe.schedule, recipe.plateau_factor) == ("plateau", 0.5)
    found = recipe.augmentation
    assert (found.rotation_degrees, found.shift, found.shear, found.zoom) == (20.0, 0.2, 0.2, (0.8, 1.2))
    assert found.flip_share == 0.5


def test_vgg16_reference_has_nothing_that_the_reference_system_has_not():
    recipe = load_recipe("vgg16-reference")
    found = recipe.augmentation
    assert (recipe.gradient_clip, recipe.label_smoothing, recipe.mixup, recipe.weights_average) == (0, 0, 0, 0)
    assert (recipe.class_balance, recipe.test_time_flip, recipe.wants_lung_masks) == ("none", False, False)
    assert found.crop_area == found.crop_aspect == found.contrast == found.gamma == (1.0, 1.0)
    assert (found.brightness, found.resolution_share, found.sharpness_share) == (0, 0, 0)
    assert (found.noise_share, found.erased_corner_share) == (0, 0)


@pytest.mark.parametrize(
    ("place", "key", "meant"),
    [
        ("", "bach_size", "batch_size"),
        ("augmentation", "flip", "flip_share"),
        ("stages", "learn_rate", "learning_rate"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known(settings, place, key, meant):
    table(settings, place)[key] = 1
    with pytest.raises(
        UnusableRecipe, match=rf"{key}\..*recipe-unknown-key.*Did you mean (?:\w+\.(?:\d\.)?)?{meant}\?"
    ):
        recipe_from(settings)


@pytest.mark.parametrize(
    ("place", "key", "named"),
    [("", "keep", "keep"), ("augmentation", "noise", "augmentation.noise"), ("stages", "epochs", "stages.2.epochs")],
)
def test_a_missing_key_is_named_with_its_place(settings, place, key, named):
    del table(settings, place)[key]
    with pytest.raises(UnusableRecipe, match=f"lacks {named}.*recipe-missing-key"):
        recipe_from(settings)


@pytest.mark.parametrize(
    ("place", "key", "value", "wanted"),
    [
        ("", "batch_size", "32", "a whole number"),
        ("", "batch_size", 32.0, "a whole number"),
        ("", "batch_size", True, "a whole number"),
        ("", "weight_decay", "small", "a number"),
        ("", "weight_decay", False, "a number"),
        ("", "test_time_flip", 1, "true or false"),
        ("", "name", 5, "a text"),
        ("stages", "epochs", 1.5, "a whole number"),
        ("augmentation", "gamma", 1.0, r"a range of two, \[low, high\], each a number"),
        ("augmentation", "gamma", [0.5, 1.0, 1.5], r"a range of two, \[low, high\], each a number"),
        ("augmentation", "gamma", [1.5, 0.5], r"a range \[low, high\] with low not above high"),
        ("augmentation", "gamma", ["low", 1.0], "a number"),
        ("augmentation", "resolution_px", [24, 60.5], "a whole number"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_the_kind_that_is_wanted(settings, place, key, value, wanted):
    table(settings, place)[key] = value
    with pytest.raises(UnusableRecipe, match=rf"{key} is .* and must be {wanted}\..*recipe-value"):
        recipe_from(settings)


def test_a_whole_number_may_stand_where_a_number_is_wanted(settings):
    settings["weight_decay"] = 1
    found = recipe_from(settings).weight_decay
    assert (found, type(found)) == (1.0, float)


@pytest.mark.parametrize(
    ("key", "value"), [("stages", 3), ("stages", {"epochs": 1}), ("stages", ["a"]), ("augmentation", 1)]
)
def test_tables_must_be_tables(settings, key, value):
    settings[key] = value
    with pytest.raises(UnusableRecipe, match="augmentation and stages must be tables"):
        recipe_from(settings)


def test_set_puts_single_keys_anew():
    found = load_recipe(
        "efficientnet-lite1",
        ["batch_size=16", "augmentation.noise=0", "stages.epochs=1", "stages.2.size_px = 96", "keep=validation_auroc"],
    )
    before = load_recipe("efficientnet-lite1")
    assert (found.batch_size, found.augmentation.noise, found.keep) == (16, 0.0, "validation_auroc")
    assert [stage.epochs for stage in found.stages] == [1, 1, 1]
    assert [stage.size_px for stage in found.stages] == [before.stages[0].size_px, 96, before.stages[2].size_px]
    assert found.augmentation.gamma == before.augmentation.gamma


@pytest.mark.parametrize(
    ("override", "found"),
    [
        ("augmentation.gamma=[0.9, 1.1]", (0.9, 1.1)),
        ("name=mine", "mine"),
        ('name="mine"', "mine"),
        ("name=a.b", "a.b"),
        ("test_time_flip=true", True),
        ("mixup=2e-1", 0.2),
    ],
)
def test_the_value_of_set_is_toml_or_a_text(override, found):
    recipe = load_recipe("tiny", [override])
    key = override.partition("=")[0]
    owner = recipe.augmentation if key.startswith("augmentation.") else recipe
    assert getattr(owner, key.rpartition(".")[2]) == found


def test_of_two_settings_of_a_key_the_later_counts():
    assert load_recipe("tiny", ["batch_size=4", "batch_size=6"]).batch_size == 6


@pytest.mark.parametrize(
    ("override", "code", "said"),
    [
        ("batch_size", "override-syntax", "Write it as key=value"),
        ("batchsize=8", "recipe-unknown-key", r"Did you mean batch_size\?"),
        ("augmentation.nois=0", "recipe-unknown-key", r"Did you mean augmentation\.noise\?"),
        ("stages.epoch=1", "recipe-unknown-key", r"Did you mean stages\.1\.epochs\?"),
        ("learning_rate=1", "recipe-unknown-key", r"Did you mean stages\.learning_rate\?"),
        ("stages.learning_rate=inf", "recipe-value", "must be a finite number"),
        ("augmentation.brightness=nan", "recipe-value", "must be a finite number"),
        ("name=../mine", "recipe-value", "name must be made of letters"),
        ("stages.4.epochs=1", "override-key", r"stages\.N\.KEY, N from 1"),
        ("stages.0.epochs=1", "override-key", r"stages\.N\.KEY, N from 1"),
        ("stage.epochs=1", "override-key", "points to nothing"),
        ("augmentation.noise.share=1", "override-key", "points to nothing"),
        ("batch_size=many", "recipe-value", "must be a whole number"),
        ("batch_size=", "recipe-value", "must be a whole number"),
        ("=3", "recipe-unknown-key", "unknown key"),
        ("stages=3", "recipe-value", "must be tables"),
    ],
)
def test_a_set_that_cannot_be_says_why(override, code, said):
    with pytest.raises(UnusableRecipe, match=said) as refused:
        load_recipe("efficientnet-lite0", [override])
    assert refused.value.code == code


def test_a_recipe_that_is_not_there_lists_those_that_are():
    with pytest.raises(UnusableRecipe, match=", ".join(SHIPPED)):
        load_recipe("resnet")


def test_a_recipe_file_of_ones_own_is_read(tmp_path):
    (tmp_path / "mine.toml").write_text(recipe_text("tiny").replace("batch_size = 32", "batch_size = 24"))
    assert load_recipe(str(tmp_path / "mine.toml")).batch_size == 24


def test_a_recipe_file_that_is_not_there_or_no_text_is_refused(tmp_path):
    (tmp_path / "latin.toml").write_bytes(b"name = '\xe9'")
    for name in ("none.toml", "latin.toml"):
        with pytest.raises(UnusableRecipe, match=f"{name} cannot be read.*recipe-not-found"):
            load_recipe(str(tmp_path / name))


def test_broken_toml_is_refused_with_the_place(tmp_path):
    (tmp_path / "mine.toml").write_text("name = \n")
    with pytest.raises(UnusableRecipe, match=r"line 1.*recipe-syntax"):
        load_recipe(str(tmp_path / "mine.toml"))
