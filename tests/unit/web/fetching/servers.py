"""Servers on this machine's loopback addresses that answer as a test wishes, and count what they are asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pneumoscope.web.fetching.fetch import fetched
from pneumoscope.web.fetching.reach import Reach

HOST = "radiographs.test"  # RFC 6761: no resolver of the system knows it
Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    def url(self, path: str = "/x.png", *, host: str = HOST, scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def serving(
    answers: Answer | dict[str, Answer],
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    asked: bool = True,
) -> AsyncIterator[Server]:
    """Answer every connection, or every path, with the same, `asked` or at once; the connection is closed after it."""
    server = Server(port)
    open_ones: dict[asyncio.Task, asyncio.StreamWriter] = {}

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        open_ones[asyncio.current_task()] = writer
        try:
            head = await reader.readuntil(b"\r\n\r\n") if asked else b""
            server.requests.append(head)
            wanted = answers[head.split(b" ")[1].decode()] if isinstance(answers, dict) else answers
            if isinstance(wanted, bytes):
                writer.write(wanted)
                await writer.drain()
            else:
                await wanted(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the one who asked has gone, or the test is over
        finally:
            writer.close()

    listening = await asyncio.start_server(answer, address, port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task, writer in open_ones.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*open_ones, return_exceptions=True)
        await asyncio.gather(*(writer.wait_closed() for writer in open_ones.values()), return_exceptions=True)
        await listening.wait_closed()


def response(content: bytes = b"", *, status: str = "200 OK", length: int | None = None, **headers: str) -> bytes:
    """An HTTP answer, a PNG unless `content_type` says otherwise."""
    named = {"content_type": "image/png", "content_length": str(len(content) if length is None else length)} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items() if value]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + content


def redirect(location: str, status: str = "302 Found", **headers: str) -> bytes:
    return response(status=status, location=location, content_type="", **headers)


def resolver(**addresses: Sequence[str] | list[Sequence[str]]):
    """Names to addresses; `.test` is added to each. A list of lists is answered one after the other."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        found = addresses.get(host.removesuffix(".test"), [])
        return found.pop(0) if isinstance(found, list) and found and isinstance(found[0], list) else found

    resolve.asked = asked
    return resolve


def loopback_reach(**changes) -> Reach:
    """This machine stands for the internet: 127.0.0.2 and the others are public, 127.0.0.1 is too unless changed."""
    usual = {
        "allowed": lambda address: address.is_loopback,
        "ports": range(1, 65536),
        "resolve": resolver(radiographs=["127.0.0.1"]),
    }
    return Reach(**(usual | changes))


async def got(url: str, **changes) -> bytes:
    """Fetch with a reach of this machine."""
    limits = {"most_bytes": changes.pop("most_bytes", 2**20), "seconds": changes.pop("seconds", 20)}
    return await fetched(url, **limits, reach=loopback_reach(**changes))
