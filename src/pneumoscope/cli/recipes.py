"""`pneumoscope recipes`: what can be trained."""

from __future__ import annotations

import json

import click

from pneumoscope.training.recipe import load_recipe, shipped_recipes


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List the recipes that ship, or show the one called NAME (or a TOML file)."""
    if name is None:
        click.echo("\n".join(shipped_recipes()))
    else:
        click.echo(json.dumps(load_recipe(name).to_dict(), indent=2))
