"""The `pneumoscope` command: each subcommand is imported only when it runs, so that predicting starts quickly."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys

import click

from pneumoscope import __version__
from pneumoscope.errors import PneumoscopeError, UnusableOutput

DISCLAIMER = "Research and education only. Not a medical device."

COMMANDS = {
    "predict": "Read radiographs: probability, decision, and where in the picture it comes from.",
    "explain": "Show where the answer to one radiograph comes from, by several methods.",
    "serve": "Open the web page and the API on this machine.",
    "score": "Score a set of radiographs into a table.",
    "evaluate": "Measure a bundle, or any model's scores, on labelled radiographs, with intervals.",
    "compare": "Compare two systems on the same radiographs.",
    "calibrate": "Fit calibration, operating points and zones of a bundle to scores.",
    "calibrate-map": "Choose when the map of one radiograph is to be doubted, for the card of a bundle.",
    "audit": "Ask a bundle for shortcuts: does it read the lungs, or something else?",
    "explain-audit": "Test the explanations of a bundle: is the map right, stable, better than chance?",
    "data": "Fetch, import and audit labelled radiographs.",
    "train": "Train a model from a recipe and make a bundle of it.",
    "train-lungs": "Train the lung segmentation of a bundle from lung masks.",
    "recipes": "List the recipes that ship, or show one.",
    "parity": "Prove that full-size files and their small copies give the same answer.",
    "index": "Give a bundle the index of similar cases, from its training radiographs.",
    "bundle": "Verify a bundle and show its card.",
    "card": "Write the model card of a bundle, with numbers from its files.",
}


class LazyGroup(click.Group):
    """Subcommands by name, from `pneumoscope.cli.NAME`, a dash read as an underscore."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = f"pneumoscope.cli.{cmd_name.replace('-', '_')}"
        command: click.Command = importlib.import_module(module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help without importing the subcommands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pneumoscope")
def command() -> None:
    """Read chest radiographs: how probable is pneumonia, where that comes from, how far to trust it.

    For research and education only. Not a medical device.
    """


def printable(text: str) -> str:
    """Without characters that would steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def main() -> None:
    """Run; our errors become one clear message and their exit status."""
    try:
        command.main(standalone_mode=False)
    except PneumoscopeError as error:
        click.echo(f"error: {printable(error.message)} [{error.code}]\n  what to do: {error.remedy}", err=True)
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped; what was done is kept", err=True)
        sys.exit(130)
    except OSError as error:  # such as a full disk behind standard output
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        place = f"{error.filename}: " if error.filename else ""
        click.echo(
            f"error: {place}{error.strerror} [output-unwritable]\n  what to do: free space, or check it", err=True
        )
        sys.exit(UnusableOutput.exit_code)
