"""Which addresses are on the public internet (IANA special-purpose address registries, RFC 6890).

`ipaddress.is_global` alone will not do: it calls multicast public, its tables differ from one Python to the next, and an
IPv6 address may carry an IPv4 address in it that is not public.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address

GLOBAL_UNICAST: Final = ip_network("2000::/3")
"""All that IANA has given out of IPv6 (RFC 4291). Outside lie IPv4-mapped addresses (::ffff:0:0/96), NAT64 (64:ff9b::/96,
64:ff9b:1::/48), discard-only, segment routing, unique local (fc00::/7), link-local and multicast ones."""
NOT_PUBLIC: Final = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; metadata of one cloud
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # not in the registry: the host of a virtual machine in one cloud answers there
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; metadata of one cloud
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",  # documentation
    )
)


def is_public(address: Address) -> bool:
    """Whether anybody on the internet means the same host by this address.

    A network whose own NAT64 prefix lies within global unicast (RFC 6052, 2.2) cannot be told from the rest.
    """
    if isinstance(address, IPv6Address) and (address.scope_id is not None or address not in GLOBAL_UNICAST):
        return False
    return address.is_global and not any(address in network for network in NOT_PUBLIC)
