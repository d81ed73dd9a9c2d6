"""What is fetched from a well-behaved server, and every way in which a server or a name may misbehave."""

from __future__ import annotations

import asyncio
import gzip
import time

import pytest

from pneumoscope.web.fetching.fetch import MOST_REDIRECTS, fetched
from pneumoscope.web.fetching.public_addresses import is_public
from pneumoscope.web.fetching.reach import PUBLIC_INTERNET, Reach
from pneumoscope.web.fetching.refusal import RefusedUrl
from pneumoscope.web.refusal import RefusedRequest

from .servers import HOST, got, loopback_reach, redirect, resolver, response, serving

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
DICOM = b"\0" * 128 + b"DICM" + bytes(range(256)) * 40
TIFF = b"II*\0" + bytes(100)
PAGE = b"<!doctype html><title>A radiograph</title>" + b"<p>words</p>" * 1000
ANY_PORT = range(1, 65536)


def refusal(awaited) -> RefusedUrl:
    """What fetching is refused with."""
    with pytest.raises(RefusedUrl) as refused:
        asyncio.run(awaited)
    assert isinstance(refused.value, RefusedRequest)
    assert refused.value.remedy
    assert "\n" not in refused.value.message
    return refused.value


async def fetched_from(answers, path: str = "/x.png", **changes) -> bytes:
    async with serving(answers) as server:
        return await got(server.url(path), **changes)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (PNG, "image/png"),
        (PNG, "Image/PNG; charset=binary"),
        (PNG, "image/jpeg"),
        (JPEG, "image/jpeg"),
        (TIFF, "image/tiff"),
        (b"RIFF" + bytes(4) + b"WEBPVP8 " + bytes(20), "image/webp"),
        (b"BM" + bytes(12) + b"\x28\0\0\0" + bytes(40), "image/bmp"),
        (DICOM, "application/dicom"),
        (DICOM, "application/octet-stream"),
        (DICOM, "binary/octet-stream"),
        (DICOM, ""),
    ],
)
def test_a_picture_is_fetched_whole(content, content_type):
    assert asyncio.run(fetched_from(response(content, content_type=content_type))) == content


def test_a_body_in_chunks_and_one_that_ends_with_the_connection_are_fetched():
    async def chunked(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n")
        for start in range(0, len(PNG), 1000):
            part = PNG[start : start + 1000]
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    assert asyncio.run(fetched_from(chunked)) == PNG
    assert asyncio.run(fetched_from(response(PNG, content_length=""))) == PNG


def test_the_other_server_is_told_nothing_but_what_is_asked_for():
    async def once():
        async with serving(response(PNG)) as server:
            await got(server.url("/a/x.png?y=1#part"))
            return server

    server = asyncio.run(once())

    line, *headers = server.requests[0].decode().strip().split("\r\n")
    named = dict(header.lower().split(": ", 1) for header in headers)
    assert line == "GET /a/x.png?y=1 HTTP/1.1"
    assert set(named) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert named["host"] == f"{HOST}:{server.port}"
    assert named["accept-encoding"] == "identity"


# Where it leads: production's own reach


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


# Redirects


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_followed_without_cookies_or_where_it_came_from(status):
    async def once():
        cookie = redirect("/y.png", status, set_cookie="a=1; Path=/")
        async with serving({"/x.png?key": cookie, "/y.png": response(PNG)}) as server:
            return await got(server.url("/x.png?key")), server.requests

    content, (_, second) = asyncio.run(once())
    assert content == PNG
    assert not [name for name in (b"cookie", b"referer", b"key") if name in second.lower()]


def test_a_few_redirects_are_followed_and_no_more():
    steps = {f"/{n}": redirect(f"/{n + 1}") for n in range(MOST_REDIRECTS)} | {f"/{MOST_REDIRECTS}": response(PNG)}

    assert asyncio.run(fetched_from(steps, "/0")) == PNG
    refused = refusal(fetched_from({"/first": redirect("/0"), **steps}, "/first"))
    assert (refused.code, refused.http_status) == ("url-redirects", 502)


def test_a_redirect_in_a_circle_ends():
    async def once():
        async with serving(redirect("/x.png")) as server:
            with pytest.raises(RefusedUrl, match="url-redirects"):
                await got(server.url())
            return server.connections

    assert asyncio.run(once()) == 1 + MOST_REDIRECTS


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("file:///etc/passwd", "url-scheme"),
        ("ftp://127.0.0.1/x", "url-scheme"),
        ("gopher://127.0.0.1:6379/_x", "url-scheme"),
        ("data:image/png;base64,iVBORw0KGgo=", "url-scheme"),
        ("http://2130706433/", "url-malformed"),
        ("http://0177.0.0.1/", "url-malformed"),
        ("http://0x7f.1/", "url-malformed"),
        ("http://127.1/", "url-malformed"),
        ("http://[::1%25lo]/", "url-malformed"),
        ("http://public@127.0.0.1/", "url-credentials"),
        ("/" + "x" * 4000, "url-malformed"),
    ],
)
def test_a_redirect_to_another_form_of_url_is_refused(location, code):
    assert refusal(fetched_from(redirect(location))).code == code


