"""`pneumoscope serve`: the page and the API on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from pneumoscope.cli.main import DISCLAIMER

WAITING_PER_THREAD = 8


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets others in.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one.")
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle folder; the shipped one by default.")
@click.option("--operating-point", metavar="NAME", help="balanced, screening or rule-in; the card's default otherwise.")
@click.option("--max-upload-mb", default=50, show_default=True, type=click.IntRange(1, 512), help="Largest upload.")
def command(host: str, port: int, bundle: Path | None, operating_point: str | None, max_upload_mb: int) -> None:
    """Open a page to drop radiographs on, and an API for programs; Ctrl+C stops it.

    Uploads stay in memory and are forgotten after the answer. There is no password: think before you give a --host
    that others can reach.
    """
    from pneumoscope.web.server import listening_socket, page_address, serve

    with listening_socket(host, port) as listening:  # before the model is opened, so that a used port is told at once
        from pneumoscope.inference.pool import usable_cores
        from pneumoscope.inference.predictor import Predictor
        from pneumoscope.web.application import Limits, web_application

        threads = usable_cores()
        predictor = Predictor.open(bundle, operating_point=operating_point, threads=1)
        limits = Limits(upload_bytes=max_upload_mb * 2**20, threads=threads, waiting=WAITING_PER_THREAD * threads)
        app = web_application(predictor, limits)
        click.echo(f"Pneumoscope is open at {page_address(listening)}  (Ctrl+C stops it)")
        click.echo(f"{predictor.bundle.title}, operating point {predictor.operating_point.name}. {DISCLAIMER}")
        try:
            serve(app, listening)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)
