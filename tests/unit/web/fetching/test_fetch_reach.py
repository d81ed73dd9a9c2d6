"""Which servers a fetch may ask: production's own reach."""

from __future__ import annotations

import asyncio

import pytest

from pneumoscope.web.fetching.fetch import fetched
from pneumoscope.web.fetching.public_addresses import is_public
from pneumoscope.web.fetching.reach import PUBLIC_INTERNET, Reach
from pneumoscope.web.fetching.refusal import RefusedUrl

from .asking import JPEG, PNG, fetched_from, refusal
from .servers import HOST, got, redirect, resolver, response, serving


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1./",
        "http://127。0。0。1/",
        "https://127.0.0.53/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001::7f00:1]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[ff02::1]/",
        "http://localhost/",
        "http://LOCALHOST./",
    ],
)
def test_no_private_address_is_asked_whether_named_at_once_or_in_a_redirect(url):
    assert refusal(fetched(url, most_bytes=1000, seconds=20)).code == "url-not-public"

    def allowed_at_first(address):
        return str(address) == "127.0.0.2" or is_public(address)

    async def redirected():
        async with serving(redirect(url), address="127.0.0.2") as server:
            reach = Reach(allowed=allowed_at_first, ports={server.port, 80, 443})
            await fetched(f"http://127.0.0.2:{server.port}/", most_bytes=1000, seconds=20, reach=reach)

    refused = refusal(redirected())
    assert (refused.code, refused.http_status) == ("url-not-public", 403)


def test_a_loopback_server_gets_no_connection_from_the_reach_of_production():
    async def once():
        async with serving(response(PNG)) as server:
            reach = Reach(ports={server.port}, resolve=resolver(radiographs=["127.0.0.1"]))
            for url in (server.url(), server.url(host="127.0.0.1"), server.url(host="localhost")):
                with pytest.raises(RefusedUrl, match="url-not-public"):
                    await fetched(url, most_bytes=2**20, seconds=20, reach=reach)
            return server.connections

    assert asyncio.run(once()) == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.2", "10.0.0.1"],
        ["10.0.0.1", "127.0.0.2"],
        ["127.0.0.2", "::ffff:127.0.0.2"],
        ["127.0.0.2", "fe80::1%1"],
    ],
)
def test_a_name_with_one_address_that_is_not_allowed_is_refused_before_any_is_connected_to(addresses):
    async def once():
        async with serving(response(PNG), address="127.0.0.2") as server:
            resolve = resolver(radiographs=addresses)
            with pytest.raises(RefusedUrl, match="url-not-public"):
                await got(server.url(), resolve=resolve, allowed=lambda address: str(address) == "127.0.0.2")
            return server.connections

    assert asyncio.run(once()) == 0


def test_an_unknown_name_and_a_private_one_are_told_apart_by_nobody():
    def message(addresses):
        reach = Reach(resolve=resolver(radiographs=addresses))
        return refusal(fetched(f"http://{HOST}/x", most_bytes=1, seconds=20, reach=reach)).to_dict()

    assert message([]) == message(["10.0.0.1"])
    assert "10.0.0.1" not in message(["10.0.0.1"])["message"]


def test_a_name_is_looked_up_once_so_that_a_second_answer_changes_nothing():
    async def once():
        async with (
            serving(response(PNG), address="127.0.0.2") as public,
            serving(response(JPEG), address="127.0.0.1", port=public.port) as private,
        ):
            resolve = resolver(radiographs=[["127.0.0.2"], ["127.0.0.1"], ["127.0.0.1"]])
            content = await got(public.url(), resolve=resolve, allowed=lambda address: str(address) == "127.0.0.2")
            return content, resolve.asked, private.connections

    assert asyncio.run(once()) == (PNG, [HOST], 0)


def test_a_name_that_leads_elsewhere_after_a_redirect_to_itself_is_checked_again():
    async def once():
        async with (
            serving(redirect("/again"), address="127.0.0.2") as public,
            serving(response(PNG), address="127.0.0.1", port=public.port) as private,
        ):
            resolve = resolver(radiographs=[["127.0.0.2"], ["127.0.0.1"]])
            with pytest.raises(RefusedUrl, match="url-not-public"):
                await got(public.url(), resolve=resolve, allowed=lambda address: str(address) == "127.0.0.2")
            return public.connections, private.connections

    assert asyncio.run(once()) == (1, 0)


def test_the_next_address_of_a_host_is_tried_where_one_does_not_answer():
    resolve = resolver(radiographs=["127.0.0.3", "127.0.0.1"])

    assert asyncio.run(fetched_from(response(PNG), resolve=resolve)) == PNG


@pytest.mark.parametrize("port", [1, 22, 25, 6379, 8080, 65535])
def test_only_the_ports_of_http_and_https_are_asked(port):
    for scheme in ("http", "https"):
        refused = refusal(fetched(f"{scheme}://8.8.8.8:{port}/", most_bytes=1, seconds=20))
        assert (refused.code, refused.http_status) == ("url-port", 403)
    assert 80 in PUBLIC_INTERNET.ports
    assert 443 in PUBLIC_INTERNET.ports


def test_proxies_and_logins_of_the_environment_are_not_used(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text(f"machine {HOST} login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async def once():
        async with serving(response(JPEG)) as proxy, serving(response(PNG)) as server:
            for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            return await got(server.url()), proxy.connections, server.requests

    content, through_proxy, requests = asyncio.run(once())
    assert (content, through_proxy) == (PNG, 0)
    assert b"authorization" not in requests[0].lower()
