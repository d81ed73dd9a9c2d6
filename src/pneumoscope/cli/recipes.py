"""`pneumoscope recipes`: what can be trained."""

from __future__ import annotations

import click

from pneumoscope.training.recipe_file import load_recipe, recipe_text, shipped_recipes


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the recipes that ship, or show the one called NAME (or a TOML file)."""
    if name is not None:
        load_recipe(name)
        click.echo(recipe_text(name).rstrip())
        return
    for shipped in shipped_recipes():
        recipe = load_recipe(shipped)
        sizes = "/".join(dict.fromkeys(str(stage.size_px) for stage in recipe.stages))
        click.echo(f"{shipped:22} {recipe.backbone}, {recipe.head} head, {recipe.epochs} epochs at {sizes} px")
