"""URLs that are not fetched, each with the HTTP status that says why.

No message quotes an address that a name resolved to, nor a path: the one would map the network behind the server, the
other may name a patient.
"""

from __future__ import annotations

from pneumoscope.web.refusal import RefusedRequest


class RefusedUrl(RefusedRequest):
    """The URL is not of a form that is fetched."""

    http_status = 400


class ForbiddenUrl(RefusedUrl):
    """The URL leads to where nothing is fetched from."""

    http_status = 403


class FetchedTooLarge(RefusedUrl):
    """What the URL gives has more bytes than are taken."""

    http_status = 413


class FetchedNoPicture(RefusedUrl):
    """What the URL gives is no picture."""

    http_status = 422


class FailedFetch(RefusedUrl):
    """The other server cannot be reached, or does not give the picture."""

    http_status = 502


class SlowFetch(RefusedUrl):
    """The other server takes too long."""

    http_status = 504
