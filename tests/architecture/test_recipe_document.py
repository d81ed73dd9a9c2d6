"""The reference of the recipe names every key that a recipe has, each once, and no other."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from pneumoscope.training.recipe import Augmentation, Recipe, Stage
from pneumoscope.training.recipe_file import load_recipe

DOCUMENT = (Path(__file__).parents[2] / "docs/reference/recipe.md").read_text("utf-8")
SECTIONS = {"The recipe as a whole": Recipe, "Augmentation": Augmentation, "Stages": Stage}


def keys_by_section() -> dict[str, list[str]]:
    """Of each section that has a table: the first cells of its rows, less the line of column names and the rule."""
    parts = (section.partition("\n") for section in re.split(r"^#+ ", DOCUMENT, flags=re.MULTILINE)[1:])
    cells = {heading: re.findall(r"^\|\s*(.*?)\s*\|", text, re.MULTILINE) for heading, _, text in parts}
    return {heading: found[2:] for heading, found in cells.items() if found}


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_table_names_every_key_in_its_order_and_no_other(heading):
    assert keys_by_section()[heading] == [f"`{field.name}`" for field in fields(SECTIONS[heading])]


def test_no_other_table_stands_in_the_document():
    assert keys_by_section().keys() == SECTIONS.keys()


def test_every_set_in_the_document_is_taken():
    written = re.findall(r"^--set (?:'([^']+)'|(\S+))", DOCUMENT, re.MULTILINE)
    overrides = [quoted or plain for quoted, plain in written]
    assert overrides
    recipe = load_recipe("efficientnet-lite0", overrides)
    assert recipe != load_recipe("efficientnet-lite0")
