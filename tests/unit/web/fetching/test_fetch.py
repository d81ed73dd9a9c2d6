"""What is fetched from a well-behaved server, and what is said of it."""

from __future__ import annotations

import asyncio

import pytest

from pneumoscope.web.fetching.reach import PUBLIC_INTERNET, Reach

from .asking import DICOM, JPEG, PAGE, PNG, TIFF, fetched_from, never, refusal
from .servers import HOST, got, loopback_reach, redirect, response, serving


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (PNG, "image/png"),
        (PNG, "Image/PNG; charset=binary"),
        (PNG, "image/jpeg"),
        (JPEG, "image/jpeg"),
        (TIFF, "image/tiff"),
        (b"RIFF" + bytes(4) + b"WEBPVP8 " + bytes(20), "image/webp"),
        (b"BM" + bytes(12) + b"\x28\0\0\0" + bytes(40), "image/bmp"),
        (DICOM, "application/dicom"),
        (DICOM, "application/octet-stream"),
        (DICOM, "binary/octet-stream"),
        (DICOM, ""),
    ],
)
def test_a_picture_is_fetched_whole(content, content_type):
    assert asyncio.run(fetched_from(response(content, content_type=content_type))) == content


def test_a_body_in_chunks_and_one_that_ends_with_the_connection_are_fetched():
    async def chunked(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n")
        for start in range(0, len(PNG), 1000):
            part = PNG[start : start + 1000]
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    assert asyncio.run(fetched_from(chunked)) == PNG
    assert asyncio.run(fetched_from(response(PNG, content_length=""))) == PNG


def test_the_other_server_is_told_nothing_but_what_is_asked_for():
    async def once():
        async with serving(response(PNG)) as server:
            await got(server.url("/a/x.png?y=1#part"))
            return server

    server = asyncio.run(once())

    line, *headers = server.requests[0].decode().strip().split("\r\n")
    named = dict(header.lower().split(": ", 1) for header in headers)
    assert line == "GET /a/x.png?y=1 HTTP/1.1"
    assert set(named) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert named["host"] == f"{HOST}:{server.port}"
    assert named["accept-encoding"] == "identity"


def test_no_message_quotes_the_path_or_the_query():
    for answers in (response(PAGE), response(status="404 None"), redirect("/jane-doe.png"), b"", never):
        refused = refusal(fetched_from(answers, "/jane-doe.png?token=jane-doe", seconds=0.3))
        assert "jane" not in str(refused).lower()


def test_the_reach_for_tests_differs_from_production_in_nothing_that_is_tested_here():
    assert Reach() == PUBLIC_INTERNET
    assert loopback_reach().certificates is PUBLIC_INTERNET.certificates
