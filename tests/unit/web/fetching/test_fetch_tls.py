"""Over TLS the connection goes to the checked address, but server name and certificate are those of the host's name."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from pneumoscope.web.fetching.refusal import RefusedUrl

from .servers import HOST, got, redirect, response, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def fetched_over_tls(context: ssl.SSLContext, trusted: ssl.SSLContext | None, *, host: str = HOST) -> bytes:
    changes = {"certificates": lambda: trusted} if trusted else {}
    async with serving(response(PNG), tls=context) as server:
        return await got(server.url(host=host, scheme="https"), **changes)


def test_the_server_is_asked_under_the_name_of_the_host_and_its_certificate_holds_for_it(authority, trusting):
    context = server_context(authority, HOST)
    asked = []
    context.sni_callback = lambda _, name, __: asked.append(name)

    assert asyncio.run(fetched_over_tls(context, trusting)) == PNG
    assert asked == [HOST]


def test_a_url_with_an_address_needs_a_certificate_for_the_address(authority, trusting):
    context = server_context(authority, "127.0.0.1")

    assert asyncio.run(fetched_over_tls(context, trusting, host="127.0.0.1")) == PNG


@pytest.mark.parametrize("names", [["other.test"], ["127.0.0.1"]])
def test_a_certificate_for_another_name_is_refused_even_one_for_the_address(authority, trusting, names):
    with pytest.raises(RefusedUrl, match="certificate"):
        asyncio.run(fetched_over_tls(server_context(authority, *names), trusting))


def test_a_certificate_that_nobody_vouches_for_is_refused(authority):
    with pytest.raises(RefusedUrl, match="certificate") as refused:
        asyncio.run(fetched_over_tls(server_context(authority, HOST), None))

    assert refused.value.code == "url-unreachable"


def test_a_redirect_from_https_to_http_is_refused(authority, trusting):
    async def once():
        async with (
            serving(response(PNG)) as plain,
            serving(redirect(plain.url()), tls=server_context(authority, HOST)) as server,
        ):
            with pytest.raises(RefusedUrl, match="url-scheme"):
                await got(server.url(scheme="https"), certificates=lambda: trusting)
            return plain.connections

    assert asyncio.run(once()) == 0


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\n\r\n", b"", b"\x15\x03\x03\x00\x02\x02\x28"])
def test_a_server_that_speaks_no_tls_is_a_failed_fetch(trusting, answer):
    async def once():
        async with serving(answer, asked=False) as server:
            await got(server.url(scheme="https"), certificates=lambda: trusting)

    with pytest.raises(RefusedUrl) as refused:
        asyncio.run(once())
    assert refused.value.code == "url-unreachable"


def test_the_time_limit_holds_for_a_handshake_that_never_ends(trusting):
    async def never(_):
        await asyncio.sleep(30)

    async def once():
        async with serving(never, asked=False) as server:
            await got(server.url(scheme="https"), certificates=lambda: trusting, seconds=0.3)

    with pytest.raises(RefusedUrl) as refused:
        asyncio.run(once())
    assert refused.value.code == "url-too-slow"


@pytest.mark.parametrize("limit", ["of the fetch", "of the caller"])
def test_a_connection_whose_handshake_is_broken_off_is_closed(trusting, limit):
    async def once():
        gone = asyncio.Event()

        async def half_a_record(writer):
            writer.write(b"\x16\x03\x03\x40\x00")
            try:
                while True:
                    await asyncio.sleep(0.01)
                    writer.write(b"\x00")
                    await writer.drain()
            except (OSError, RuntimeError):  # uvloop says the latter
                gone.set()

        async with serving(half_a_record, asked=False) as server:
            fetching = got(server.url(scheme="https"), certificates=lambda: trusting, seconds=0.2)
            with pytest.raises((RefusedUrl, TimeoutError)):
                await (fetching if limit == "of the fetch" else asyncio.wait_for(fetching, 0.1))
            await asyncio.wait_for(gone.wait(), 10)

    asyncio.run(once())
