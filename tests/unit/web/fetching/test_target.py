"""The form of a URL is checked by the same parser whose parts the request is made of."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.web.fetching.refusal import RefusedUrl
from pneumoscope.web.fetching.target import Target, redirected, target_of

ODD_FORMS_OF_LOOPBACK = [
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://0x7f.1/",
    "http://0x7F.0x0.0x0.0x1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1.5/",
    "http://127.0.0.0x1/",
    "http://0/",
    "http://127.0.0.01/",
    "http://127%2e0.0.1/",
    "http://\uff11\uff12\uff17.0.0.1/",  # full width
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://127.0.0.1\\.example.org/",
    "http://127.0.0.1 .example.org/",
    "http://127.0.0.1\t/",
    "http://127.0.0.1\r\nHost: example.org/",
    "http://[::1%25lo]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::1/",
    "http://[127.0.0.1]/",
    "http://[v7.7f000001]/",
]


def code_of(url: str) -> str:
    with pytest.raises(RefusedUrl) as refused:
        target_of(url)
    assert refused.value.http_status == 400
    return refused.value.code


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x.png",
        "/etc/passwd",
        "example.org/x.png",
        "//example.org/x.png",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "ftp://example.org/x.png",
        "gopher://example.org:70/_x",
        "dict://example.org:11211/stat",
        "ldap://example.org/",
        "jar:http://example.org!/x",
        "javascript:alert(1)",
        "data:image/png;base64,iVBORw0KGgo=",
        "data:image/png;base64," + "A" * 5000,
        "blob:http://example.org/1",
        "\0http://example.org/",
        "http//example.org/",
    ],
)
def test_only_http_and_https_are_fetched(url):
    assert code_of(url) == "url-scheme"


@pytest.mark.parametrize("url", ODD_FORMS_OF_LOOPBACK)
def test_an_address_that_programs_read_in_different_ways_is_refused(url):
    assert code_of(url) == "url-malformed"


@pytest.mark.parametrize(
    "url",
    [
        "http:",
        "http://",
        "http:///x.png",
        "http:x.png",
        "http://:80/x.png",
        "http://?x",
        "http://#x",
        "http://./",
        "http://a..example.org/",
        "http://.example.org/",
        "http://-example.org/",
        "http://example-.org/",
        "http://exa mple.org/",
        "http://exa$mple.org/",
        "http://example.org:0/",
        "http://example.org:-80/",
        "http://example.org:65536/",
        "http://example.org:x/",
        "http://example.org:80:80/",
        "http://example.org:" + "9" * 1000 + "/",
        "http://" + "a" * 64 + ".org/",
        "http://" + "a." * 127 + "org/",
        "http://exa\x00mple.org/",
        "http://example.org/\nx",
        "http://\ud800.org/",
        "http://-ü.org/",
        "http://ü" + "a" * 63 + ".org/",
    ],
)
def test_a_url_without_a_possible_host_or_port_is_refused(url):
    assert code_of(url) == "url-malformed"


def test_a_url_may_have_2048_characters():
    beginning = "http://example.org/"

    assert target_of(beginning + "x" * (2048 - len(beginning)))
    assert code_of(beginning + "x" * (2049 - len(beginning))) == "url-malformed"


@pytest.mark.parametrize(
    "url",
    [
        "http://public@127.0.0.1/",
        "http://example.org@127.0.0.1/",
        "http://user:password@example.org/",
        "http://:password@example.org/",
        "http://:@example.org/",
        "http://a@b@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://example.org%23@127.0.0.1/",
        "http://127.0.0.1:80@example.org/",
    ],
)
def test_credentials_and_what_looks_like_them_are_refused(url):
    assert code_of(url) == "url-credentials"


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://example.org", Target("http", "example.org", 80, "/")),
        ("  HTTPS://Example.ORG./a/../x.png?y=1#part \n", Target("https", "example.org", 443, "/x.png?y=1")),
        ("https://example.org:8443/a b", Target("https", "example.org", 8443, "/a%20b")),
        ("http://example.org:443/", Target("http", "example.org", 443, "/")),
        ("http://@example.org/", Target("http", "example.org", 80, "/")),
        ("http://bücher.example/ä?q=ü", Target("http", "xn--bcher-kva.example", 80, "/%C3%A4?q=%C3%BC")),
        ("http://example。org/", Target("http", "example.org", 80, "/")),
        ("http://127。0。0。1/", Target("http", "127.0.0.1", 80, "/")),
        ("http://127.0.0.1./", Target("http", "127.0.0.1", 80, "/")),
        ("http://[2606:4700::1111]:80/", Target("http", "2606:4700::1111", 80, "/")),
        ("http://my_bucket.example.org/", Target("http", "my_bucket.example.org", 80, "/")),
        ("http://example.org/x?u=http://127.0.0.1/", Target("http", "example.org", 80, "/x?u=http://127.0.0.1/")),
    ],
)
def test_a_url_is_taken_apart_into_an_ascii_host_and_what_to_ask_it_for(url, target):
    assert target_of(url) == target


def test_the_request_goes_to_the_address_and_names_the_host():
    async def watch(event, told):
        pass

    request = target_of("https://example.org:8443/x.png?y#z").request(ip_address("2606:4700::1111"), watch)

    assert str(request.url) == "https://[2606:4700::1111]:8443/x.png?y"
    assert request.headers["host"] == "example.org:8443"
    assert request.headers["accept-encoding"] == "identity"
    assert request.extensions["sni_hostname"] == "example.org"
    assert not {"cookie", "authorization", "referer"} & set(request.headers)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("y.png", Target("https", "example.org", 443, "/a/y.png")),
        ("/y.png", Target("https", "example.org", 443, "/y.png")),
        ("?y", Target("https", "example.org", 443, "/a/x.png?y")),
        ("//other.example/y", Target("https", "other.example", 443, "/y")),
        ("https://127.0.0.1/", Target("https", "127.0.0.1", 443, "/")),
    ],
)
def test_a_redirect_may_be_relative(location, target):
    assert redirected(target_of("https://example.org/a/x.png"), location) == target


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://example.org/y.png", "url-scheme"),
        ("file:///etc/passwd", "url-scheme"),
        ("data:image/png,x", "url-scheme"),
        ("https://user@example.org/", "url-credentials"),
        ("https://[::1", "url-malformed"),
        ("https://\ud800/", "url-malformed"),
        ("https://0x7f.1/", "url-malformed"),
        ("//[", "url-malformed"),
        ("/" + "x" * 3000, "url-malformed"),
    ],
)
def test_a_redirect_is_checked_as_the_first_url_was_and_never_leaves_https(location, code):
    with pytest.raises(RefusedUrl) as refused:
        redirected(target_of("https://example.org/a/x.png"), location)

    assert refused.value.code == code


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("htps:/@[]%.\\#?-_0123456789abx \tü。\uff11\ud800\0"), max_size=40))
def test_any_text_is_either_refused_or_names_one_plain_host(text):
    for url in (text, f"http://{text}"):
        try:
            target = target_of(url)
        except RefusedUrl:
            continue
        assert target.host.isascii()
        assert not set(target.host) & set("/@[]%\\#? ")
        assert target.url.raw_host.decode() == target.host
        assert target.address is not None or not target.host.rpartition(".")[2].isdecimal()
