from dataclasses import replace

import pytest

from pneumoscope.errors import UnusableRecipe
from pneumoscope.model.build import backbone_names
from pneumoscope.training.recipe import BACKBONES
from pneumoscope.training.recipe_file import load_recipe

OFF = {
    "lungs_removed": 0.0,
    "surroundings_removed": 0.0,
    "lungs_removed_penalty": 0.0,
    "lung_guidance": 0.0,
    "lung_guidance_against": 0.0,
    "lung_segmentation": 0.0,
}


@pytest.fixture(scope="module")
def shipped():
    return load_recipe("efficientnet-lite1")


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("backbone", "vgg19", "backbone must be one of .*; the nearest to 'vgg19' is vgg16"),
        ("backbone", "resnet", "backbone must be one of efficientnet-lite0, .*, tiny[.]"),
        ("weights", "imagenet", "weights must be one of published, random"),
        ("keep", "validation_auc", "keep must be one of .*; the nearest to 'validation_auc' is validation_auroc"),
        ("head", "round", "head must be one of linear, dense"),
        ("optimizer", "sgd", "optimizer must be one of adamw, adam"),
        ("schedule", "linear", "schedule must be one of cosine, plateau"),
        ("class_balance", "both", "class_balance must be one of none, loss, sampling"),
        ("keep", "best", "keep must be one of last, validation_accuracy, validation_auroc, validation_loss"),
        ("batch_size", 1, "batch_size must be at least 2"),
        ("size_px", 32, "size_px must be a multiple of 32, from 64"),
        ("size_px", 100, "size_px must be a multiple of 32, from 64"),
        ("validation_share", 0.0, r"validation_share must be between 0\.01 and 0\.5"),
        ("validation_share", 0.6, r"validation_share must be between 0\.01 and 0\.5"),
        ("label_smoothing", 0.5, r"label_smoothing must be in \[0, 0\.5\)"),
        ("label_smoothing", -0.1, r"label_smoothing must be in \[0, 0\.5\)"),
        ("dropout", 1.0, r"dropout and drop_path must be in \[0, 1\)"),
        ("drop_path", -0.1, r"dropout and drop_path must be in \[0, 1\)"),
        ("mixup", -0.2, "mixup must not be negative"),
        ("weights_average", 1.0, r"weights_average must be in \[0, 1\)"),
        ("plateau_factor", 0.0, r"plateau_factor must be in \(0, 1\]"),
        ("plateau_factor", 1.5, r"plateau_factor must be in \(0, 1\]"),
        ("plateau_patience", -1, "patience must not be negative"),
        ("early_stopping_patience", -1, "patience must not be negative"),
        ("weight_decay", -0.1, "weight_decay and gradient_clip must not be negative"),
        ("gradient_clip", -5.0, "weight_decay and gradient_clip must not be negative"),
        ("stages", (), "there must be at least one stage"),
    ],
)
def test_an_impossible_value_is_refused_and_the_rule_said(shipped, key, value, rule):
    with pytest.raises(UnusableRecipe, match=f"recipe efficientnet-lite1: {rule}.*recipe-value"):
        replace(shipped, **{key: value})


def test_the_backbones_of_recipes_are_those_that_can_be_built():
    assert set(BACKBONES) == set(backbone_names())


