"""What a URL asks for: its parts, once its form has been checked. Where it leads to is checked in `reach`.

One parser decides: what it found is checked, and the request is made of the same parts, never of the text again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

import httpx

from pneumoscope import __version__
from pneumoscope.web.fetching.public_addresses import Address
from pneumoscope.web.fetching.refusal import RefusedUrl

LONGEST_URL: Final = 2048
CONNECT_SECONDS: Final = 5.0
"""For each address; a host may have one of a kind that this machine cannot reach."""
PORT_OF_SCHEME: Final = {"http": 80, "https": 443}
SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")
HOST_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
"""RFC 1123, 2.1, and the underscore that some hosts have."""
ENDS_IN_A_NUMBER: Final = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
"""Such a host is an IPv4 address to many programs (URL Standard, 3.5): 2130706433, 0x7f.1, 127.1."""
HEADERS: Final = {
    "Accept": "application/dicom, image/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": f"Pneumoscope/{__version__}",
}
Watch = Callable[[str, Mapping[str, Any]], Coroutine[Any, Any, None]]
"""The `trace` of httpx's request extensions."""
EXAMPLE: Final = "https://example.org/radiograph.jpeg"


@dataclass(frozen=True, slots=True)
class Target:
    """A host and what to ask it for. `host` is a name in ASCII or an address without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def address(self) -> Address | None:
        """The address, where the URL gives one in place of a name."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def url(self) -> httpx.URL:
        """The URL without its fragment, which is never sent."""
        return httpx.URL(scheme=self.scheme, host=self.host, port=self.port, raw_path=self.path.encode("ascii"))

    def request(self, address: Address, watch: Watch) -> httpx.Request:
        """The request to one address of the host. Certificate and server name stay those of the host (`sni_hostname`).

        It carries neither cookies, nor credentials, nor from where it was redirected. `watch` is told of each step.
        """
        return httpx.Request(
            "GET",
            self.url.copy_with(host=str(address)),
            headers={"Host": self.url.netloc.decode("ascii"), **HEADERS},
            extensions={"sni_hostname": self.host, "timeout": {"connect": CONNECT_SECONDS}, "trace": watch},
        )


def target_of(text: str) -> Target:
    """The target of a URL as a person or program gave it; `RefusedUrl` says what is wrong with its form."""
    scheme = SCHEME.match(text)
    if scheme is None or scheme[1].lower() not in PORT_OF_SCHEME:
        raise RefusedUrl(
            "url-scheme",
            "The URL begins neither with http:// nor with https://; nothing else is fetched.",
            remedy=f"Give the whole address of the picture, such as {EXAMPLE}.",
        )
    if len(text) > LONGEST_URL:
        raise _malformed(f"it is longer than {LONGEST_URL} characters")
    try:
        return _target(httpx.URL(text.strip()))
    except (httpx.InvalidURL, ValueError):
        raise _malformed("it cannot be taken apart") from None


def redirected(target: Target, location: str) -> Target:
    """The target that an answer of `target` refers to; a reference may be relative (RFC 9110, 10.2.2)."""
    try:
        there = str(target.url.join(location))
    except (httpx.InvalidURL, ValueError):
        raise _malformed("it redirects to what is no URL") from None
    following = target_of(there)
    if (target.scheme, following.scheme) == ("https", "http"):
        raise RefusedUrl(
            "url-scheme",
            "The URL redirects from https to http, where the picture could be changed on its way.",
            remedy="Give an address that keeps to https, or download the radiograph and give the file.",
        )
    return following


def _target(url: httpx.URL) -> Target:
    if url.userinfo:
        raise RefusedUrl(
            "url-credentials",
            "The URL holds a user name or password; none is sent.",
            remedy="Download the radiograph with a program that may log in, and give the file.",
        )
    host = url.raw_host.decode("ascii").removesuffix(".")
    port = PORT_OF_SCHEME[url.scheme] if url.port is None else url.port
    if not host:
        raise _malformed("it names no host")
    if not 0 < port < 65536:
        raise _malformed("its port cannot be")
    target = Target(url.scheme, host, port, url.raw_path.decode("ascii"))
    if isinstance(target.address, IPv6Address) and target.address.scope_id is not None:
        raise _malformed("its address names an interface")
    if target.address is None and (not HOST_NAME.fullmatch(host) or ENDS_IN_A_NUMBER.fullmatch(host)):
        raise _malformed("its host is neither a name nor an address in the usual form")
    return target


def _malformed(reason: str) -> RefusedUrl:
    return RefusedUrl(
        "url-malformed", f"The URL is not usable: {reason}.", remedy=f"Check it; it should look like {EXAMPLE}."
    )
