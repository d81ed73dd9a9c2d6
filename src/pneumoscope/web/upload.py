"""Take radiographs out of a request's body: counted while it is read, kept in memory, never written to disk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeAlias, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header

from pneumoscope.web.form import Part, form_parts
from pneumoscope.web.refusal import ForbiddenRequest, RefusedRequest, SlowUpload, UnknownMediaType, UploadTooLarge

FIELD: Final = "file"
UPLOAD_NAME: Final = "upload"
"""What every upload is called inside: the client's own name for it may be a patient's."""
MOST_ENVELOPE_BYTES: Final = 64 * 1024
"""What a form may have beside its files: separators, names, other fields."""
MOST_JSON_BYTES: Final = 64 * 1024
OTHER_PARTS: Final = 31
"""Beside the files."""
MOST_SECONDS: Final = 120
CURL: Final = "curl -F file=@radiograph.jpeg"

Content = TypeVar("Content", bound=BaseModel)
Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Gets the radiograph that a URL leads to."""
Room: TypeAlias = Callable[[int], None]
"""Hears how many bytes a request brings, before more of them are read; raises `RefusedRequest` where it is too many."""


async def uploaded_radiograph(request: Request, *, most_bytes: int, fetch: Fetch | None = None) -> bytes:
    """The one file of the field `file`, or what `fetch` gets (None: fetching is off); `RefusedRequest` says why not."""

    def room(total_bytes: int) -> None:
        if total_bytes > most_bytes + MOST_ENVELOPE_BYTES:
            raise too_large(most_bytes)

    (only,) = await uploaded_files(request, most_bytes=most_bytes, most_files=1, room=room, fetch=fetch)
    return only


async def uploaded_files(
    request: Request, *, most_bytes: int, most_files: int, room: Room, fetch: Fetch | None
) -> list[bytes]:
    """The files of the field `file`, at least one, none of more than `most_bytes`; or the one that `fetch` gets."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    async with _in_time():
        if media_type == b"application/json":
            return [await _fetched(await _json_body(request), fetch)]
        if media_type != b"multipart/form-data":
            raise UnknownMediaType(
                "media-type-unknown",
                "The request is not a form with a file.",
                remedy=f"Send multipart/form-data with the field {FIELD}, as {CURL} does.",
            )
        chunks = _chunks(request, room)
        boundary = options.get(b"boundary", b"")
        parts = await form_parts(chunks, boundary, most_parts=most_files + OTHER_PARTS, example=CURL)
        return _files_of(parts, most_bytes=most_bytes, most_files=most_files)


async def small_json(request: Request, kind: type[Content]) -> Content:
    """A JSON body of at most `MOST_JSON_BYTES`, for what is no radiograph; `RequestValidationError` where it is no `kind`.

    The framework's own way reads a body of any size into memory before it looks at it.
    """
    async with _in_time():
        body = await _body(request)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None


@asynccontextmanager
async def _in_time() -> AsyncIterator[None]:
    """`SlowUpload` where the request is not there after `MOST_SECONDS`: it holds a place all the while."""
    try:
        async with asyncio.timeout(MOST_SECONDS):
            yield
    except TimeoutError:
        raise SlowUpload(
            "upload-too-slow",
            f"The upload was not complete after {MOST_SECONDS} seconds.",
            remedy="Send it over a faster connection, or a smaller file.",
        ) from None


def _files_of(parts: list[Part], *, most_bytes: int, most_files: int) -> list[bytes]:
    files = [part for part in parts if part.name == FIELD.encode()]
    if not files:
        raise RefusedRequest(
            "file-missing", f"The form has no field {FIELD}.", remedy=f"Send the radiograph in it: {CURL}."
        )
    if len(files) > most_files:
        raise _too_many(len(files), most_files)
    if not all(part.is_file for part in files):
        raise RefusedRequest(
            "file-is-text", f"The field {FIELD} holds text, not a file.", remedy=f"With curl, mind the @: {CURL}."
        )
    if any(len(part.content) > most_bytes for part in files):
        raise too_large(most_bytes)
    parts.clear()
    return [bytes(files.pop(0).content) for _ in range(len(files))]  # one by one, so that none is twice in memory


def _too_many(count: int, most_files: int) -> RefusedRequest:
    if most_files == 1:
        return RefusedRequest(
            "several-files",
            f"The form has {count} files; one radiograph is read at a time.",
            remedy="Send one request for each radiograph, or all of them to /v1/predictions.",
        )
    return UploadTooLarge(
        "too-many-files",
        f"The form has {count} files; {most_files} are taken in one request.",
        remedy="Send the radiographs in several requests.",
    )


async def _fetched(content: object, fetch: Fetch | None) -> bytes:
    url = content.get("url") if isinstance(content, dict) else None
    if url is not None and fetch is None:
        raise ForbiddenRequest(
            "url-not-allowed",
            "This server does not fetch radiographs from other places.",
            remedy=f"Download the radiograph and upload the file: {CURL}. Or start the server with --allow-url.",
        )
    if fetch is None or not isinstance(url, str):
        raise RefusedRequest(
            "file-missing", "The JSON holds no radiograph.", remedy=f"Upload the file as a form instead: {CURL}."
        )
    return await fetch(url)


async def _json_body(request: Request) -> object:
    """What the body says, None where it is not JSON."""
    try:
        return json.loads(await _body(request))
    except (ValueError, RecursionError):
        return None


async def _body(request: Request) -> bytes:
    """All of a small body."""

    def room(total_bytes: int) -> None:
        if total_bytes > MOST_JSON_BYTES:
            raise UploadTooLarge(
                "upload-too-large",
                f"The JSON is larger than {in_words(MOST_JSON_BYTES)}.",
                remedy=f"Send a radiograph as a form: {CURL}.",
            )

    return b"".join([chunk async for chunk in _chunks(request, room)])


async def _chunks(request: Request, room: Room) -> AsyncIterator[bytes]:
    """The body as it arrives; `room` hears of the announced length first, then of each byte that has come."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal():
        room(int(announced))
    taken = 0
    async for chunk in request.stream():
        taken += len(chunk)
        room(taken)
        if chunk:
            yield chunk


def too_large(most_bytes: int) -> UploadTooLarge:
    """The refusal of a file with more bytes than are taken."""
    return UploadTooLarge(
        "upload-too-large",
        f"The upload is larger than {in_words(most_bytes)}.",
        remedy="Export one radiograph a file, or start the server with a larger --max-upload-mb.",
    )


def in_words(size_bytes: int) -> str:
    """A size for people: "50 MB", "64 KB"."""
    return f"{size_bytes / 2**20:g} MB" if size_bytes >= 2**20 else f"{size_bytes / 2**10:g} KB"
