"""A server on a real socket: it serves, it stops, and an address that cannot be is said in one line."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest

from pneumoscope.errors import UnusableOption
from pneumoscope.web.http_protocol import MOST_HEAD_BYTES, without_upgrade
from pneumoscope.web.server import listening_socket, page_address

from .conftest import upload

FORM = (
    b'--edge\r\nContent-Disposition: form-data; name="file"; filename="x.png"\r\n\r\n',
    b"\r\n--edge--\r\n",
)


@contextmanager
def served(bundle, *options: str):
    """The command in a process of its own, and the port it listens on."""
    command = [sys.executable, "-c", "from pneumoscope.cli.main import main; main()", "serve", "--port", "0"]
    command += ["--bundle", str(bundle), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().split()[4]
            assert "Not a medical device." in process.stdout.readline()
            yield process, address
        finally:
            process.kill()


@pytest.fixture(scope="module")
def address(tiny_bundle):
    with served(tiny_bundle) as (_, address):
        yield address


def connected(address: str) -> socket.socket:
    return socket.create_connection((httpx.URL(address).host, httpx.URL(address).port), timeout=20)


def request_head(body_bytes: int, *lines: str) -> bytes:
    head = ["POST /predict HTTP/1.1", "Host: localhost", "Content-Type: multipart/form-data; boundary=edge"]
    return "\r\n".join([*head, f"Content-Length: {body_bytes}", *lines, "", ""]).encode()


def answer(connection: socket.socket) -> bytes:
    """Everything up to the end of the connection or of the announced body."""
    found = b""
    while data := connection.recv(65536):
        found += data
        length = re.search(rb"content-length: (\d+)", found)
        end = found.find(b"\r\n\r\n")
        if length and end >= 0 and len(found) >= end + 4 + int(length[1]):
            break
    return found


def test_a_used_port_is_refused_and_the_remedy_names_the_option():
    with listening_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnusableOption) as caught:
            listening_socket("127.0.0.1", port)

    assert caught.value.code == "port-in-use"
    assert str(port) in caught.value.message
    assert "--port" in caught.value.remedy


def test_a_foreign_address_is_refused():
    for host in ("192.0.2.1", "no such host"):
        with pytest.raises(UnusableOption) as caught:
            listening_socket(host, 0)
        assert caught.value.code == "host-unknown"


def test_the_address_for_the_browser_names_host_and_port():
    with listening_socket("127.0.0.1", 0) as listening:
        assert page_address(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}/"
        assert listening.family == socket.AF_INET


def test_small_answers_are_not_held_back():
    """Asyncio turns Nagle's algorithm off only on sockets that say they are TCP; each answer waited 40 ms."""
    with listening_socket("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_the_command_serves_until_it_is_interrupted(tiny_bundle, bright):
    with served(tiny_bundle) as (process, address):
        with httpx.Client(base_url=address, timeout=20) as client:
            assert client.get("/health").json()["status"] == "healthy"
            assert client.post("/predict", **upload(bright)).json()["diagnosis"] == "PNEUMONIA"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read().endswith("stopped\n")


def test_a_server_told_to_stop_finishes_the_request_that_runs_and_takes_no_other(tiny_bundle, bright):
    body = FORM[0] + bright + FORM[1]
    with served(tiny_bundle) as (process, address), connected(address) as connection:
        connection.sendall(request_head(len(body)) + body[:100])
        until_taken(address)
        process.send_signal(signal.SIGTERM)
        until_closed(address)
        assert process.poll() is None
        connection.sendall(body[100:])
        found = answer(connection)

        assert found.startswith(b"HTTP/1.1 200")
        assert b'"diagnosis":"PNEUMONIA"' in found
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def test_behind_a_proxy_of_this_machine_each_client_has_its_own_rate(tiny_bundle):
    with served(tiny_bundle, "--requests-per-minute", "1") as (_, address):
        statuses = [
            httpx.post(f"{address}predict", headers={"X-Forwarded-For": client}).status_code
            for client in ("192.0.2.1", "192.0.2.2", "192.0.2.1")
        ]

    assert statuses == [415, 415, 429]


def until_taken(address: str) -> None:
    """Until a request holds a place."""
    for _ in range(200):
        if "pneumoscope_places_taken 1.0" in httpx.get(f"{address}metrics").text:
            return
        time.sleep(0.02)
    raise AssertionError


def until_closed(address: str) -> None:
    """Until nobody listens any more."""
    for _ in range(200):
        try:
            connected(address).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    raise AssertionError


def test_a_head_without_end_is_cut_off(address):
    with connected(address) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX-Endless: ")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            send_slowly(connection, b"x" * MOST_HEAD_BYTES, times=100)


def test_a_head_that_comes_in_one_piece_is_bounded_too(address):
    for length, status in ((MOST_HEAD_BYTES - 100, b"200"), (120_000, b"400"), (250_000, b"400")):
        head = b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: "
        with connected(address) as connection:
            connection.sendall(head + b"x" * (length - len(head)) + b"\r\n\r\n")
            assert answer(connection).startswith(b"HTTP/1.1 " + status), length


def test_large_bodies_in_pieces_of_any_size_arrive_whole(address, bright):
    for extra in (MOST_HEAD_BYTES - 1, MOST_HEAD_BYTES, MOST_HEAD_BYTES + 1, 5 * MOST_HEAD_BYTES):
        body = FORM[0] + bright + b"\0" * extra + FORM[1]
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        head = request_head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        with connected(address) as connection:
            connection.sendall(head + chunks)
            assert b'"diagnosis":"PNEUMONIA"' in answer(connection)


def test_monitors_may_ask_for_the_head_alone(address):
    for path in ("livez", "readyz", "health"):
        found, whole = httpx.head(f"{address}{path}"), httpx.get(f"{address}{path}")
        assert (found.status_code, found.content) == (200, b"")
        assert found.headers["content-length"] == whole.headers["content-length"]


def send_slowly(connection: socket.socket, data: bytes, *, times: int) -> None:
    for _ in range(times):
        connection.sendall(data)
        time.sleep(0.01)


def test_a_head_of_the_usual_size_and_a_large_body_are_not_cut_off(address, bright):
    padded = bright + b"\0" * (3 * MOST_HEAD_BYTES)
    with connected(address) as connection:
        for _ in range(2):
            body = FORM[0] + padded + FORM[1]
            connection.sendall(request_head(len(body), "X-Long: " + "x" * (MOST_HEAD_BYTES // 2)) + body)
            assert answer(connection).startswith(b"HTTP/1.1 200")


def test_a_head_that_takes_too_long_is_cut_off(tiny_bundle):
    script = (
        "import pneumoscope.web.http_protocol as protocol; protocol.MOST_HEAD_SECONDS = 0.2\n"
        "from pneumoscope.cli.main import main; main()"
    )
    command = [sys.executable, "-c", script, "serve", "--port", "0", "--bundle", str(tiny_bundle)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().split()[4]
            with connected(address) as silent, connected(address) as slow, connected(address) as good:
                slow.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
                good.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                assert answer(good).startswith(b"HTTP/1.1 200")
                assert (silent.recv(100), slow.recv(100)) == (b"", b"")
        finally:
            process.kill()


def test_an_offer_of_another_protocol_does_not_cost_the_upload(address, bright):
    """As Java's client and `curl --http2` offer it with every request."""
    body = FORM[0] + bright + FORM[1]
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
    with connected(address) as connection:
        connection.sendall(request_head(len(body), *offer) + body)

        assert answer(connection).startswith(b"HTTP/1.1 200")


def test_only_the_head_loses_its_offer_never_the_body():
    request = b"POST / HTTP/1.1\r\nUPGRADE : h2c\r\nA: upgrade:\r\n\r\nbody\r\nUpgrade: h2c"

    assert without_upgrade(request) == request.replace(b"UPGRADE", b"x-grade", 1)
    assert without_upgrade(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_what_is_no_http_is_refused_and_the_server_goes_on(address):
    for rubbish in (b"\x16\x03\x01\x02\x00" * 20, b"GET\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n"):
        with connected(address) as connection:
            connection.sendall(rubbish)
            assert answer(connection)[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 404", b""}, rubbish
    assert httpx.get(f"{address}health").status_code == 200
