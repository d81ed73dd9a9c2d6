"""Take one radiograph out of a request's body: counted while it is read, kept in memory, never written to disk.

Starlette's own form parser writes uploads of more than 1 MB to temporary files, so the parts are collected here.
The client's file name is not looked at, beyond whether there is one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

import python_multipart
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from pneumoscope.web.refusal import ForbiddenRequest, RefusedRequest, SlowUpload, UnknownMediaType, UploadTooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD: Final = "file"
UPLOAD_NAME: Final = "upload"
"""What every upload is called inside: the client's own name for it may be a patient's."""
MOST_ENVELOPE_BYTES: Final = 64 * 1024
MOST_JSON_BYTES: Final = 64 * 1024
MOST_PARTS: Final = 32
MOST_SECONDS: Final = 120
CURL: Final = "curl -F file=@radiograph.jpeg"


@dataclass(slots=True)
class _Part:
    """One part of a multipart body, as it comes in."""

    disposition: bytes = b""
    content: bytearray = field(default_factory=bytearray)

    @property
    def options(self) -> dict[bytes, bytes]:
        return parse_options_header(self.disposition)[1]


@final
class _Form:
    """Collects the parts that the parser finds."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.ended = False
        self._header = bytearray()

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin_part,
            "on_header_begin": self._header.clear,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_part_data": self._content,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        if len(self.parts) == MOST_PARTS:
            raise FormParserError
        self.parts.append(_Part())

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header.extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self.parts[-1].disposition += data[start:end]

    def _content(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content.extend(memoryview(data)[start:end])

    def _end(self) -> None:
        self.ended = True


async def uploaded_radiograph(request: Request, *, most_bytes: int) -> bytes:
    """The content of the field `file`; `RefusedRequest` says why there is none."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    try:
        async with asyncio.timeout(MOST_SECONDS):
            if media_type == b"application/json":
                _refuse_json(await _body(request, most_bytes=MOST_JSON_BYTES, limit_bytes=MOST_JSON_BYTES))
            if media_type != b"multipart/form-data":
                raise UnknownMediaType(
                    "media-type-unknown",
                    "The request is not a form with a file.",
                    remedy=f"Send multipart/form-data with the field {FIELD}, as {CURL} does.",
                )
            return _file_of(await _parts(request, options.get(b"boundary", b""), most_bytes), most_bytes)
    except TimeoutError:
        raise SlowUpload(
            "upload-too-slow",
            f"The upload was not complete after {MOST_SECONDS} seconds.",
            remedy="Send it over a faster connection, or a smaller file.",
        ) from None


async def _parts(request: Request, boundary: bytes, most_bytes: int) -> list[_Part]:
    form = _Form()
    try:
        parser = python_multipart.MultipartParser(boundary, form.callbacks())
        async for chunk in _chunks(request, most_bytes=most_bytes + MOST_ENVELOPE_BYTES, limit_bytes=most_bytes):
            parser.write(chunk)
    except FormParserError:
        raise _form_damaged() from None
    if not form.ended:
        raise _form_damaged()
    return form.parts


def _form_damaged() -> RefusedRequest:
    return RefusedRequest(
        "form-damaged",
        "The form cannot be read: it is cut off or its parts are not separated as its header says.",
        remedy=f"Let a library or curl build it: {CURL}.",
    )


def _file_of(parts: list[_Part], most_bytes: int) -> bytes:
    files = [part for part in parts if part.options.get(b"name") == FIELD.encode()]
    if not files:
        raise RefusedRequest(
            "file-missing", f"The form has no field {FIELD}.", remedy=f"Send the radiograph in it: {CURL}."
        )
    if len(files) > 1:
        raise RefusedRequest(
            "several-files",
            f"The form has {len(files)} files; one radiograph is read at a time.",
            remedy="Send one request for each radiograph.",
        )
    if b"filename" not in files[0].options:
        raise RefusedRequest(
            "file-is-text", f"The field {FIELD} holds text, not a file.", remedy=f"With curl, mind the @: {CURL}."
        )
    if len(files[0].content) > most_bytes:
        raise _too_large(most_bytes)
    return bytes(files[0].content)


def _refuse_json(body: bytes) -> None:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict) and "url" in content:
        raise ForbiddenRequest(
            "url-not-allowed",
            "This server does not fetch radiographs from other places.",
            remedy=f"Download the radiograph and upload the file: {CURL}. Fetching comes in a later version.",
        )
    raise RefusedRequest(
        "file-missing", "The JSON holds no radiograph.", remedy=f"Upload the file as a form instead: {CURL}."
    )


async def _body(request: Request, *, most_bytes: int, limit_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in _chunks(request, most_bytes=most_bytes, limit_bytes=limit_bytes):
        body += chunk
    return bytes(body)


async def _chunks(request: Request, *, most_bytes: int, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body as it arrives, up to `most_bytes`; `limit_bytes` is the limit to tell people."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise _too_large(limit_bytes)
    taken = 0
    async for chunk in request.stream():
        taken += len(chunk)
        if taken > most_bytes:
            raise _too_large(limit_bytes)
        if chunk:
            yield chunk


def _too_large(limit_bytes: int) -> UploadTooLarge:
    return UploadTooLarge(
        "upload-too-large",
        f"The upload is larger than {in_words(limit_bytes)}.",
        remedy="Export one radiograph a file, or start the server with a larger --max-upload-mb.",
    )


def in_words(size_bytes: int) -> str:
    """A size for people: "50 MB", "64 KB"."""
    return f"{size_bytes / 2**20:g} MB" if size_bytes >= 2**20 else f"{size_bytes / 2**10:g} KB"
