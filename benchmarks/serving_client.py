"""Many clients in one cheap process, for `serving.py`: keep-alive connections that send finished requests and time answers.

A plan comes in as JSON on standard input, what was measured goes out as JSON on standard output. Closed loop: each
connection sends its next request when it has its answer. Open loop (`rate`): requests begin when the plan says, whether
or not answers came, and their time counts from then.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

BOUNDARY = "pneumoscope-benchmark"
PROBABILITY = re.compile(rb'"probability": ?([0-9.eE+-]+)')
LENGTH = re.compile(rb"content-length: ?(\d+)", re.IGNORECASE)


def request_bytes(path: str, content: bytes) -> bytes:
    """One whole HTTP request with a file in a form."""
    body = (
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="x.jpeg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        + content
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Tally:
    """What is kept of the answers."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: int = 0
    largest_difference: float = 0.0
    lost_connections: int = 0

    def add(self, answer: bytearray, head_bytes: int, expected: float, seconds: float) -> None:
        status = answer[9:12].decode()
        self.seconds.setdefault(status, []).append(seconds)
        if status == "200":
            found = PROBABILITY.search(answer, head_bytes)
            difference = abs(float(found[1]) - expected) if found else float("inf")
            self.largest_difference = max(self.largest_difference, difference)
            self.wrong += not difference <= 1e-5

    def to_dict(self) -> dict[str, Any]:
        return {
            "answers": dict(Counter({status: len(values) for status, values in self.seconds.items()})),
            "wrong_answers": self.wrong,
            "largest_difference": self.largest_difference,
            "lost_connections": self.lost_connections,
            "milliseconds": {status: percentiles(values) for status, values in self.seconds.items()},
        }


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Median, 99th percentile (the value that at most 1 % exceed) and largest, in milliseconds."""
    ordered = sorted(seconds)
    return {
        name: round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)
        for name, share in (("p50", 0.5), ("p99", 0.99), ("largest", 1.0))
    }


class Connection(asyncio.Protocol):
    """One request at a time; `free` is called after each answer."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.answer = bytearray()
        self.whole = 0
        self.head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as it is for TCP
        self.transport = transport

    def send(self, request: bytes, expected: float, began: float) -> None:
        self.expected, self.began = expected, began
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.answer += data
        if not self.whole:
            self.head = self.answer.find(b"\r\n\r\n") + 4
            if self.head < 4:
                return
            length = LENGTH.search(self.answer, 0, self.head)
            assert length
            self.whole = self.head + int(length[1])
        if len(self.answer) >= self.whole:
            self.clients.tally.add(self.answer, self.head, self.expected, time.perf_counter() - self.began)
            self.answer.clear()
            self.whole = 0
            self.clients.free(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.clients.lost(self)


class Clients:
    """All connections of one plan."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.tally = Tally()
        self.uploads = [
            (request_bytes(plan["path"], Path(entry["file"]).read_bytes()), entry["probability"])
            for entry in plan["uploads"]
        ]
        self.sent = 0
        self.busy = 0
        self.idle: deque[Connection] = deque()
        self.waiting: deque[float] = deque()
        """Requests of an open loop that are due, but for which no connection is free; their time runs."""
        self.closing = False

    async def measured(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        for _ in range(self.plan["connections"]):
            _, connection = await loop.create_connection(lambda: Connection(self), self.plan["host"], self.plan["port"])
            self.idle.append(connection)
        self.ended = asyncio.Event()
        cpu, began = time.process_time(), time.perf_counter()
        self.until = began + self.plan.get("seconds", 1e9)
        self.most = self.plan.get("requests", 10**9)
        if "rate" in self.plan:
            await self.arrivals(began, self.plan["rate"])
        else:
            while self.idle:
                self.next(self.idle.popleft(), time.perf_counter())
        while self.busy:
            await self.ended.wait()
        seconds = time.perf_counter() - began
        self.closing = True
        return {
            "seconds": seconds,
            "sent": self.sent,
            "cpu_seconds": time.process_time() - cpu,
            **self.tally.to_dict(),
        }

    async def arrivals(self, began: float, rate: float) -> None:
        number = 0
        while (due := began + number / rate) < self.until:
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if self.idle:
                self.next(self.idle.popleft(), due)
            else:
                self.waiting.append(due)
            number += 1

    def next(self, connection: Connection, began: float) -> None:
        request, expected = self.uploads[self.sent % len(self.uploads)]
        self.sent += 1
        self.busy += 1
        connection.send(request, expected, began)

    def free(self, connection: Connection) -> None:
        self.busy -= 1
        now = time.perf_counter()
        if self.waiting:
            self.next(connection, self.waiting.popleft())
        elif "rate" not in self.plan and now < self.until and self.sent < self.most:
            self.next(connection, now)
        else:
            self.idle.append(connection)
        if not self.busy:
            self.ended.set()

    def lost(self, connection: Connection) -> None:
        if not self.closing:
            self.tally.lost_connections += 1
            self.busy -= connection not in self.idle
            self.ended.set()


def main() -> None:
    """Read a plan, carry it out, write what was measured."""
    json.dump(uvloop.run(Clients(json.load(sys.stdin)).measured()), sys.stdout)


if __name__ == "__main__":
    main()
