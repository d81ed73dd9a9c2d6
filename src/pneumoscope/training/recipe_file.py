"""Recipes as TOML files: the ones that ship, people's own, and single keys set anew on the command line."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Iterable
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

from pneumoscope.errors import UnusableRecipe
from pneumoscope.training.recipe import Augmentation, Recipe, Stage

KINDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "str": ("a text", (str,)),
    "bool": ("true or false", (bool,)),
    "int": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
}


def shipped_recipes() -> list[str]:
    """Names of the recipes in the package."""
    folder = resources.files("pneumoscope.training") / "recipes"
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))


def recipe_text(name_or_path: str) -> str:
    """The TOML text of a shipped recipe by name, or of any file that ends in .toml."""
    if name_or_path.endswith(".toml"):
        try:
            return Path(name_or_path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UnusableRecipe(
                "recipe-not-found", f"{name_or_path} cannot be read: {error}.", remedy="Check the path; TOML is UTF-8."
            ) from error
    if name_or_path in shipped_recipes():
        return (resources.files("pneumoscope.training") / "recipes" / f"{name_or_path}.toml").read_text("utf-8")
    raise UnusableRecipe(
        "recipe-not-found",
        f"There is no recipe {name_or_path!r}.",
        remedy=f"Shipped recipes: {', '.join(shipped_recipes())}; or give a path that ends in .toml.",
    )


def load_recipe(name_or_path: str, overrides: Iterable[str] = ()) -> Recipe:
    """A recipe with `key=value` overrides; `UnusableRecipe` names what is wrong and what was meant."""
    try:
        settings = tomllib.loads(recipe_text(name_or_path))
    except tomllib.TOMLDecodeError as error:
        raise UnusableRecipe(
            "recipe-syntax",
            f"{name_or_path} is not TOML: {error}.",
            remedy="Write key = value lines with texts in quotes; `pneumoscope recipes NAME` prints a recipe that is right.",
        ) from error
    for override in overrides:
        set_key(settings, override)
    return recipe_from(settings)


def set_key(settings: dict[str, Any], override: str) -> None:
    """Put `key=value` into parsed settings: `batch_size=16`, `augmentation.noise=0`, `stages.2.epochs=1`.

    Stages are numbered from 1; `stages.epochs=1` means every stage. The value is TOML; what is not is a text.
    """
    path, separator, text = override.partition("=")
    if not separator:
        raise UnusableRecipe(
            "override-syntax", f"--set {override} has no value.", remedy="Write it as key=value, as in batch_size=16."
        )
    value = parsed_value(text.strip())
    *outer, key = path.strip().split(".")
    for target in targets_of(settings, outer, override):
        target[key] = value


def parsed_value(text: str) -> Any:
    """A TOML value, or the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def targets_of(settings: dict[str, Any], outer: list[str], override: str) -> list[dict[str, Any]]:
    """The tables that a dotted key is set in."""
    stages = settings.get("stages")
    match outer:
        case []:
            return [settings]
        case ["augmentation"] if isinstance(settings.get("augmentation"), dict):
            return [settings["augmentation"]]
        case ["stages"] if isinstance(stages, list):
            return stages
        case ["stages", number] if isinstance(stages, list) and number in map(str, range(1, len(stages) + 1)):
            return [stages[int(number) - 1]]
    raise UnusableRecipe(
        "override-key",
        f"--set {override} points to nothing in the recipe.",
        remedy="Keys are KEY, augmentation.KEY, stages.KEY (every stage) or stages.N.KEY, N from 1.",
    )


def recipe_from(settings: dict[str, Any]) -> Recipe:
    """A checked recipe from parsed TOML."""
    settings = dict(settings)
    known_keys(settings, Recipe, "")
    augmentation, stages = settings.pop("augmentation"), settings.pop("stages")
    tables = [augmentation, *(stages if isinstance(stages, list | tuple) else [None])]
    if not all(isinstance(table, dict) for table in tables):
        raise UnusableRecipe(
            "recipe-value", "augmentation and stages must be tables.", remedy="Write [augmentation] and [[stages]]."
        )
    return Recipe(
        augmentation=Augmentation(**checked(augmentation, Augmentation, "augmentation.")),
        stages=tuple(Stage(**checked(stage, Stage, f"stages.{number}.")) for number, stage in enumerate(stages, 1)),
        **values_of(settings, Recipe, ""),
    )


def checked(settings: dict[str, Any], kind: type, prefix: str) -> dict[str, Any]:
    """Known keys with values of the right kind."""
    known_keys(settings, kind, prefix)
    return values_of(settings, kind, prefix)


def known_keys(settings: dict[str, Any], kind: type, prefix: str) -> None:
    """Refuse unknown keys with the nearest known one, and missing keys by name."""
    names = [field.name for field in fields(kind)]
    for key in settings:
        if key not in names:
            raise UnusableRecipe(
                "recipe-unknown-key",
                f"The recipe has an unknown key {prefix}{key}.",
                remedy=f"Did you mean {nearest_key(key, names, prefix)}?",
            )
    if missing := [prefix + name for name in names if name not in settings]:
        raise UnusableRecipe(
            "recipe-missing-key",
            f"The recipe lacks {', '.join(missing)}.",
            remedy="Copy the key from a shipped recipe; 0 or false turns a technique off.",
        )


def nearest_key(key: str, names: list[str], prefix: str) -> str:
    """The known key that was probably meant: of the same table if one is like it, else of any."""
    if near := difflib.get_close_matches(key, names, n=1, cutoff=0.6):
        return prefix + near[0]
    tables = {"": Recipe, "augmentation.": Augmentation, "stages.": Stage}
    everywhere = {field.name: place + field.name for place, kind in tables.items() for field in fields(kind)}
    if near := difflib.get_close_matches(key, everywhere, n=1, cutoff=0.6):
        return everywhere[near[0]]
    return prefix + difflib.get_close_matches(key, names, n=1, cutoff=0)[0]


def values_of(settings: dict[str, Any], kind: type, prefix: str) -> dict[str, Any]:
    """The values as the fields want them: lists of two become ranges; `UnusableRecipe` where the kind is another."""
    kinds = {field.name: str(field.type) for field in fields(kind)}
    return {key: value_of(value, kinds[key], prefix + key) for key, value in settings.items()}


def value_of(value: Any, kind: str, key: str) -> Any:
    """One value of the kind that the field's annotation names."""
    if kind.startswith("tuple"):
        item = kind.removeprefix("tuple[").partition(",")[0]
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise wrong_kind(key, value, f"a range of two, [low, high], each {KINDS[item][0]}")
        low, high = (value_of(part, item, key) for part in value)
        if low > high:
            raise wrong_kind(key, value, "a range [low, high] with low not above high")
        return low, high
    text, types = KINDS[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "bool"):
        raise wrong_kind(key, value, text)
    number: Any = value
    if kind == "float" and not math.isfinite(number):
        raise wrong_kind(key, value, "a finite number")
    return float(number) if kind == "float" else value


def wrong_kind(key: str, value: Any, wanted: str) -> UnusableRecipe:
    """The error for a value of another kind."""
    return UnusableRecipe(
        "recipe-value",
        f"{key} is {value!r} and must be {wanted}.",
        remedy="Write it as the shipped recipes do (`pneumoscope recipes NAME`), in the recipe file or as --set KEY=VALUE.",
    )
