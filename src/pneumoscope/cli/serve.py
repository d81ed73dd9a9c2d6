"""`pneumoscope serve`: the page and the API on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pneumoscope.cli.main import DISCLAIMER

if TYPE_CHECKING:
    from pneumoscope.bundle.bundle import Bundle
    from pneumoscope.web.application import FeatureGraph
    from pneumoscope.web.settings import Settings

WAITING_PER_THREAD = 8
KEY_VARIABLE = "PNEUMOSCOPE_API_KEY"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets others in.")
@click.option("--host-name", multiple=True, metavar="NAME", help="Answer to this name too, as a proxy's; repeatable.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one.")
@click.option("--bundle", type=click.Path(path_type=Path), help="A bundle folder; the shipped one by default.")
@click.option("--operating-point", metavar="NAME", help="balanced, screening or rule-in; the card's default otherwise.")
@click.option("--max-upload-mb", default=50, show_default=True, type=click.IntRange(1, 512), help="Largest file.")
@click.option(
    "--max-files", default=16, show_default=True, type=click.IntRange(1, 256), help="Answered in one request."
)
@click.option("--threads", type=click.IntRange(1, 256), help="Radiographs read at a time; cores + 1 by default.")
@click.option("--waiting", type=click.IntRange(0, 4096), help="Requests that wait; 8 for each thread by default.")
@click.option("--deadline-seconds", default=60.0, show_default=True, type=click.FloatRange(1, 3600), help="Of waiting.")
@click.option("--allow-url", is_flag=True, help="Fetch radiographs from URLs with public addresses.")
@click.option("--jobs", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False), help="Keep long batches.")
@click.option("--api-key", metavar="KEY", envvar=KEY_VARIABLE, help="Or in PNEUMOSCOPE_API_KEY.")
@click.option("--requests-per-minute", type=click.IntRange(1, 1_000_000), help="Radiographs' requests of one client.")
@click.option("--cors-origin", multiple=True, metavar="ORIGIN", help="Pages of other sites that may call; repeatable.")
def command(host: str, port: int, bundle: Path | None, operating_point: str | None, **options: Any) -> None:
    """Open a page to drop radiographs on, and an API for programs; Ctrl+C stops it.

    Uploads stay in memory and are forgotten after the answer, unless --jobs keeps them until they are read. Think before
    you give a --host that others can reach: set --api-key then.
    """
    from pneumoscope.web.server import listening_socket, page_address, serve

    with listening_socket(host, port) as listening:  # before the model is opened, so that a used port is told at once
        from pneumoscope.inference.predictor import Predictor
        from pneumoscope.web.application import web_application

        predictor = Predictor.open(bundle, operating_point=operating_point, threads=1)
        settings = settings_of(host, options)
        app = web_application(predictor, settings, feature_graph=feature_graph_of(predictor.bundle))
        click.echo(f"Pneumoscope is open at {page_address(listening)}  (Ctrl+C stops it)")
        click.echo(f"{predictor.bundle.title}, operating point {predictor.operating_point.name}. {DISCLAIMER}")
        if not is_loopback(listening.getsockname()[0]):
            tell_who_can_reach_it(settings)
        try:
            serve(app, listening)
        except KeyboardInterrupt:
            click.echo("stopped", err=True)


def tell_who_can_reach_it(settings: Settings) -> None:
    """On standard error: that others may use the server, and by which names they find it."""
    if not settings.api_key:
        click.echo("Others can reach this server, and there is no --api-key: whoever can may use it.", err=True)
    if not settings.host_names:
        click.echo("It answers to addresses in numbers; for a name, give --host-name NAME.", err=True)


def settings_of(host: str, options: dict[str, Any]) -> Settings:
    """From the options of the command."""
    from pneumoscope.errors import UnusableOption
    from pneumoscope.inference.pool import worker_count
    from pneumoscope.web.host_names import is_in_numbers
    from pneumoscope.web.settings import Settings

    if options["api_key"] is None and os.environ.get(KEY_VARIABLE) == "":
        raise UnusableOption(
            "key-unusable", f"{KEY_VARIABLE} is empty.", remedy="Set it to the key, or unset it to serve without one."
        )
    threads = options["threads"] or worker_count()
    waiting = options["waiting"]
    return Settings(
        upload_bytes=options["max_upload_mb"] * 2**20,
        threads=threads,
        waiting=WAITING_PER_THREAD * threads if waiting is None else waiting,
        deadline_seconds=options["deadline_seconds"],
        allow_url=options["allow_url"],
        jobs=options["jobs"],
        api_key=options["api_key"],
        requests_per_minute=options["requests_per_minute"],
        cors_origins=options["cors_origin"],
        host_names=options["host_name"] if is_in_numbers(host) else (*options["host_name"], host),
        most_files=options["max_files"],
    )


def feature_graph_of(bundle: Bundle) -> FeatureGraph | None:
    """For the methods that need the feature map; None without the package onnx, or where the graph has no one map."""
    from pneumoscope.errors import UnusableOption
    from pneumoscope.web.application import FeatureGraph

    try:
        from pneumoscope.model.feature_outputs import with_feature_outputs

        return FeatureGraph(*with_feature_outputs(bundle.model))
    except (ModuleNotFoundError, UnusableOption):
        return None


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    from ipaddress import ip_address

    return ip_address(address).is_loopback
