"""Only addresses that mean the same host to everybody are public, whatever an address carries inside it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import numpy as np
import pytest

from pneumoscope.web.fetching.public_addresses import is_public


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
    ],
)
def test_an_ipv4_address_for_a_special_purpose_is_not_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("::", id="unspecified"),
        pytest.param("::1", id="loopback"),
        pytest.param("::ffff:127.0.0.1", id="mapped loopback"),
        pytest.param("::ffff:8.8.8.8", id="mapped public"),
        pytest.param("::127.0.0.1", id="compatible"),
        pytest.param("::ffff:0:127.0.0.1", id="translated"),
        pytest.param("64:ff9b::7f00:1", id="NAT64 of loopback"),
        pytest.param("64:ff9b:1::7f00:1", id="local NAT64"),
        pytest.param("100::1", id="discard"),
        pytest.param("2001::7f00:1", id="Teredo"),
        pytest.param("2001:0:4136:e378:8000:63bf:80ff:fffe", id="Teredo of loopback"),
        pytest.param("2001:2::1", id="benchmark"),
        pytest.param("2001:10::1", id="ORCHID"),
        pytest.param("2001:20::1", id="ORCHID 2"),
        pytest.param("2001:db8::1", id="documentation"),
        pytest.param("2002:7f00:1::1", id="6to4 of loopback"),
        pytest.param("2002:808:808::1", id="6to4 of a public address"),
        pytest.param("3fff::1", id="documentation 2"),
        pytest.param("5f00::1", id="segment routing"),
        pytest.param("fc00::1", id="unique local"),
        pytest.param("fd00:ec2::254", id="metadata of a cloud"),
        pytest.param("fe80::1", id="link-local"),
        pytest.param("fec0::1", id="site-local"),
        pytest.param("ff02::1", id="multicast"),
        pytest.param("2606:4700::1111%eth0", id="public with a zone"),
        pytest.param("fe80::1%eth0", id="link-local with a zone"),
    ],
)
def test_an_ipv6_address_for_a_special_purpose_or_with_another_inside_is_not_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.17",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2606:4700:4700::1111",
        "2a00:1450:4001:80b::200e",
    ],
)
def test_an_ordinary_address_just_outside_the_special_ones_is_public(address):
    assert is_public(ip_address(address))


def test_nothing_is_public_that_python_calls_private_or_multicast():
    generator = np.random.default_rng(20261123)
    numbers = generator.integers(0, 2**32, 5000, dtype=np.uint64)
    addresses = [IPv4Address(int(number)) for number in numbers]
    addresses += [IPv6Address((int(a) << 96) | int(b)) for a, b in zip(numbers, numbers[::-1], strict=True)]

    public = [address for address in addresses if is_public(address)]

    assert len(public) > 2000
    assert not [a for a in public if not a.is_global or a.is_multicast or a.is_reserved or a.is_unspecified]
