"""The one error of the client: what the server reported, or why there was no answer that can be read."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pneumoscope.errors import PneumoscopeError


class ProblemReported(PneumoscopeError):
    """A problem document of the server (RFC 9457), or one that the client wrote because there was none.

    `code` is the stable reason, `detail` says what is wrong, `remedy` what to do about it. `status` is the HTTP status,
    None where nothing was answered; `retry_after_seconds` when to come again, where the server says so.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        remedy: str,
        status: int | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(code, detail, remedy=remedy)
        self.status = status
        self.retry_after_seconds = retry_after_seconds

    @property
    def detail(self) -> str:
        return self.message


def reported(status: int, content: Any, retry_after: str | None = None) -> ProblemReported:
    """From the status, the body as JSON (None where it is none) and the header Retry-After of an answer."""
    told = content if isinstance(content, dict) else {}
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "unknown status"
    return ProblemReported(
        str(told.get("code") or f"http-{status}"),
        str(told.get("detail") or f"The server answered {status} ({phrase}) without saying why."),
        remedy=str(told.get("remedy") or "Check the address; something between here and the server may have answered."),
        status=status,
        retry_after_seconds=float(retry_after) if retry_after and retry_after.isdecimal() else None,
    )


def unreachable(address: str, reason: str) -> ProblemReported:
    """Nothing was answered."""
    return ProblemReported(
        "server-unreachable",
        f"{address} did not answer ({reason}).",
        remedy="Check the address and that the server runs; for slow answers give a larger timeout_seconds.",
    )


def not_understood(status: int) -> ProblemReported:
    """Something else was answered than the API says."""
    return ProblemReported(
        "answer-not-understood",
        "The answer is not one of this version of Pneumoscope's API.",
        remedy="Check the address, and install the client in the server's version.",
        status=status,
    )