def test_the_body_of_a_redirect_is_not_read():
    async def endless(writer):
        writer.write(redirect("/y.png", content_length="999999999999"))
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    assert asyncio.run(fetched_from({"/x.png": endless, "/y.png": response(PNG)})) == PNG


def test_a_reach_without_limits_still_is_not_led_from_the_internet_into_a_private_network(monkeypatch):
    monkeypatch.setattr("pneumoscope.web.fetching.fetch.is_public", lambda address: str(address) == "127.0.0.2")

    async def once(first, second):
        async with (
            serving(response(PNG), address=second) as there,
            serving(redirect(f"http://{second}:{there.port}/"), address=first) as here,
        ):
            return await got(f"http://{first}:{here.port}/", allowed=lambda _: True)

    assert asyncio.run(once("127.0.0.1", "127.0.0.2")) == PNG
    assert refusal(once("127.0.0.2", "127.0.0.1")).code == "url-not-public"


# What comes back


@pytest.mark.parametrize(
    "content_type", ["text/html", "text/html; charset=utf-8", "application/json", "image/svg+xml", "image/gif", "image"]
)
def test_another_content_type_than_of_a_picture_is_refused_whatever_the_bytes(content_type):
    refused = refusal(fetched_from(response(PNG, content_type=content_type)))

    assert (refused.code, refused.http_status) == ("url-not-a-picture", 422)


@pytest.mark.parametrize("content_type", ["image/png", "application/dicom", "application/octet-stream", ""])
@pytest.mark.parametrize("content", [PAGE, b"", b"GIF89a" + bytes(100), b"<svg></svg>", b'{"token": "secret"}', b"PNG"])
def test_other_bytes_than_of_a_picture_are_refused_whatever_the_content_type(content, content_type):
    refused = refusal(fetched_from(response(content, content_type=content_type)))

    assert refused.code == "url-not-a-picture"
    assert "secret" not in refused.message


def test_what_is_no_picture_is_not_waited_for():
    async def page_that_never_ends(writer):
        writer.write(response(PAGE, length=10**6))
        await writer.drain()
        await asyncio.sleep(30)

    before = time.monotonic()

    assert refusal(fetched_from(page_that_never_ends)).code == "url-not-a-picture"
    assert time.monotonic() - before < 10


@pytest.mark.parametrize(
    "status",
    [
        "201 Created",
        "204 No Content",
        "206 Partial",
        "304 Not Modified",
        "300 Several",
        "401 Login",
        "404 None",
        "500 No",
    ],
)
def test_only_an_answer_in_full_counts(status):
    refused = refusal(fetched_from(response(b"" if status[:3] in {"204", "304"} else PNG, status=status)))

    assert (refused.code, refused.http_status) == ("url-status", 502)
    assert status[:3] in refused.message


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "unknown"])
def test_a_compressed_answer_is_refused_and_never_unpacked(encoding):
    bomb = gzip.compress(PNG + bytes(10**6))

    assert refusal(fetched_from(response(bomb, content_encoding=encoding))).code == "url-encoding"


