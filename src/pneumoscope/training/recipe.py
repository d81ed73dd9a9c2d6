"""Every setting of a training, each with one meaning and no second default, as frozen objects that cannot be wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from pneumoscope.errors import UnusableRecipe
from pneumoscope.training.validation_design import ValidationDesign

BACKBONES = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2", "densenet121", "vgg16", "tiny")
WEIGHTS = ("published", "random")
HEADS = ("linear", "dense")
OPTIMIZERS = ("adamw", "adam")
SCHEDULES = ("cosine", "plateau")
BALANCES = ("none", "loss", "sampling")
KEPT = ("last", "validation_accuracy", "validation_auroc", "validation_loss")
OUTSIDES = ("black", "edge")
DESIGNS = tuple(ValidationDesign)
OF_LUNGS = (
    "lung_guidance",
    "lung_guidance_against",
    "lungs_removed",
    "surroundings_removed",
    "lungs_removed_penalty",
    "lung_segmentation",
)
"""The keys of a stage that need lung masks."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Random steps of training only. Ranges are [low, high]; a share is the probability of the step.

    `crop_area` and `crop_aspect` are of a random resized crop; `zoom` scales each axis by its own factor and `shift`
    moves by a share of the picture, as Keras does. `outside` says what is seen beyond the edge of the picture.
    """

    crop_area: tuple[float, float]
    crop_aspect: tuple[float, float]
    zoom: tuple[float, float]
    shift: float
    rotation_degrees: float
    shear: float
    outside: str
    flip_share: float
    brightness: float
    contrast: tuple[float, float]
    gamma: tuple[float, float]
    resolution_share: float
    resolution_px: tuple[int, int]
    sharpness_share: float
    sharpness: tuple[float, float]
    sharpness_target_share: float
    sharpness_target: tuple[float, float]
    spectrum_mix_share: float
    noise_share: float
    noise: float
    jpeg_share: float
    jpeg_quality: tuple[int, int]
    erased_corner_share: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Epochs at one picture size with one mix of objectives.

    `frozen_through` names the last part of the backbone that does not learn, its batch-norm statistics neither ("" for
    none). `cached_views` > 0 computes the frozen parts once for that many augmented views of each radiograph and trains
    the rest from them. `lung_guidance` and `lung_guidance_against` weigh the penalties on evidence outside the lungs, for
    and against pneumonia; `lungs_removed` and `surroundings_removed` are shares of the pictures with lung masks,
    `removal_margin` is how far beyond the lungs either may reach, as a share of the picture's side, `joined_windows` the
    share of those without surroundings whose window shows where another picture's lungs are too, and
    `lungs_removed_penalty` weighs what is still said where the lungs are gone (see `evidence.py`), `lung_segmentation` a
    second task (see `lung_task.py`). 0 turns each off.
    A batch holds `looks` augmented pictures of each radiograph, and `consistency` weighs by how much what is said of
    them differs.
    """

    epochs: int
    size_px: int
    learning_rate: float
    final_learning_rate: float
    warmup_steps: int
    frozen_through: str
    cached_views: int
    lung_guidance: float
    lung_guidance_against: float
    lungs_removed: float
    surroundings_removed: float
    removal_margin: float
    joined_windows: float
    lungs_removed_penalty: float
    lung_segmentation: float
    looks: int
    consistency: float

    @property
    def wants_lung_masks(self) -> bool:
        return any(getattr(self, key) > 0 for key in OF_LUNGS)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole training. What each technique is and where it comes from: docs/explanation/training.md."""

    name: str
    backbone: str
    head: str
    weights: str
    size_px: int
    map_stride: int
    trained_map_stride: int
    map_centred: bool
    batch_size: int
    validation_share: float
    validation_design: str
    optimizer: str
    weight_decay: float
    gradient_clip: float
    schedule: str
    plateau_patience: int
    plateau_factor: float
    early_stopping_patience: int
    keep: str
    label_smoothing: float
    dropout: float
    drop_path: float
    mixup: float
    class_balance: str
    atypical_normals_factor: float
    atypical_pneumonias_factor: float
    teachers_share: float
    weights_average: float
    test_time_flip: bool
    fitted_normals_share: float
    stated_prevalence: float
    augmentation: Augmentation
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        for rule, holds in [
            *rules_of(self),
            *(rule for number in self.stage_numbers for rule in self.stage_rules(number)),
        ]:
            if not holds:
                raise UnusableRecipe(
                    "recipe-value",
                    f"In recipe {self.name}: {rule}.",
                    remedy="Set it so in the recipe file, or with --set KEY=VALUE (stages.KEY=VALUE for every stage).",
                )

    @property
    def epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    @property
    def stage_numbers(self) -> range:
        return range(1, len(self.stages) + 1)

    @property
    def wants_lung_masks(self) -> bool:
        return any(stage.wants_lung_masks for stage in self.stages)

    @property
    def has_lung_task(self) -> bool:
        return any(stage.lung_segmentation > 0 for stage in self.stages)

    def stage_of(self, epoch: int) -> tuple[Stage, int]:
        """The stage of an epoch (from 0), and how many epochs of that stage came before it."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage, epoch
            epoch -= stage.epochs
        raise UnusableRecipe("epoch", f"The recipe ends before epoch {epoch}.", remedy="Ask for an earlier epoch.")

    def stage_rules(self, number: int) -> Iterable[tuple[str, bool]]:
        """What must hold of one stage (from 1)."""
        stage = self.stages[number - 1]
        removed = stage.lungs_removed + stage.surroundings_removed
        size_fits = stage.size_px >= 64 and stage.size_px % 32 == 0
        pictures_alone = not (stage.wants_lung_masks or self.mixup or self.teachers_share)
        yield f"stage {number} needs at least one epoch", stage.epochs >= 1
        yield f"size_px of stage {number} must be a multiple of 32, from 64", size_fits
        yield f"lungs_removed + surroundings_removed of stage {number} must not exceed 1", removed <= 1
        yield f"removal_margin of stage {number} must be from 0 to 0.5", 0 <= stage.removal_margin <= 0.5
        yield f"joined_windows of stage {number} must be from 0 to 1", 0 <= stage.joined_windows <= 1
        yield f"learning_rate of stage {number} must be above 0", stage.learning_rate > 0
        yield f"looks of stage {number} must be at least 1", stage.looks >= 1
        for key in ("final_learning_rate", "warmup_steps", "consistency", *OF_LUNGS):
            yield f"{key} of stage {number} must not be negative", getattr(stage, key) >= 0
        if stage.consistency:
            yield f"consistency of stage {number} needs at least 2 looks", stage.looks >= 2
            yield f"consistency of stage {number} does not go with mixup", not self.mixup
        yield f"cached_views of stage {number} must not be negative", stage.cached_views >= 0
        if stage.cached_views:
            yield f"cached_views of stage {number} needs frozen_through", bool(stage.frozen_through)
            yield f"cached_views of stage {number} goes with neither lung masks nor mixup nor teachers", pictures_alone
            yield f"cached_views of stage {number} goes with one look only", stage.looks == 1

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def with_later_keys(written: Any, now: Any) -> Any:
    """Settings as an earlier version wrote them, completed by the keys that came since where `now` has those off.

    Both as JSON has them. What a recipe could not yet turn on was off: a key that is missing is added where its value
    is 0 or false now, and left out otherwise, so that the two differ.
    """
    if isinstance(written, list) and isinstance(now, list) and len(written) == len(now):
        return [with_later_keys(first, second) for first, second in zip(written, now, strict=True)]
    if isinstance(written, dict) and isinstance(now, dict):
        off = {key: value for key, value in now.items() if key not in written and value in (0, False)}
        return {key: with_later_keys(value, now.get(key)) for key, value in written.items()} | off
    return written


