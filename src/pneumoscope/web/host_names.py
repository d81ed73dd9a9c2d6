"""Which names the server answers to: none but its own, so that no foreign name can be made to lead to it (DNS rebinding).

A page whose own name is made to lead to 127.0.0.1 asks for what is, to the browser, its own site: Origin and Host agree and
no rule on other sites applies. Only the Host tells, and the server rejects what does not name it (RFC 9110 section 7.4).
Nobody can make an address in numbers, or `localhost` (RFC 6761 section 6.3), lead elsewhere, so these are always answered.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final, final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pneumoscope.errors import UnusableOption
from pneumoscope.web.problem import problem_response
from pneumoscope.web.refusal import RefusedRequest

PROBES: Final = frozenset({"/livez", "/readyz", "/health"})
"""Orchestrators ask by names of their own whether the server is up, which tells nobody anything else."""
HOST_AND_PORT: Final = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]*)?")
NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
LOCALHOST: Final = "localhost"


class MisdirectedRequest(RefusedRequest):
    """The request is for a name that is not this server's (RFC 9110 section 15.5.20)."""

    http_status = 421


@final
class WithOwnNames:
    """Refuses what is asked under any other name than the addresses in numbers, `localhost` and `names`.

    `UnusableOption` where one of the names is none.
    """

    def __init__(self, app: ASGIApp, names: tuple[str, ...]) -> None:
        self.app = app
        self._names = frozenset(map(usable_name, names))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._refusal(scope) or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            return None
        named = [value for name, value in scope["headers"] if name == b"host"]
        host = host_of(named[0]) if len(named) == 1 else None
        if host is None:
            return _malformed()
        return None if leads_nowhere_else(host) or host in self._names else _misdirected()


def host_of(header: bytes) -> str | None:
    """The host in a Host header: without port and brackets, in lower case, without the root's dot; None if there is none."""
    found = HOST_AND_PORT.fullmatch(header.strip(b" \t"))
    return (found[1] or found[2]).decode("ascii").lower().removesuffix(".") if found else None


def leads_nowhere_else(host: str) -> bool:
    """Whether it is an address in numbers or `localhost`, which are nobody's to point elsewhere."""
    return host == LOCALHOST or host.endswith(f".{LOCALHOST}") or is_in_numbers(host)


def is_in_numbers(host: str) -> bool:
    """Whether it is an IP address, not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def usable_name(name: str) -> str:
    """The name as `host_of` gives it; `UnusableOption` where it is none."""
    found = name.lower().removesuffix(".")
    if not NAME.fullmatch(found):
        raise UnusableOption(
            "host-name-unusable",
            f"{name!r} is not the name of a host.",
            remedy="Give the name alone, without https:// and port, such as --host-name pneumoscope.example; letters that "
            "are not English as browsers send them (xn--...). Addresses in numbers need no --host-name.",
        )
    return found


def _malformed() -> Response:
    """As RFC 9112 section 3.2 demands; the protocol's parser lets it through."""
    return problem_response(
        RefusedRequest(
            "host-malformed",
            "The request does not have exactly one header Host with the name or address of a server.",
            remedy="Send one, as every HTTP/1.1 client does: Host: localhost:5000.",
        )
    )


def _misdirected() -> Response:
    """Without the name, which is the client's."""
    return problem_response(
        MisdirectedRequest(
            "host-not-allowed",
            "This server does not answer to the name that it was asked by.",
            remedy="Use localhost or its address in numbers, or have its operator allow the name: --host-name NAME. Behind a "
            "proxy it is the name in the Host that the proxy sends.",
        )
    )
