"""So many requests a minute for each client, remembered in a bounded table (generic cell rate algorithm, ITU-T I.371)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Final, final

MOST_CLIENTS: Final = 10_000
"""Clients that are remembered, about 2 MB; who is forgotten, the longest unseen first, starts anew."""
MINUTE_SECONDS: Final = 60.0
NETWORK_BITS: Final = 64
"""What one subscriber gets of IPv6: the host's half of the address is theirs to choose, so it tells nobody apart."""


@final
class RateLimit:
    """Each client may send `per_minute` requests at once, and from then on one every 60 / `per_minute` seconds.

    `clock` gives seconds that never go back. Used from one event loop.
    """

    def __init__(
        self, per_minute: int, *, most_clients: int = MOST_CLIENTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval_seconds = MINUTE_SECONDS / per_minute
        self._most_clients = most_clients
        self._clock = clock
        self._paid_until: OrderedDict[str, float] = OrderedDict()
        """For each client the time up to which its requests so far have used its rate; in the order they were seen."""

    def seconds_to_wait(self, client: str) -> float:
        """Zero where the client may send this request, which counts; otherwise how long to wait, and it does not."""
        now = self._clock()
        paid_until = max(self._paid_until.get(client, now), now) + self._interval_seconds
        wait = paid_until - now - MINUTE_SECONDS
        if wait > 1e-6 * self._interval_seconds:  # above what adding up intervals rounds away
            return wait
        self._paid_until[client] = paid_until
        self._paid_until.move_to_end(client)
        if len(self._paid_until) > self._most_clients:
            self._paid_until.popitem(last=False)
        return 0.0

    def __len__(self) -> int:
        return len(self._paid_until)


def client_of(host: str | None) -> str:
    """Whom to count a request of this address for: IPv4 by address, IPv6 by network; all others together."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> (128 - NETWORK_BITS) << (128 - NETWORK_BITS)))
    return str(address)