def rules_of(recipe: Recipe) -> Iterable[tuple[str, bool]]:
    """What must hold of the recipe as a whole."""
    for key, known in (
        ("backbone", BACKBONES),
        ("weights", WEIGHTS),
        ("head", HEADS),
        ("optimizer", OPTIMIZERS),
        ("schedule", SCHEDULES),
        ("class_balance", BALANCES),
        ("keep", KEPT),
        ("validation_design", DESIGNS),
    ):
        value = getattr(recipe, key)
        yield f"{key} must be one of {', '.join(known)}{meant(value, known)}", value in known
    plain = bool(recipe.name) and all(letter.isalnum() or letter in "-_." for letter in recipe.name)
    yield "name must be made of letters, digits, -, _ and .", plain and not recipe.name.startswith(".")
    yield f"outside must be one of {', '.join(OUTSIDES)}", recipe.augmentation.outside in OUTSIDES
    yield "batch_size must be at least 2", recipe.batch_size >= 2
    yield "size_px must be a multiple of 32, from 64", recipe.size_px >= 64 and recipe.size_px % 32 == 0
    yield "validation_share must be between 0.01 and 0.5", 0.01 <= recipe.validation_share <= 0.5
    yield "label_smoothing must be in [0, 0.5)", 0 <= recipe.label_smoothing < 0.5
    yield "dropout and drop_path must be in [0, 1)", 0 <= recipe.dropout < 1 and 0 <= recipe.drop_path < 1
    yield "mixup must not be negative", recipe.mixup >= 0
    factors = recipe.atypical_normals_factor, recipe.atypical_pneumonias_factor
    yield "atypical_normals_factor and atypical_pneumonias_factor must be at least 1", min(factors) >= 1
    yield "teachers_share must be in [0, 1]", 0 <= recipe.teachers_share <= 1
    yield "weights_average must be in [0, 1)", 0 <= recipe.weights_average < 1
    yield "plateau_factor must be in (0, 1]", 0 < recipe.plateau_factor <= 1
    yield "fitted_normals_share must be above 0 and at most 1", 0 < recipe.fitted_normals_share <= 1
    yield "stated_prevalence must be in [0, 1)", 0 <= recipe.stated_prevalence < 1
    yield "patience must not be negative", min(recipe.plateau_patience, recipe.early_stopping_patience) >= 0
    yield "weight_decay and gradient_clip must not be negative", min(recipe.weight_decay, recipe.gradient_clip) >= 0
    yield "there must be at least one stage", bool(recipe.stages)
    yield from augmentation_rules(recipe.augmentation)


def meant(value: str, known: Iterable[str]) -> str:
    """Which known value is nearest to one that is not known, in words; empty where none is like it."""
    near = difflib.get_close_matches(value, list(known), n=1)
    return f"; the nearest to {value!r} is {near[0]}" if near else ""


def augmentation_rules(augmentation: Augmentation) -> Iterable[tuple[str, bool]]:
    """What must hold of the random steps."""
    for key in ("crop_area", "crop_aspect", "zoom", "contrast", "gamma", "resolution_px", "sharpness_target"):
        yield f"{key} must be above 0", getattr(augmentation, key)[0] > 0
    shares = [field.name for field in fields(augmentation) if field.name.endswith("_share")]
    for key in ("shift", *shares):
        yield f"{key} must be in [0, 1]", 0 <= getattr(augmentation, key) <= 1
    yield "crop_area must not exceed 1", augmentation.crop_area[1] <= 1
    low, high = augmentation.jpeg_quality
    yield "jpeg_quality must be in [1, 95]", low >= 1 and high <= 95
    yield "noise must not be negative", augmentation.noise >= 0
