"""Where a fetch lets itself be led."""

from __future__ import annotations

import asyncio

import pytest

from pneumoscope.web.fetching.fetch import MOST_REDIRECTS
from pneumoscope.web.fetching.refusal import RefusedUrl

from .asking import PNG, fetched_from, refusal
from .servers import got, redirect, response, serving


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_followed_without_cookies_or_where_it_came_from(status):
    async def once():
        cookie = redirect("/y.png", status, set_cookie="a=1; Path=/")
        async with serving({"/x.png?key": cookie, "/y.png": response(PNG)}) as server:
            return await got(server.url("/x.png?key")), server.requests

    content, (_, second) = asyncio.run(once())
    assert content == PNG
    assert not [name for name in (b"cookie", b"referer", b"key") if name in second.lower()]


def test_a_few_redirects_are_followed_and_no_more():
    steps = {f"/{n}": redirect(f"/{n + 1}") for n in range(MOST_REDIRECTS)} | {f"/{MOST_REDIRECTS}": response(PNG)}

    assert asyncio.run(fetched_from(steps, "/0")) == PNG
    refused = refusal(fetched_from({"/first": redirect("/0"), **steps}, "/first"))
    assert (refused.code, refused.http_status) == ("url-redirects", 502)


def test_a_redirect_in_a_circle_ends():
    async def once():
        async with serving(redirect("/x.png")) as server:
            with pytest.raises(RefusedUrl, match="url-redirects"):
                await got(server.url())
            return server.connections

    assert asyncio.run(once()) == 1 + MOST_REDIRECTS


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("file:///etc/passwd", "url-scheme"),
        ("ftp://127.0.0.1/x", "url-scheme"),
        ("gopher://127.0.0.1:6379/_x", "url-scheme"),
        ("data:image/png;base64,iVBORw0KGgo=", "url-scheme"),
        ("http://2130706433/", "url-malformed"),
        ("http://0177.0.0.1/", "url-malformed"),
        ("http://0x7f.1/", "url-malformed"),
        ("http://127.1/", "url-malformed"),
        ("http://[::1%25lo]/", "url-malformed"),
        ("http://public@127.0.0.1/", "url-credentials"),
        ("/" + "x" * 4000, "url-malformed"),
    ],
)
def test_a_redirect_to_another_form_of_url_is_refused(location, code):
    assert refusal(fetched_from(redirect(location))).code == code


def test_the_body_of_a_redirect_is_not_read():
    async def endless(writer):
        writer.write(redirect("/y.png", content_length="999999999999"))
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    assert asyncio.run(fetched_from({"/x.png": endless, "/y.png": response(PNG)})) == PNG


def test_a_reach_without_limits_still_is_not_led_from_the_internet_into_a_private_network(monkeypatch):
    monkeypatch.setattr("pneumoscope.web.fetching.fetch.is_public", lambda address: str(address) == "127.0.0.2")

    async def once(first, second):
        async with (
            serving(response(PNG), address=second) as there,
            serving(redirect(f"http://{second}:{there.port}/"), address=first) as here,
        ):
            return await got(f"http://{first}:{here.port}/", allowed=lambda _: True)

    assert asyncio.run(once("127.0.0.1", "127.0.0.2")) == PNG
    assert refusal(once("127.0.0.2", "127.0.0.1")).code == "url-not-public"
