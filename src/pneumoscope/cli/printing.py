"""Results on standard output: a readable table, JSON lines or CSV, each row as soon as it is there."""

from __future__ import annotations

import csv
import json
import sys
from abc import ABC, abstractmethod
from typing import final

import click

from pneumoscope.inference.result import Result

FILE_WIDTH = 44
CSV_COLUMNS = ("file", "score", "probability", "decision", "operating_point", "threshold", "warnings", "error")


class Printer(ABC):
    """Prints results one at a time."""

    @abstractmethod
    def add(self, result: Result) -> None: ...


@final
class JsonPrinter(Printer):
    """One JSON object a line."""

    def add(self, result: Result) -> None:
        click.echo(json.dumps(result, ensure_ascii=False))


@final
class CsvPrinter(Printer):
    """CSV with a header; warnings and error as reason codes."""

    def __init__(self) -> None:
        self.writer = csv.writer(sys.stdout, lineterminator="\n")
        self.writer.writerow(CSV_COLUMNS)

    def add(self, result: Result) -> None:
        row = {**result, "warnings": warning_codes(result), "error": (result["error"] or {}).get("code", "")}
        self.writer.writerow(row[name] for name in CSV_COLUMNS)


@final
class TablePrinter(Printer):
    """Columns for people; a refusal takes its line with reason and remedy."""

    def __init__(self) -> None:
        self.started = False

    def add(self, result: Result) -> None:
        if not self.started:
            self.started = True
            click.echo(f"{'file':<{FILE_WIDTH}}  probability  decision   operating point  warnings")
        name = shortened(printable(result["file"]))
        if error := result["error"]:
            message = error["message"].removeprefix(f"{result['file']}: ")
            click.echo(f"{name:<{FILE_WIDTH}}  refused      {error['code']}: {message} {error['remedy']}")
            return
        click.echo(
            f"{name:<{FILE_WIDTH}}  {result['probability']:>11.3f}  {result['decision']:<9}  "
            f"{result['operating_point']:<15}  {warning_codes(result) or '-'}"
        )


def warning_codes(result: Result) -> str:
    """The reason codes of the warnings, joined by semicolons."""
    return ";".join(warning["code"] for warning in result["warnings"])


def printable(name: str) -> str:
    """Without characters that would steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in name)


def shortened(name: str) -> str:
    """The end of a path tells files apart, so the beginning goes."""
    return name if len(name) <= FILE_WIDTH else "…" + name[1 - FILE_WIDTH :]
