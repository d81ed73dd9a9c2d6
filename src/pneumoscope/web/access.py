"""Who may ask, and how often: pages of other sites (CORS), a bearer key (RFC 6750), a rate for each client.

Pages of other sites and foreign names of the server (host_names.py) are always refused unless they are named; key and rate
are off unless asked for. All stand before the application, so that whoever is refused costs next to nothing.
"""

from __future__ import annotations

import math
import re
from hashlib import sha256
from hmac import compare_digest
from http import HTTPMethod
from typing import Final, final
from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pneumoscope.errors import UnusableOption
from pneumoscope.web.host_names import WithOwnNames
from pneumoscope.web.problem import problem_response
from pneumoscope.web.rate_limit import RateLimit, client_of
from pneumoscope.web.refusal import RefusedRequest
from pneumoscope.web.settings import Settings

OPEN_PATHS: Final = frozenset({"/", "/page/key.png", "/health", "/livez", "/readyz", "/docs", "/openapi.json"})
"""What is answered without a key: the empty page, what the API is, whether the server is up. No patients, no work."""
OPEN_FOLDER: Final = "/static/"
ANY_ORIGIN: Final = "*"
ORIGIN: Final = re.compile(r"https?://[^/?#@\s]+")
PREFLIGHT_SECONDS: Final = 600
CHANGES_NOTHING: Final = frozenset({HTTPMethod.GET, HTTPMethod.HEAD, HTTPMethod.OPTIONS})
OTHER_SITES: Final = frozenset({b"cross-site", b"same-site"})
"""What a browser calls a page of another site; `same-site` is another port or name of this machine."""


class OriginNotAllowed(RefusedRequest):
    """A page of another site asks for work."""

    http_status = 403


class KeyRefused(RefusedRequest):
    """The request shows no key, or a wrong one."""

    http_status = 401


class TooManyRequests(RefusedRequest):
    """The client sent more than its rate."""

    http_status = 429


def with_access_rules(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application behind its own names, CORS, whose preflights carry no key, the pages' origin, the rate and the key."""
    if settings.api_key is not None:
        app = WithBearerKey(app, key=settings.api_key)
    if settings.requests_per_minute is not None:
        app = WithRateLimit(app, RateLimit(settings.requests_per_minute))
    app = WithoutOtherSites(app, settings.cors_origins)
    if settings.cors_origins:
        app = with_cors(app, settings.cors_origins)
    return WithOwnNames(app, settings.host_names)


@final
class WithoutOtherSites:
    """Refuses work to pages of other sites, which any browser of this machine may have open, except to `origins`.

    Not to read the answer is no bar: a form needs no preflight, and its radiographs would be read. Browsers say where a
    page is from in Sec-Fetch-Site (W3C Fetch Metadata) or, where the server is neither on loopback nor behind TLS, in
    Origin alone, whose host must then be the one asked for. Other programs send neither and are let in.
    """

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        self.app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (_origin_refused() if self._is_of_another_site(scope) else self.app)(scope, receive, send)

    def _is_of_another_site(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] in CHANGES_NOTHING or ANY_ORIGIN in self._origins:
            return False
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin in self._origins:
            return False
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            return site.lower() in OTHER_SITES
        return bool(origin) and host_name(origin) != host_name("//" + headers.get(b"host", b"").decode("latin-1"))


@final
class WithBearerKey:
    """Lets requests pass that show the key in `Authorization: Bearer KEY`; compared in constant time."""

    def __init__(self, app: ASGIApp, *, key: str) -> None:
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise UnusableOption(
                "key-unusable",
                "The key is empty, or has characters that do not go into a header.",
                remedy="Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
            )
        self.app = app
        self._digest = sha256(key.encode()).digest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope)
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or scope["path"].startswith(OPEN_FOLDER):
            return None
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        if not shown:
            return problem_response(
                KeyRefused(
                    "key-missing",
                    "This server answers only requests that show its key.",
                    remedy="Ask its operator for the key and send it: curl -H 'Authorization: Bearer KEY'.",
                ),
                {"WWW-Authenticate": 'Bearer realm="pneumoscope"'},
            )
        scheme, _, key = shown[0].partition(b" ")
        right = compare_digest(sha256(key.strip()).digest(), self._digest)  # of digests, so of one length
        if len(shown) == 1 and scheme.lower() == b"bearer" and right:
            return None
        return problem_response(
            KeyRefused(
                "key-wrong",
                "The request does not show this server's key.",
                remedy="Send the key of this server, as: curl -H 'Authorization: Bearer KEY'.",
            ),
            {"WWW-Authenticate": 'Bearer realm="pneumoscope", error="invalid_token"'},
        )


@final
class WithRateLimit:
    """Counts what asks for work, which are the POST requests of each client; looking and polling are free."""

    def __init__(self, app: ASGIApp, rate_limit: RateLimit) -> None:
        self.app = app
        self._rate_limit = rate_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == HTTPMethod.POST:
            wait = math.ceil(self._rate_limit.seconds_to_wait(client_of((scope["client"] or ("",))[0])))
            if wait:
                await _too_many(wait)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def with_cors(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    """Lets pages of these origins call, without cookies; `UnusableOption` where one is no origin."""
    for origin in origins:
        if origin != ANY_ORIGIN and not ORIGIN.fullmatch(origin):
            raise UnusableOption(
                "origin-unusable",
                f"{origin} is not the origin of a page.",
                remedy="Give scheme, host and port as the browser sends them, such as https://pacs.example:8443.",
            )
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("Authorization", "Content-Type", "Prefer"),
        expose_headers=("Location", "Retry-After"),
        max_age=PREFLIGHT_SECONDS,
    )


def host_name(address: str) -> str | None:
    """The host of an address, without its port, which proxies change; None where it names none."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _origin_refused() -> Response:
    refusal = OriginNotAllowed(
        "origin-not-allowed",
        "The request was made by a page of another site, which this server does not work for.",
        remedy="Use the server's own page, or have its operator name the other site with --cors-origin; a proxy must pass "
        "the Host on.",
    )
    return problem_response(refusal)


def _too_many(wait_seconds: int) -> Response:
    refusal = TooManyRequests(
        "rate-limited",
        "This client sends more requests than this server lets one client send.",
        remedy=f"Send the request again in {wait_seconds} seconds, and the ones after it more slowly.",
    )
    return problem_response(refusal, {"Retry-After": str(wait_seconds)})
