"""What comes back must be a whole picture of a size that is taken."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest

from .asking import PAGE, PNG, fetched_from, refusal
from .servers import response


@pytest.mark.parametrize(
    "content_type", ["text/html", "text/html; charset=utf-8", "application/json", "image/svg+xml", "image/gif", "image"]
)
def test_another_content_type_than_of_a_picture_is_refused_whatever_the_bytes(content_type):
    refused = refusal(fetched_from(response(PNG, content_type=content_type)))

    assert (refused.code, refused.http_status) == ("url-not-a-picture", 422)


@pytest.mark.parametrize("content_type", ["image/png", "application/dicom", "application/octet-stream", ""])
@pytest.mark.parametrize("content", [PAGE, b"", b"GIF89a" + bytes(100), b"<svg></svg>", b'{"token": "secret"}', b"PNG"])
def test_other_bytes_than_of_a_picture_are_refused_whatever_the_content_type(content, content_type):
    refused = refusal(fetched_from(response(content, content_type=content_type)))

    assert refused.code == "url-not-a-picture"
    assert "secret" not in refused.message


def test_what_is_no_picture_is_not_waited_for():
    async def page_that_never_ends(writer):
        writer.write(response(PAGE, length=10**6))
        await writer.drain()
        await asyncio.sleep(30)

    before = time.monotonic()

    assert refusal(fetched_from(page_that_never_ends)).code == "url-not-a-picture"
    assert time.monotonic() - before < 10


@pytest.mark.parametrize(
    "status",
    [
        "201 Created",
        "204 No Content",
        "206 Partial",
        "304 Not Modified",
        "300 Several",
        "401 Login",
        "404 None",
        "500 No",
    ],
)
def test_only_an_answer_in_full_counts(status):
    refused = refusal(fetched_from(response(b"" if status[:3] in {"204", "304"} else PNG, status=status)))

    assert (refused.code, refused.http_status) == ("url-status", 502)
    assert status[:3] in refused.message


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "unknown"])
def test_a_compressed_answer_is_refused_and_never_unpacked(encoding):
    bomb = gzip.compress(PNG + bytes(10**6))

    assert refusal(fetched_from(response(bomb, content_encoding=encoding))).code == "url-encoding"


def test_compression_of_the_transfer_is_refused_too():
    answer = response(gzip.compress(PNG), content_length="", transfer_encoding="gzip, chunked")

    assert refusal(fetched_from(answer)).code == "url-unreachable"


def test_the_limit_is_the_largest_size_that_is_taken():
    assert asyncio.run(fetched_from(response(PNG), most_bytes=len(PNG))) == PNG
    refused = refusal(fetched_from(response(PNG), most_bytes=len(PNG) - 1))
    assert (refused.code, refused.http_status) == ("url-too-large", 413)


def test_an_announced_size_over_the_limit_is_not_waited_for():
    async def announces_and_waits(writer):
        writer.write(response(length=2**20 + 1))
        await asyncio.sleep(30)

    assert refusal(fetched_from(announces_and_waits, most_bytes=2**20, seconds=10)).code == "url-too-large"


@pytest.mark.parametrize("announced", ["", "2000000"])
def test_an_endless_body_is_read_to_the_limit_only(announced):
    sent = 0

    async def endless(writer):
        nonlocal sent
        writer.write(response(PNG, content_length=announced))
        while sent < 2**28:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    assert refusal(fetched_from(endless, most_bytes=2**20)).code == "url-too-large"
    assert sent < 2**27  # the limit, and what the system's buffers took


def test_endless_headers_are_not_collected():
    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: " + b"x" * 8000 + b"\r\n")
            await writer.drain()

    assert refusal(fetched_from(endless)).code == "url-unreachable"
