"""The application behind a real socket of this machine, in a thread, with start and end as the server has them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from pneumoscope.web.server import listening_socket, page_address


@contextmanager
def serving(application: ASGIApp) -> Iterator[str]:
    """The base URL, while it is served."""
    with listening_socket("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield page_address(listening).rstrip("/")
        server.should_exit = True
        thread.join()
