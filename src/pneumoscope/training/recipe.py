"""One TOML file into one frozen object: every setting of a training, each with one meaning and no second default."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from pneumoscope.errors import UnusableRecipe


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Random steps of training only. Ranges are [low, high]; a share is the probability of the step."""

    crop_area: tuple[float, float]
    crop_aspect: tuple[float, float]
    rotation_degrees: float
    shear: float
    flip_share: float
    brightness: float
    contrast: tuple[float, float]
    gamma: tuple[float, float]
    resolution_share: float
    resolution_px: tuple[int, int]
    sharpness_share: float
    sharpness: tuple[float, float]
    noise_share: float
    noise: float
    erased_corner_share: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Epochs at one picture size with one mix of objectives.

    `lung_guidance` weighs the penalty on positive evidence outside the lungs; `lungs_removed` and
    `surroundings_removed` are shares of the pictures with lung masks (see `evidence.py`). 0 turns each off.
    """

    epochs: int
    size_px: int
    learning_rate: float
    final_learning_rate: float
    warmup_steps: int
    lung_guidance: float
    lungs_removed: float
    surroundings_removed: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole training."""

    name: str
    backbone: str
    pretrained: bool
    size_px: int
    batch_size: int
    validation_share: float
    weight_decay: float
    label_smoothing: float
    dropout: float
    drop_path: float
    balance_classes: bool
    augmentation: Augmentation
    stages: tuple[Stage, ...]

    @property
    def epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    def stage_of(self, epoch: int) -> tuple[Stage, int]:
        """The stage of an epoch (from 0), and how many epochs of that stage came before it."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage, epoch
            epoch -= stage.epochs
        raise UnusableRecipe("epoch", f"The recipe ends before epoch {epoch}.", remedy="Ask for an earlier epoch.")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def shipped_recipes() -> list[str]:
    """Names of the recipes in the package."""
    folder = resources.files("pneumoscope.training") / "recipes"
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_recipe(name_or_path: str) -> Recipe:
    """A shipped recipe by name, or any TOML file; `UnusableRecipe` names what is wrong and what was meant."""
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        if not path.is_file():
            raise UnusableRecipe("recipe-not-found", f"There is no file {path}.", remedy="Check the path.")
        text = path.read_text(encoding="utf-8")
    elif name_or_path in shipped_recipes():
        text = (resources.files("pneumoscope.training") / "recipes" / f"{name_or_path}.toml").read_text("utf-8")
    else:
        raise UnusableRecipe(
            "recipe-not-found",
            f"There is no recipe {name_or_path!r}.",
            remedy=f"Shipped recipes: {', '.join(shipped_recipes())}; or give a path that ends in .toml.",
        )
    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnusableRecipe("recipe-syntax", f"{name_or_path} is not TOML: {error}.", remedy="Mend it.") from error
    return recipe_from(settings)


def recipe_from(settings: dict[str, Any]) -> Recipe:
    """A checked recipe from parsed TOML."""
    settings = dict(settings)
    known_keys(settings, Recipe, "")
    augmentation, stages = settings.pop("augmentation"), settings.pop("stages")
    known_keys(augmentation, Augmentation, "augmentation.")
    for stage in stages:
        known_keys(stage, Stage, "stages.")
    pairs: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in augmentation.items()
    }
    recipe = Recipe(augmentation=Augmentation(**pairs), stages=tuple(Stage(**stage) for stage in stages), **settings)
    check(recipe)
    return recipe


def known_keys(settings: dict[str, Any], kind: type, prefix: str) -> None:
    """Refuse unknown keys with the nearest known one, and missing keys by name."""
    names = [field.name for field in fields(kind)]
    for key in settings:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1, cutoff=0)
            raise UnusableRecipe(
                "recipe-unknown-key", f"The recipe has an unknown key {prefix}{key}.", remedy=f"Did you mean {near[0]}?"
            )
    if missing := [prefix + name for name in names if name not in settings]:
        raise UnusableRecipe(
            "recipe-missing-key",
            f"The recipe lacks {', '.join(missing)}.",
            remedy="Copy the key from a shipped recipe; 0 or false turns a technique off.",
        )


def check(recipe: Recipe) -> None:
    """Values that cannot be; `UnusableRecipe` names the first."""
    rules = [
        ("backbone must be efficientnet-lite0", recipe.backbone == "efficientnet-lite0"),
        ("batch_size must be at least 2", recipe.batch_size >= 2),
        ("validation_share must be between 0.01 and 0.5", 0.01 <= recipe.validation_share <= 0.5),
        ("label_smoothing must be in [0, 0.5)", 0 <= recipe.label_smoothing < 0.5),
        ("there must be at least one stage", bool(recipe.stages)),
    ]
    for number, stage in enumerate(recipe.stages, start=1):
        removed = stage.lungs_removed + stage.surroundings_removed
        rules += [
            (f"stage {number} needs at least one epoch", stage.epochs >= 1),
            (
                f"size_px of stage {number} must be a multiple of 32, from 64",
                stage.size_px >= 64 and stage.size_px % 32 == 0,
            ),
            (f"lungs_removed + surroundings_removed of stage {number} must not exceed 1", removed <= 1),
        ]
    for rule, holds in rules:
        if not holds:
            raise UnusableRecipe("recipe-value", f"In recipe {recipe.name}: {rule}.", remedy="Mend that value.")
