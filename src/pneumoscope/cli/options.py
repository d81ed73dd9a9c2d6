"""Options that several commands share, each written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pneumoscope.dataset.manifest import Split

Option = Callable[[Callable[..., Any]], Callable[..., Any]]
FILE = click.Path(path_type=Path)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)

bundle: Option = click.option("--bundle", "bundle_folder", type=FILE, help="The shipped one by default.")
data: Option = click.option("--data", required=True, type=FOLDER, help="What the manifest's paths are relative to.")
manifest: Option = click.option("--manifest", type=FILE, help="manifest.csv; read from DATA otherwise.")
limits: Option = click.option("--limits", "limits_file", type=FILE, help="TOML; those that ship by default.")
resamples: Option = click.option(
    "--resamples", default=2000, show_default=True, type=click.IntRange(100), help="Bootstrap resamples, by patient."
)
into_card: Option = click.option(
    "--into-card", is_flag=True, help="Count the opening of the test split in the bundle's card."
)


def split(default: Split) -> Option:
    """`--split`, by name."""
    names = click.Choice([one.value for one in Split])
    return click.option("--split", type=names, default=default.value, show_default=True)
