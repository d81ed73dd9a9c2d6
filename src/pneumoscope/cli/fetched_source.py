"""Radiographs that `pneumoscope predict` is given as URLs, each fetched when its turn comes.

Whoever types a URL could open it in a browser as well: servers of the own network are asked too, at any port. What the
server of `pneumoscope serve` may fetch for others is narrower (`web/fetching`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, final

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.inference.sources import Source
from pneumoscope.radiograph.gate import MOST_BYTES
from pneumoscope.radiograph.radiograph import Radiograph
from pneumoscope.radiograph.reading import radiograph_from_bytes

FETCH_SECONDS: Final = 300
LONGEST_NAME: Final = 100
URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""Any scheme, so that file:// and ftp:// are refused as what they are and not looked for on the disk."""


def is_url(argument: str) -> bool:
    """Whether an argument is a URL and not a path."""
    return URL.match(argument) is not None


@final
@dataclass(frozen=True, slots=True)
class FetchedSource(Source):
    """One radiograph at a URL. Its label, which results carry, leaves out login and query: they may be secrets."""

    url: str

    @property
    def label(self) -> str:
        return _without_secrets(self.url)

    def read(self) -> Radiograph:
        """Fetch and read it now; `RefusedRadiograph` says why it cannot be."""
        return radiograph_from_bytes(fetched_bytes(self.url), self.label)


def fetched_sources(urls: Sequence[str]) -> Iterator[Source]:
    """A source for each URL; its results go by the last part of its path and a digest of the whole URL."""
    if len(set(urls)) < len(urls):
        raise RefusedRadiograph("named-twice", "The same URL is named twice.", remedy="Name each URL once.")
    for url in urls:
        last = _without_secrets(url).rstrip("/").rpartition("/")[2]
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", last).lstrip(".-")[-LONGEST_NAME:]
        digest = hashlib.sha256(url.encode(errors="surrogateescape")).hexdigest()[:8]
        yield FetchedSource(None, PurePosixPath(f"{plain}~{digest}"), url)


def fetched_bytes(url: str) -> bytes:
    """The picture at a URL, from any host that this machine reaches; `RefusedRadiograph` says why there is none."""
    import asyncio

    from pneumoscope.web.fetching.fetch import fetched
    from pneumoscope.web.fetching.reach import ANY_SERVER
    from pneumoscope.web.fetching.refusal import RefusedUrl

    try:
        return asyncio.run(fetched(url, most_bytes=MOST_BYTES, seconds=FETCH_SECONDS, reach=ANY_SERVER))
    except RefusedUrl as refused:
        named = RefusedRadiograph(refused.code, f"{_without_secrets(url)}: {refused.message}", remedy=refused.remedy)
    raise named


def _without_secrets(url: str) -> str:
    scheme, separator, rest = re.sub(r"[?#].*", "", url, flags=re.DOTALL).partition("//")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
