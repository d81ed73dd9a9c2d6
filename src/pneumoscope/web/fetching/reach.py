"""Which servers may be asked: a host's addresses are looked up once, all of them checked, and only they are connected to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Final

import httpx

from pneumoscope.web.fetching.public_addresses import Address, is_public
from pneumoscope.web.fetching.refusal import ForbiddenUrl
from pneumoscope.web.fetching.target import Target

USUAL_PORTS: Final = frozenset({80, 443})
"""Pictures are served there; with others, a server that fetches would serve as a port scanner."""


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives for a host; none where it knows none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


@cache
def usual_certificates() -> ssl.SSLContext:
    """Those of certifi, or what SSL_CERT_FILE or SSL_CERT_DIR names."""
    return httpx.create_ssl_context()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whom to ask and whom to believe."""

    allowed: Callable[[Address], bool] = is_public
    ports: Container[int] = USUAL_PORTS
    resolve: Callable[[str, int], Awaitable[Sequence[str]]] = system_addresses
    certificates: Callable[[], ssl.SSLContext] = usual_certificates

    async def addresses(self, target: Target) -> tuple[Address, ...]:
        """The addresses to connect to, at least one; `ForbiddenUrl` where one of the host's is not allowed.

        One message for an unknown name and a private address: which names the own network knows is told to nobody.
        """
        if target.port not in self.ports:
            raise ForbiddenUrl(
                "url-port",
                f"Nothing is fetched from port {target.port}.",
                remedy="Give an address at the usual port of http or https.",
            )
        names = [target.host] if target.address else await self.resolve(target.host, target.port)
        addresses = tuple(dict.fromkeys(ip_address(name) for name in names))
        if not addresses or not all(self.allowed(address) for address in addresses):
            raise ForbiddenUrl(
                "url-not-public",
                f"{target.host} is no host that is fetched from: the name is unknown, or its address is not public.",
                remedy="Check the spelling, or download the radiograph and give the file.",
            )
        return addresses


def any_address(_: Address) -> bool:
    """Allow the own network and this machine too."""
    return True


PUBLIC_INTERNET: Final = Reach()
"""For whoever fetches what others name."""
ANY_SERVER: Final = Reach(allowed=any_address, ports=range(1, 65536))
"""For a person who fetches for himself. A redirect from the internet still leads to no private address."""
