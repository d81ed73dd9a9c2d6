"""Who may ask, and how often: a bearer key (RFC 6750), a rate for each client, and pages of other sites (CORS).

All are off unless asked for. They stand before the application, so that whoever is refused costs next to nothing.
"""

from __future__ import annotations

import math
import re
from hashlib import sha256
from hmac import compare_digest
from http import HTTPMethod
from typing import Final, final

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pneumoscope.errors import UnusableOption
from pneumoscope.web.problem import MEDIA_TYPE, problem_of
from pneumoscope.web.rate_limit import RateLimit, client_of
from pneumoscope.web.refusal import RefusedRequest
from pneumoscope.web.settings import Settings

OPEN_PATHS: Final = frozenset({"/", "/page/key.png", "/health", "/livez", "/readyz", "/docs", "/openapi.json"})
"""What is answered without a key: the empty page, what the API is, whether the server is up. No patients, no work."""
OPEN_FOLDER: Final = "/static/"
ANY_ORIGIN: Final = "*"
ORIGIN: Final = re.compile(r"https?://[^/?#@\s]+")
PREFLIGHT_SECONDS: Final = 600


class KeyRefused(RefusedRequest):
    """The request shows no key, or a wrong one."""

    http_status = 401


class TooManyRequests(RefusedRequest):
    """The client sent more than its rate."""

    http_status = 429


def with_access_rules(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application behind what the settings ask for: outermost CORS, whose preflights carry no key, then rate, key."""
    if settings.api_key is not None:
        app = WithBearerKey(app, key=settings.api_key)
    if settings.requests_per_minute is not None:
        app = WithRateLimit(app, RateLimit(settings.requests_per_minute))
    return with_cors(app, settings.cors_origins) if settings.cors_origins else app


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
            return _refused(
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
        return _refused(
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


def _too_many(wait_seconds: int) -> Response:
    refusal = TooManyRequests(
        "rate-limited",
        "This client sends more requests than this server lets one client send.",
        remedy=f"Send the request again in {wait_seconds} seconds, and the ones after it more slowly.",
    )
    return _refused(refusal, {"Retry-After": str(wait_seconds)})


def _refused(error: RefusedRequest, headers: dict[str, str]) -> Response:
    return JSONResponse(
        problem_of(error).model_dump(), status_code=error.http_status, media_type=MEDIA_TYPE, headers=headers
    )
