"""`pneumoscope card`: the model card of a bundle, with numbers from its files only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.errors import UnusableData
from pneumoscope.report.model_card import model_card
from pneumoscope.whole_file import write_whole

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--bundle", "bundle_folder", type=click.Path(path_type=Path), help="The shipped one by default.")
@click.option("--evaluation", type=FILE, help="evaluation.json; by default the test metrics in the bundle's card.")
@click.option("--audit", type=FILE, help="audit.json, to sum it up.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File; standard output by default.")
def command(bundle_folder: Path | None, evaluation: Path | None, audit: Path | None, output: Path | None) -> None:
    """Write the model card as Markdown: use, data, training, evaluation, limits, reporting checklists."""
    options = {"--bundle": bundle_folder, "--evaluation": evaluation, "--audit": audit, "--output": output}
    text = model_card(
        open_bundle(bundle_folder),
        evaluation=read_document(evaluation, ("metrics", "radiographs")) if evaluation else None,
        audit=read_document(audit, ("rows", "summary")) if audit else None,
        command=" ".join(["pneumoscope card", *(f"{name} {told(path)}" for name, path in options.items() if path)]),
    )
    if output:
        write_whole(output, text.encode())
    else:
        click.echo(text, nl=False)


def told(path: Path) -> str:
    """The path as it was given, or the name alone where it is of this machine."""
    return path.name if path.is_absolute() else path.as_posix()


def read_document(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """A file that another command wrote; `UnusableData` where it is not."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise UnusableData(
            "document-unreadable", f"{path} cannot be read as JSON.", remedy="Give the file that the command wrote."
        ) from error
    if not isinstance(document, dict) or any(key not in document for key in keys):
        raise UnusableData(
            "document-foreign",
            f"{path} lacks {' or '.join(keys)}.",
            remedy="Give the evaluation.json of `pneumoscope evaluate`, or the audit.json of `pneumoscope audit`.",
        )
    return document
