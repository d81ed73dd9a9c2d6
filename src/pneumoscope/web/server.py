"""Listen on an address and serve until stopped; what can go wrong with an address is said in one line."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from pneumoscope.errors import UnusableOption
from pneumoscope.web.http_protocol import BoundedHeadProtocol

FINISH_SECONDS = 30
"""What runs when the server is stopped may finish for so long."""


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens; `UnusableOption` names the option to change where it cannot."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise _host_unknown(host) from None
    listening = socket.socket(family, kind, protocol)  # without it asyncio would not turn Nagle's delay of 40 ms off
    try:
        if os.name == "posix":  # elsewhere it would let two servers share a port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        raise _unusable_address(host, port, error) from None
    return listening


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until the process is told to stop, then finish what runs: SIGTERM ends well, Ctrl+C as an interrupt."""
    config = uvicorn.Config(
        app,
        http=BoundedHeadProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    server = _Interruptible(config)
    with _ending_well():
        server.run(sockets=[listening])
    if server.interrupted:
        raise KeyboardInterrupt


class _Interruptible(uvicorn.Server):
    """Remembers an interrupt: the one that uvicorn sends itself again when it is done may be lost as its loop ends."""

    interrupted = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.interrupted = self.interrupted or sig == signal.SIGINT
        super().handle_exit(sig, frame)


@contextmanager
def _ending_well() -> Iterator[None]:
    """Uvicorn sends itself the signal again when it is done, which would end the process as if it had been killed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def page_address(listening: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _unusable_address(host: str, port: int, error: OSError) -> UnusableOption:
    if error.errno == errno.EADDRINUSE:
        return UnusableOption(
            "port-in-use",
            f"Port {port} of {host} is in use by another program.",
            remedy=f"Choose another with --port, such as --port {port + 1 if port < 65535 else 5000}.",
        )
    if error.errno == errno.EACCES:
        return UnusableOption(
            "port-not-permitted", f"Port {port} may not be opened by this user.", remedy="Choose a --port above 1023."
        )
    return _host_unknown(host)


def _host_unknown(host: str) -> UnusableOption:
    return UnusableOption(
        "host-unknown",
        f"{host} is not an address of this machine.",
        remedy="Leave --host out for this machine only, or give one of its addresses, or 0.0.0.0 for all of them.",
    )
