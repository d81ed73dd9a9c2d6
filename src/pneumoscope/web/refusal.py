"""Requests that are not answered with a prediction, each with the HTTP status that says why."""

from __future__ import annotations

from pneumoscope.errors import PneumoscopeError


class RefusedRequest(PneumoscopeError):
    """A request that is not what the API takes."""

    http_status = 400


class ForbiddenRequest(RefusedRequest):
    """What was asked for is switched off."""

    http_status = 403


class SlowUpload(RefusedRequest):
    """The upload did not arrive in time."""

    http_status = 408


class UploadTooLarge(RefusedRequest):
    """The upload has more bytes than are taken."""

    http_status = 413


class UnknownMediaType(RefusedRequest):
    """The request's body is neither a form with a file nor JSON."""

    http_status = 415


class Overloaded(RefusedRequest):
    """All places are taken; the client is told when to come again."""

    http_status = 503
    retry_after_seconds = 2


class DeadlinePassed(Overloaded):
    """The request waited longer than its deadline and was dropped before it was read."""
