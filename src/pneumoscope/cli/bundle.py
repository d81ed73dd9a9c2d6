"""`pneumoscope bundle`: verify a bundle and show what it says of itself."""

from __future__ import annotations

from pathlib import Path

import click

from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.bundle.card import CARD_FILE


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--card", "show_card", is_flag=True, help="Print card.json.")
def command(folder: Path | None, show_card: bool) -> None:
    """Verify the checksums of the bundle in FOLDER (the shipped one by default)."""
    bundle = open_bundle(folder)
    if show_card:
        click.echo((bundle.folder / CARD_FILE).read_text("utf-8"), nl=False)
        return
    click.echo(f"{bundle.title}: checksums hold, {len(bundle.model) / 1e6:.1f} MB")
    for point in bundle.card.operating_points:
        click.echo(
            f"  {point.name:<10} probability >= {point.threshold:.4f}: sensitivity {point.sensitivity:.3f}, "
            f"specificity {point.specificity:.3f} on {point.chosen_on}"
        )
    click.echo(f"  made for: {bundle.card.population.description}")
    click.echo(f"  {bundle.card.intended_use}")
