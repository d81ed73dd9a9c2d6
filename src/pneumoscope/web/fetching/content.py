"""From an answer's head and body to a picture's bytes, and no more of them than are taken."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import httpx

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.refusal import RefusalCode
from pneumoscope.radiograph.sniffing import media_type_of
from pneumoscope.web.fetching.refusal import FailedFetch, FetchedNoPicture, FetchedTooLarge

PICTURE_TYPES: Final = frozenset(
    {
        "application/dicom",
        "image/bmp",
        "image/jpeg",
        "image/jpg",
        "image/pjpeg",
        "image/png",
        "image/tiff",
        "image/webp",
        "image/x-bmp",
        "image/x-ms-bmp",
        "image/x-png",
        "image/x-tiff",
    }
)
UNTOLD_TYPES: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""What servers say of files they do not know, as DICOM files often are (RFC 9110, 8.3). The bytes decide then."""
SNIFFED_BYTES: Final = 4096
"""So much tells what a file is, before the rest is waited for."""


async def picture_in(answer: httpx.Response, *, most_bytes: int) -> bytes:
    """The picture that an answer holds, at most `most_bytes`; a `RefusedUrl` says why there is none.

    Nothing is decompressed: an answer that comes compressed although that was not asked for is refused.
    """
    _check_head(answer, most_bytes)
    content = bytearray()
    sniffed = False
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > most_bytes:
            raise _too_large(most_bytes)
        if not sniffed and len(content) >= SNIFFED_BYTES:
            _check_magic(content)
            sniffed = True
    if not sniffed:
        _check_magic(content)
    return bytes(content)


def _check_head(answer: httpx.Response, most_bytes: int) -> None:
    headers = answer.headers
    if answer.status_code != HTTPStatus.OK:
        raise FailedFetch(
            "url-status",
            f"The other server answers with status {answer.status_code} and not with a picture.",
            remedy="Open the URL in a private browser window: it must show the picture without a login.",
        )
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise FailedFetch(
            "url-encoding",
            "The other server sends the picture compressed although that was not asked for.",
            remedy="Download the radiograph and give the file.",
        )
    announced_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if announced_type not in PICTURE_TYPES | UNTOLD_TYPES:
        raise _no_picture("The other server calls it something else.")
    announced_bytes = headers.get("content-length", "")
    if announced_bytes.isdecimal() and int(announced_bytes) > most_bytes:
        raise _too_large(most_bytes)


def _check_magic(beginning: bytearray) -> None:
    try:
        media_type_of(bytes(beginning))
    except RefusedRadiograph as refused:
        known = refused.code == RefusalCode.UNSUPPORTED_FORMAT
        raise _no_picture(refused.message if known else "It begins like no picture that is read here.") from None


def _no_picture(reason: str) -> FetchedNoPicture:
    return FetchedNoPicture(
        "url-not-a-picture",
        f"The URL does not lead to a radiograph. {reason}",
        remedy="Give the address of the picture file itself (JPEG, PNG, TIFF, WebP, BMP, DICOM), not of a page with it.",
    )


def _too_large(most_bytes: int) -> FetchedTooLarge:
    return FetchedTooLarge(
        "url-too-large",
        f"The URL gives more than {most_bytes / 2**20:g} MB.",
        remedy="Give the address of one radiograph, or a smaller export of it.",
    )
