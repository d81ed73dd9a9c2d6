"""A server on a real socket: it serves, it stops, and an address that cannot be is said in one line."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import httpx
import pytest

from pneumoscope.errors import UnusableOption
from pneumoscope.web.server import listening_socket, page_address

from .conftest import upload


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


def test_the_command_serves_until_it_is_interrupted(tiny_bundle, bright):
    command = [sys.executable, "-c", "from pneumoscope.cli.main import main; main()", "serve", "--port", "0"]
    with subprocess.Popen([*command, "--bundle", str(tiny_bundle)], stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().split()[4]
            assert "Not a medical device." in process.stdout.readline()
            with httpx.Client(base_url=address, timeout=20) as client:
                assert client.get("/health").json()["status"] == "healthy"
                assert client.post("/predict", **upload(bright)).json()["diagnosis"] == "PNEUMONIA"
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
