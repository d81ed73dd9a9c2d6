"""The server answers to its own names alone, so that no page can make a name of its own lead to it (DNS rebinding)."""

from __future__ import annotations

import pytest

from pneumoscope.errors import UnusableOption
from pneumoscope.web.application import web_application
from pneumoscope.web.host_names import PROBES, host_of, usable_name
from support.serving import serving

from .conftest import settings, upload
from .test_refusals import problem
from .test_server import answer, connected

REBOUND = "rebound.evil.example:5000"
KEY = {"Authorization": "Bearer key"}


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:5000",
        "LocalHost:",
        "localhost.:5000",
        "xray.localhost:8080",
        "127.0.0.1:5000",
        "192.168.1.5",
        "203.0.113.7:80",
        "[::1]:5000",
        "[FD00::1]",
        "[::ffff:127.0.0.1]:5000",
    ],
)
def test_localhost_and_every_address_in_numbers_are_answered(send, bright, host):
    assert send("POST", "/predict", **upload(bright), headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        REBOUND,
        "localhost.evil.example",
        "evil-localhost",
        "notlocalhost:5000",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io:5000",
        "2130706433",
        "0x7f.1",
        "1.2.3.4.5",
        "127.0.0.1..",
        ".",
        "testserver",
    ],
)
def test_every_other_name_is_refused_and_told_what_to_do(send, bright, host):
    response = send("POST", "/predict", **upload(bright), headers={"Host": host})

    assert problem(response, 421)["code"] == "host-not-allowed"
    assert response.json()["title"] == "Misdirected Request"
    assert "--host-name" in response.json()["remedy"]
    assert host == "." or host not in response.text


@pytest.mark.parametrize(
    "host",
    ["", " ", ":5000", "::1", "[::1", "[]", "localhost:5000:1", "localhost:x", "a b", "user@localhost", "localhost/x",
     "localhost,evil.example", "<script>alert(1)</script>", "[localhost]", "m\xfcller.example"],
)  # fmt: skip
def test_what_names_no_host_is_refused_without_being_repeated(send, host):
    response = send("GET", "/", headers={"Host": host.encode("latin-1")})

    assert problem(response, 400)["code"] == "host-malformed"
    assert "script" not in response.text


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", REBOUND], [REBOUND, "localhost"]])
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_a_request_that_names_no_host_or_two_is_refused(predictor, hosts, version):
    """RFC 9112 section 3.2. On a real socket: no client sends these, and the protocol's parser lets them through."""
    head = "\r\n".join([f"GET /metrics {version}", *(f"Host: {host}" for host in hosts), "Connection: close", "", ""])
    with serving(web_application(predictor, settings())) as url, connected(url) as connection:
        connection.sendall(head.encode())
        found = answer(connection)

    assert found.startswith(b"HTTP/1.1 400")
    assert b'"code":"host-malformed"' in found
    assert b"evil" not in found


def test_a_page_whose_name_was_made_to_lead_here_gets_nothing(send, bright):
    """To the browser it is the server's own page: the origin is the host that it asks."""
    headers = {"Host": REBOUND, "Origin": f"http://{REBOUND}", "Sec-Fetch-Site": "same-origin"}

    for path in ("/predict", "/v1/predictions", "/page/prediction"):
        assert problem(send("POST", path, **upload(bright), headers=headers), 421)
    for path in ("/", "/metrics", "/docs", "/openapi.json", "/static/page.css", "/v1/model", "/nothing", "/livez/"):
        assert problem(send("GET", path, headers=headers), 421), path


def test_a_key_and_a_named_origin_change_nothing_about_it(send_to, bright):
    send = send_to(api_key="key", cors_origins=("*",))
    preflight = {"Host": REBOUND, "Origin": "https://a.example", "Access-Control-Request-Method": "POST"}

    for shown in ({}, KEY):
        response = send("POST", "/predict", **upload(bright), headers={"Host": REBOUND, **shown})
        assert problem(response, 421)["code"] == "host-not-allowed"
    assert send("OPTIONS", "/predict", headers=preflight).status_code == 421
    assert send("POST", "/predict", **upload(bright), headers={"Host": "localhost", **KEY}).status_code == 200


@pytest.mark.parametrize("path", sorted(PROBES))
def test_orchestrators_ask_whether_the_server_is_up_by_any_name(send, path):
    assert send("GET", path, headers={"Host": "pneumoscope.default.svc.cluster.local:5000"}).status_code == 200
    assert send("GET", path, headers={"Host": ""}).status_code == 200


def test_a_name_that_was_given_is_answered_however_it_is_written_and_no_other(send_to, bright):
    send = send_to(host_names=("XRay.Example.org.", "pneumoscope"))
    asked = ("xray.example.org", "XRAY.EXAMPLE.ORG:8443", "xray.example.org.:80", "pneumoscope:5000", "localhost")
    refused = ("example.org", "a.xray.example.org", "xray", "pneumoscope.example.org", "xray.example.org.evil.example")

    found = {host: send("GET", "/v1/model", headers={"Host": host}).status_code for host in asked + refused}
    assert found == dict.fromkeys(asked, 200) | dict.fromkeys(refused, 421)


def test_refusals_are_counted_and_carry_the_headers_of_every_answer(send_to):
    send = send_to()
    response = send("GET", "/", headers={"Host": REBOUND})

    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    counted = send("GET", "/metrics").text
    assert 'pneumoscope_refused_total{code="host-not-allowed"} 1.0' in counted
    assert "evil" not in counted


def test_refusals_use_up_nobody_s_rate(send_to, bright):
    send = send_to(requests_per_minute=1)
    for _ in range(3):
        send("POST", "/predict", **upload(bright), headers={"Host": REBOUND})

    assert send("POST", "/predict", **upload(bright)).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["", ".", "*", "*.example.org", "https://example.org", "example.org:443", "example.org/", "a b", "a..b", "[::1]",
     "::1", "m\xfcller.example", "user@example.org", "example.org\n"],
)  # fmt: skip
def test_what_is_no_name_is_refused_at_the_start(predictor, name):
    with pytest.raises(UnusableOption) as caught:
        web_application(predictor, settings(host_names=(name,)))

    assert caught.value.code == "host-name-unusable"
    assert "--host-name pneumoscope.example" in caught.value.remedy


def test_names_are_compared_without_case_port_brackets_and_root_dot():
    assert [host_of(host) for host in (b"A.b.:1", b" [FD00::1]:5000\t", b"x:", b"")] == ["a.b", "fd00::1", "x", None]
    assert usable_name("My_Host.Example.") == "my_host.example"
