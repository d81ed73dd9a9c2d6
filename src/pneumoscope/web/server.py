"""Listen on an address and serve until stopped; what can go wrong with an address is said in one line."""

from __future__ import annotations

import errno
import os
import socket

import uvicorn
from starlette.types import ASGIApp

from pneumoscope.errors import UnusableOption

FINISH_SECONDS = 30
"""What runs when the server is stopped may finish for so long."""


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens; `UnusableOption` names the option to change where it cannot."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise _host_unknown(host) from None
    listening = socket.socket(family, kind)
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
    """Serve until the process is told to stop, then finish what runs."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])


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