def test_compression_of_the_transfer_is_refused_too():
    answer = response(gzip.compress(PNG), content_length="", transfer_encoding="gzip, chunked")

    assert refusal(fetched_from(answer)).code == "url-unreachable"


def test_the_limit_is_the_largest_size_that_is_taken():
    assert asyncio.run(fetched_from(response(PNG), most_bytes=len(PNG))) == PNG
    refused = refusal(fetched_from(response(PNG), most_bytes=len(PNG) - 1))
    assert (refused.code, refused.http_status) == ("url-too-large", 413)


def test_an_announced_size_over_the_limit_is_not_waited_for():
    async def announces_and_waits(writer):
        writer.write(response(length=2**20 + 1))
        await asyncio.sleep(30)

    assert refusal(fetched_from(announces_and_waits, most_bytes=2**20, seconds=10)).code == "url-too-large"


@pytest.mark.parametrize("announced", ["", "2000000"])
def test_an_endless_body_is_read_to_the_limit_only(announced):
    sent = 0

    async def endless(writer):
        nonlocal sent
        writer.write(response(PNG, content_length=announced))
        while sent < 2**28:
            writer.write(bytes(65536))
            await writer.drain()
            sent += 65536

    assert refusal(fetched_from(endless, most_bytes=2**20)).code == "url-too-large"
    assert sent < 2**27  # the limit, and what the system's buffers took


def test_endless_headers_are_not_collected():
    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"x-more: " + b"x" * 8000 + b"\r\n")
            await writer.drain()

    assert refusal(fetched_from(endless)).code == "url-unreachable"


async def never(_):
    await asyncio.sleep(30)


async def drip_headers(writer):
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_picture(writer):
    writer.write(response(PNG, length=10**6))
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("slow", [never, drip_headers, drip_picture])
def test_the_time_limit_holds_for_all_together_however_the_server_drips(slow):
    before = time.monotonic()
    refused = refusal(fetched_from(slow, seconds=0.3))

    assert (refused.code, refused.http_status) == ("url-too-slow", 504)
    assert time.monotonic() - before < 10


def test_the_time_limit_holds_over_redirects_and_for_names():
    async def slow_redirect(writer):
        await asyncio.sleep(0.2)
        writer.write(redirect("/x.png"))

    async def slow_names(host, port):
        await asyncio.sleep(30)

    assert refusal(fetched_from(slow_redirect, seconds=0.5)).code == "url-too-slow"
    assert refusal(got("http://a.test/", resolve=slow_names, seconds=0.3)).code == "url-too-slow"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-ty",
        response(PNG, length=len(PNG) + 1),
        b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nxxxxxx",
        b"220 mail.example ESMTP\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"+PONG\r\n" * 1000,
    ],
)
def test_a_server_that_breaks_off_or_speaks_something_else_is_a_failed_fetch(answer):
    refused = refusal(fetched_from(answer))

    assert (refused.code, refused.http_status) == ("url-unreachable", 502)


def test_a_server_that_is_not_there_is_a_failed_fetch():
    async def once():
        async with serving(b"") as server:
            pass
        await got(server.url(), resolve=resolver(radiographs=["127.0.0.1", "127.0.0.2"]))

    assert refusal(once()).code == "url-unreachable"


def test_no_message_quotes_the_path_or_the_query():
    for answers in (response(PAGE), response(status="404 None"), redirect("/jane-doe.png"), b"", never):
        refused = refusal(fetched_from(answers, "/jane-doe.png?token=jane-doe", seconds=0.3))
        assert "jane" not in str(refused).lower()


def test_the_reach_for_tests_differs_from_production_in_nothing_that_is_tested_here():
    assert Reach() == PUBLIC_INTERNET
    assert loopback_reach().certificates is PUBLIC_INTERNET.certificates
