"""Results on standard output: a readable table, JSON lines or CSV, each row as soon as it is there."""

from __future__ import annotations

import csv
import json
import sys
from abc import ABC, abstractmethod
from typing import final

import click

from pneumoscope.cli.main import printable
from pneumoscope.inference.result import Result

FILE_WIDTH = 44
CSV_COLUMNS = ("file", "score", "probability", "decision", "operating_point", "threshold", "zone", "warnings", "error")


class Printer(ABC):
    """Prints results one at a time."""

    @abstractmethod
    def add(self, result: Result) -> None: ...


@final
class BesideBarPrinter(Printer):
    """Takes the progress bar away while a row is printed, so that both can share a terminal."""

    def __init__(self, printer: Printer) -> None:
        self.printer = printer

    def add(self, result: Result) -> None:
        from tqdm import tqdm

        with tqdm.external_write_mode(file=sys.stdout):
            self.printer.add(result)


@final
class JsonPrinter(Printer):
    """One JSON object a line."""

    def add(self, result: Result) -> None:
        click.echo(json.dumps(result, ensure_ascii=False).encode(errors="backslashreplace"))


@final
class CsvPrinter(Printer):
    """CSV with a header; warnings and error as reason codes."""

    def __init__(self) -> None:
        self.writer = csv.writer(sys.stdout, lineterminator="\n")
        self.writer.writerow(CSV_COLUMNS)

    def add(self, result: Result) -> None:
        file = result["file"].encode(errors="surrogateescape").decode(errors="replace")
        row = {
            **result,
            "file": file,
            "warnings": warning_codes(result),
            "error": (result["error"] or {}).get("code", ""),
        }
        self.writer.writerow(row[name] for name in CSV_COLUMNS)


@final
class TablePrinter(Printer):
    """Columns for people; a refusal takes its line with reason and remedy."""

    def __init__(self) -> None:
        self.started = False

    def add(self, result: Result) -> None:
        if not self.started:
            self.started = True
            click.echo(f"{'file':<{FILE_WIDTH}}  probability  decision   operating point  zone       warnings")
        name = shortened(printable(result["file"]))
        if error := result["error"]:
            message = error["message"].removeprefix(f"{result['file']}: ")
            click.echo(f"{name:<{FILE_WIDTH}}  refused      {error['code']}: {message} {error['remedy']}")
            return
        click.echo(
            f"{name:<{FILE_WIDTH}}  {result['probability']:>11.3f}  {result['decision']:<9}  "
            f"{result['operating_point']:<15}  {result['zone'] or '-':<9}  {warning_codes(result) or '-'}"
        )


def warning_codes(result: Result) -> str:
    """The reason codes of the warnings, joined by semicolons."""
    return ";".join(warning["code"] for warning in result["warnings"])


def shortened(name: str) -> str:
    """The end of a path tells files apart, so the beginning goes."""
    return name if len(name) <= FILE_WIDTH else "…" + name[1 - FILE_WIDTH :]
