"""Headers that keep the page to itself: no foreign script, no frame, no sniffing, nothing kept in a cache."""

from __future__ import annotations

from typing import Final, final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
ENCODED: Final = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
STATIC_FOLDER: Final = "/static/"


@final
class WithSecurityHeaders:
    """Wraps the whole application, so that errors carry the headers too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # static files may be kept if asked about first; answers about patients not at all
                kept = b"no-cache" if scope["path"].startswith(STATIC_FOLDER) else b"no-store"
                message["headers"] = [*message["headers"], *ENCODED, (b"cache-control", kept)]
            await send(message)

        await self.app(scope, receive, send_with_headers)
