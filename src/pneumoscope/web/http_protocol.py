"""The server's side of HTTP/1.1: uvicorn's fast parser, with the bounds on a request's head that it lacks.

uvicorn's other parser, h11, bounds the bytes but is slower; neither bounds the time that a head may take.
"""

from __future__ import annotations

import re
from asyncio import TimerHandle, Transport
from typing import Final, final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES: Final = 64 * 1024
"""Of what is not a body: address, headers, the sizes of chunks, and what may come after the last of them."""
MOST_HEAD_SECONDS: Final = 20.0
UPGRADE: Final = re.compile(rb"\nupgrade(?=[ \t]*:)", re.IGNORECASE)


@final
class BoundedHeadProtocol(HttpToolsProtocol):
    """One connection. It is closed where a head grows or lasts beyond the bounds."""

    in_head = True
    head_bytes = 0
    head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        rest = without_upgrade(data) if self.in_head else data
        while rest and not self.transport.is_closing():
            room = MOST_HEAD_BYTES + 1 - self.head_bytes  # the parser sees no end of a head beyond it
            self.head_bytes += len(rest[:room])
            super().data_received(rest[:room])
            rest = rest[room:]
            if self.head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response(f"The request's head is larger than {MOST_HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer()

    def on_headers_complete(self) -> None:
        self.in_head = False
        self.head_bytes = 0
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.in_head = True
        self.head_bytes = 0
        super().on_message_complete()

    def _start_timer(self) -> None:
        if self.head_timer is None:
            self.head_timer = self.loop.call_later(MOST_HEAD_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None


def without_upgrade(data: bytes) -> bytes:
    """The same head with its offer of another protocol under a name that means nothing.

    Clients such as Java's offer HTTP/2 with every request, and a server may ignore that (RFC 9110, 7.8); the parser
    would stop reading instead, and the upload be lost.
    """
    end = data.find(b"\r\n\r\n")
    head = data if end < 0 else data[:end]
    return UPGRADE.sub(b"\nx-grade", head) + data[len(head) :] if UPGRADE.search(head) else data
