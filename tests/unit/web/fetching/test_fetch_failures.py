"""Servers that are slow, break off, speak something else, or are not there."""

from __future__ import annotations

import asyncio
import time

import pytest

from .asking import PNG, fetched_from, never, refusal
from .servers import got, redirect, resolver, response, serving


async def drip_headers(writer):
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_picture(writer):
    writer.write(response(PNG, length=10**6))
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("slow", [never, drip_headers, drip_picture])
def test_the_time_limit_holds_for_all_together_however_the_server_drips(slow):
    before = time.monotonic()
    refused = refusal(fetched_from(slow, seconds=0.3))

    assert (refused.code, refused.http_status) == ("url-too-slow", 504)
    assert time.monotonic() - before < 10


def test_the_time_limit_holds_over_redirects_and_for_names():
    async def slow_redirect(writer):
        await asyncio.sleep(0.2)
        writer.write(redirect("/x.png"))

    async def slow_names(host, port):
        await asyncio.sleep(30)

    assert refusal(fetched_from(slow_redirect, seconds=0.5)).code == "url-too-slow"
    assert refusal(got("http://a.test/", resolve=slow_names, seconds=0.3)).code == "url-too-slow"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-ty",
        response(PNG, length=len(PNG) + 1),
        b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nxxxxxx",
        b"220 mail.example ESMTP\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"+PONG\r\n" * 1000,
    ],
)
def test_a_server_that_breaks_off_or_speaks_something_else_is_a_failed_fetch(answer):
    refused = refusal(fetched_from(answer))

    assert (refused.code, refused.http_status) == ("url-unreachable", 502)


def test_a_server_that_is_not_there_is_a_failed_fetch():
    async def once():
        async with serving(b"") as server:
            pass
        await got(server.url(), resolve=resolver(radiographs=["127.0.0.1", "127.0.0.2"]))

    assert refusal(once()).code == "url-unreachable"