@pytest.mark.parametrize("stage", [0, 1, 2])
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"epochs": 0}, "stage {} needs at least one epoch"),
        ({"size_px": 100}, "size_px of stage {} must be a multiple of 32, from 64"),
        ({"size_px": 32}, "size_px of stage {} must be a multiple of 32, from 64"),
        ({"lungs_removed": 0.6, "surroundings_removed": 0.5}, "surroundings_removed of stage {} must not exceed 1"),
        ({"lungs_removed": -0.1}, "lungs_removed of stage {} must not be negative"),
        ({"surroundings_removed": -0.1}, "surroundings_removed of stage {} must not be negative"),
        ({"lung_guidance": -1.0}, "lung_guidance of stage {} must not be negative"),
        ({"lung_segmentation": -0.1}, "lung_segmentation of stage {} must not be negative"),
        ({"learning_rate": 0.0}, "learning_rate of stage {} must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate of stage {} must be above 0"),
        ({"final_learning_rate": -1e-6}, "final_learning_rate of stage {} must not be negative"),
        ({"warmup_steps": -1}, "warmup_steps of stage {} must not be negative"),
        ({"looks": 0}, "looks of stage {} must be at least 1"),
        ({"consistency": -0.1}, "consistency of stage {} must not be negative"),
        ({"consistency": 0.1, "looks": 1}, "consistency of stage {} needs at least 2 looks"),
        (
            {"cached_views": 2, "frozen_through": "stem", **OFF, "looks": 2},
            "cached_views of stage {} goes with one look only",
        ),
        ({"cached_views": -1}, "cached_views of stage {} must not be negative"),
        ({"cached_views": 2, **OFF}, "cached_views of stage {} needs frozen_through"),
        (
            {"cached_views": 2, "frozen_through": "stem", **OFF, "lung_guidance": 1.0},
            "cached_views of stage {} goes with neither lung masks nor mixup nor teachers",
        ),
        (
            {"cached_views": 2, "frozen_through": "stem", **OFF, "lung_segmentation": 1.0},
            "cached_views of stage {} goes with neither lung masks nor mixup nor teachers",
        ),
    ],
)
def test_an_impossible_stage_is_refused_by_its_number(shipped, stage, changes, rule):
    stages = list(shipped.stages)
    stages[stage] = replace(stages[stage], **changes)
    with pytest.raises(UnusableRecipe, match=rule.format(stage + 1)):
        replace(shipped, stages=tuple(stages))


def test_consistency_and_mixup_are_refused_together(shipped):
    stages = tuple(replace(stage, looks=2, consistency=0.1) for stage in shipped.stages)
    assert replace(shipped, stages=stages).mixup == 0
    with pytest.raises(UnusableRecipe, match="consistency of stage 1 does not go with mixup"):
        replace(shipped, stages=stages, mixup=0.2)


def test_cached_views_and_mixup_are_refused_together(shipped):
    stages = tuple(replace(stage, cached_views=1, frozen_through="stem", **OFF) for stage in shipped.stages)
    assert replace(shipped, stages=stages).mixup == 0
    with pytest.raises(UnusableRecipe, match="neither lung masks nor mixup"):
        replace(shipped, stages=stages, mixup=0.2)


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("outside", "mirror", "outside must be one of black, edge"),
        ("crop_area", (0.0, 1.0), "crop_area must be above 0"),
        ("crop_area", (0.5, 1.5), "crop_area must not exceed 1"),
        ("crop_aspect", (0.0, 1.0), "crop_aspect must be above 0"),
        ("zoom", (0.0, 1.0), "zoom must be above 0"),
        ("contrast", (-1.0, 1.0), "contrast must be above 0"),
        ("gamma", (0.0, 1.0), "gamma must be above 0"),
        ("resolution_px", (0, 8), "resolution_px must be above 0"),
        ("shift", -0.1, r"shift must be in \[0, 1\]"),
        ("flip_share", 1.5, r"flip_share must be in \[0, 1\]"),
        ("noise_share", -0.5, r"noise_share must be in \[0, 1\]"),
        ("noise", -0.1, "noise must not be negative"),
    ],
)
def test_an_impossible_augmentation_is_refused(shipped, key, value, rule):
    with pytest.raises(UnusableRecipe, match=rule):
        replace(shipped, augmentation=replace(shipped.augmentation, **{key: value}))


def test_epochs_are_numbered_across_stages(shipped):
    first, second, third = shipped.stages
    assert shipped.epochs == first.epochs + second.epochs + third.epochs
    assert shipped.stage_of(0) == (first, 0)
    assert shipped.stage_of(first.epochs - 1) == (first, first.epochs - 1)
    assert shipped.stage_of(first.epochs) == (second, 0)
    assert shipped.stage_of(shipped.epochs - 1) == (third, third.epochs - 1)
    with pytest.raises(UnusableRecipe, match="ends before epoch"):
        shipped.stage_of(shipped.epochs)


@pytest.mark.parametrize("key", list(OFF))
def test_each_use_of_lung_masks_makes_a_recipe_want_them(shipped, key):
    stages = [replace(stage, **OFF) for stage in shipped.stages]
    assert not replace(shipped, stages=tuple(stages)).wants_lung_masks
    stages[2] = replace(stages[2], **{key: 0.1})
    assert replace(shipped, stages=tuple(stages)).wants_lung_masks
