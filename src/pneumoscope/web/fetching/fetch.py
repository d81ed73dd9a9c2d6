"""Fetch a radiograph from a URL that somebody else chose, without being led to where he could not go himself.

Each step, the first and every redirect, goes the same way: check the URL's form, look its host up, check every address
found, connect to one of these very addresses (a name that resolves otherwise a moment later changes nothing), read what
is a picture. Nothing of one step is carried to the next: no cookies, no credentials, no referrer. Proxies of the
environment are not used, since they would look the name up once more.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import replace
from typing import Any, Final

import httpx

from pneumoscope.web.fetching.content import picture_in
from pneumoscope.web.fetching.public_addresses import Address, is_public
from pneumoscope.web.fetching.reach import PUBLIC_INTERNET, Reach
from pneumoscope.web.fetching.refusal import FailedFetch, SlowFetch
from pneumoscope.web.fetching.target import Target, redirected, target_of

MOST_REDIRECTS: Final = 3
MOST_ADDRESSES: Final = 4
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


async def fetched(url: str, *, most_bytes: int, seconds: float, reach: Reach = PUBLIC_INTERNET) -> bytes:
    """The bytes of the picture at `url`, at most `most_bytes`, within `seconds` for all; a `RefusedUrl` otherwise.

    The bytes begin like a picture that is read here; whether it is a radiograph is not asked yet.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _followed(target_of(url), most_bytes, reach)
    except TimeoutError:
        raise SlowFetch(
            "url-too-slow",
            f"The picture had not come after {seconds:g} seconds.",
            remedy="Try again later, or download the radiograph and give the file.",
        ) from None
    except httpx.TransportError as error:
        reason = "its certificate does not hold" if _distrusted(error) else "it cannot be reached, or broke off"
        raise FailedFetch(
            "url-unreachable",
            f"The other server did not give the picture: {reason}.",
            remedy="Check the URL in a browser; if it opens there, download the radiograph and give the file.",
        ) from None


async def _followed(target: Target, most_bytes: int, reach: Reach) -> bytes:
    for _ in range(1 + MOST_REDIRECTS):
        addresses = await reach.addresses(target)
        async with (
            AsyncExitStack() as connections,
            httpx.AsyncHTTPTransport(verify=reach.certificates()) as transport,
            aclosing(await _answer(transport, target, addresses, connections)) as answer,
        ):
            if answer.status_code not in REDIRECTS or "location" not in answer.headers:
                return await picture_in(answer, most_bytes=most_bytes)
            target = redirected(target, answer.headers["location"])
        if any(is_public(address) for address in addresses):
            reach = replace(reach, allowed=is_public)  # the internet never leads into a private network
    raise FailedFetch(
        "url-redirects",
        f"The URL redirects more than {MOST_REDIRECTS} times.",
        remedy="Give the address where it ends, as the browser shows it.",
    )


async def _answer(
    transport: httpx.AsyncHTTPTransport, target: Target, addresses: Sequence[Address], connections: AsyncExitStack
) -> httpx.Response:
    """The head of the answer of the first address that can be connected to. `connections` closes what was opened.

    The transport closes its connections too, but not one that is cancelled within the TLS handshake.
    """

    async def watch(event: str, told: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            connections.push_async_callback(told["return_value"].aclose)

    *others, last = [target.request(address, watch) for address in addresses[:MOST_ADDRESSES]]
    for request in others:
        with suppress(httpx.ConnectError, httpx.ConnectTimeout):
            return await transport.handle_async_request(request)
    return await transport.handle_async_request(last)


def _distrusted(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None
