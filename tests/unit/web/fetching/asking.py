"""What a fetch is asked for in these tests, and what it is refused with."""

from __future__ import annotations

import asyncio

import pytest

from pneumoscope.web.fetching.refusal import RefusedUrl
from pneumoscope.web.refusal import RefusedRequest

from .servers import got, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
DICOM = b"\0" * 128 + b"DICM" + bytes(range(256)) * 40
TIFF = b"II*\0" + bytes(100)
PAGE = b"<!doctype html><title>A radiograph</title>" + b"<p>words</p>" * 1000


def refusal(awaited) -> RefusedUrl:
    """What fetching is refused with."""
    with pytest.raises(RefusedUrl) as refused:
        asyncio.run(awaited)
    assert isinstance(refused.value, RefusedRequest)
    assert refused.value.remedy
    assert "\n" not in refused.value.message
    return refused.value


async def fetched_from(answers, path: str = "/x.png", **changes) -> bytes:
    async with serving(answers) as server:
        return await got(server.url(path), **changes)


async def never(_):
    await asyncio.sleep(30)
