"""`pneumoscope predict`: files, folders, URLs or standard input to a table, JSON lines or CSV, and pictures to look at."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import click

from pneumoscope.cli.bar import with_bar
from pneumoscope.cli.fetched_source import fetched_sources, is_url
from pneumoscope.cli.main import DISCLAIMER
from pneumoscope.cli.printing import BesideBarPrinter, CsvPrinter, JsonPrinter, Printer, TablePrinter
from pneumoscope.errors import RefusedRadiograph, UnusableOption
from pneumoscope.explanation.coloring import DEFAULT_ALPHA, DEFAULT_COLORMAP, Coloring
from pneumoscope.inference.batch import BatchOutputs, Pictures, predict_batch
from pneumoscope.inference.pool import usable_cores, worker_count
from pneumoscope.inference.predictor import Predictor
from pneumoscope.inference.result import Result
from pneumoscope.inference.sources import STANDARD_INPUT, Source, sources_of
from pneumoscope.inference.store import ResultStore


@click.command()
@click.argument("radiographs", nargs=-1, required=True, metavar="FILE|FOLDER|URL|- ...")
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for overlays, JSON and a page."
)
@click.option("--save-maps", type=click.Path(path_type=Path, file_okay=False), help="Folder for float32 maps and JSON.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on standard output.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV on standard output.")
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle folder; the shipped one by default.")
@click.option("--operating-point", metavar="NAME", help="balanced, screening or rule-in; the card's default otherwise.")
@click.option("--colormap", default=DEFAULT_COLORMAP, show_default=True, metavar="NAME", help="jet, hot, viridis, ...")
@click.option("--alpha", default=DEFAULT_ALPHA, show_default=True, type=float, help="Strength of the overlay, 0 to 1.")
@click.option("--overwrite", is_flag=True, help="Do again what an earlier run has done.")
def command(
    radiographs: tuple[str, ...],
    output: Path | None,
    save_maps: Path | None,
    as_json: bool,
    as_csv: bool,
    bundle: Path | None,
    operating_point: str | None,
    colormap: str,
    alpha: float,
    overwrite: bool,
) -> None:
    """Read radiographs (JPEG, PNG, TIFF, WebP, BMP, DICOM); those at http and https URLs are fetched, after the files.

    Exit status: 0 all were read; 3 some were refused (each is listed with its reason); 2 an option or 4 the bundle
    cannot be used; 7 results cannot be written; 130 stopped with Ctrl+C. What was done is kept.
    """
    if as_json and as_csv:
        raise UnusableOption("two-formats", "--json and --csv were both given.", remedy="Give one of them.")
    many = len(radiographs) > 1 or Path(radiographs[0]).is_dir()
    workers = worker_count() if many else 1
    predictor = Predictor.open(bundle, operating_point=operating_point, threads=1 if many else usable_cores())
    coloring = None
    if output or (colormap, alpha) != (DEFAULT_COLORMAP, DEFAULT_ALPHA):
        coloring = Coloring(colormap=colormap, alpha=alpha, scale_logit=predictor.bundle.card.saliency.scale_logit)
    outputs = BatchOutputs(
        pictures=Pictures(ResultStore.create(output), coloring) if output and coloring else None,
        maps=ResultStore.create(save_maps) if save_maps else None,
        overwrite=overwrite,
    )
    own_folders = [folder for folder in (output, save_maps) if folder]
    refuse_output_that_is_input(radiographs, own_folders)
    sources = list_of_sources(radiographs, own_folders)
    printer: Printer = JsonPrinter() if as_json else CsvPrinter() if as_csv else TablePrinter()
    results: Iterable[Result] = predict_batch(sources, predictor, outputs, workers=workers)
    if many and sys.stderr.isatty():
        total = sum(1 for _ in list_of_sources(radiographs, own_folders))
        results = with_bar(results, total, unit=" radiographs")
        printer = BesideBarPrinter(printer)
    tally = printed(results, printer)
    finish(tally, outputs.pictures.store if outputs.pictures else None, title=predictor.bundle.title)


def refuse_output_that_is_input(radiographs: tuple[str, ...], own_folders: Sequence[Path]) -> None:
    """Results among the radiographs would be taken for radiographs the next time."""
    for folder in own_folders:
        if any(name != STANDARD_INPUT and Path(name).resolve() == folder.resolve() for name in radiographs):
            raise UnusableOption(
                "output-is-input",
                f"{folder} is both read and written.",
                remedy="Write to another folder; one inside it will do.",
            )


def list_of_sources(radiographs: tuple[str, ...], own_folders: Sequence[Path]) -> Iterator[Source]:
    """What is to be read, URLs last; folders are walked as they are read, without those that results go to."""
    if radiographs.count(STANDARD_INPUT) > 1:
        raise UnusableOption("stdin-twice", "Standard input (-) was named twice.", remedy="Name it once.")
    urls = [name for name in radiographs if is_url(name)]
    files = [name for name in radiographs if not is_url(name)]
    return chain(sources_of(files, leave_out=own_folders), fetched_sources(urls))


def printed(results: Iterable[Result], printer: Printer) -> Counter[str]:
    """Print each result as it comes; count decisions and refusals."""
    tally: Counter[str] = Counter()
    for result in results:
        tally[result["decision"] or "refused"] += 1
        printer.add(result)
    return tally


def finish(tally: Counter[str], pictures: ResultStore | None, *, title: str) -> None:
    """Write the page, sum up on standard error, and end with the status that refusals call for."""
    if pictures:
        from pneumoscope.report.page import write_page

        write_page(pictures.results(), pictures.folder / "index.html", model_name=title)
    total = sum(tally.values())
    parts = ", ".join(f"{count} {name}" for name, count in sorted(tally.items()))
    click.echo(f"{total} radiograph{'s' if total != 1 else ''}: {parts or 'none found'}. {DISCLAIMER}", err=True)
    if pictures:
        click.echo(f"Page with overlays: {pictures.folder / 'index.html'}", err=True)
    if not total:
        raise RefusedRadiograph(
            "nothing-found", "No files were found there.", remedy="Name files, or folders with files."
        )
    if tally["refused"]:
        sys.exit(RefusedRadiograph.exit_code)
