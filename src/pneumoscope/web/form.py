"""Take a multipart form apart while it arrives (RFC 7578), in memory: nothing is ever written to disk.

Starlette's own form parser writes uploads of more than 1 MB to temporary files, so the parts are collected here.
The client's file name is not looked at, beyond whether there is one.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import python_multipart
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from pneumoscope.web.refusal import RefusedRequest, UploadTooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

# It logs bytes of what clients send; they are told in the answer.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


@dataclass(slots=True)
class Part:
    """One part of a form, as it comes in."""

    disposition: bytes = b""
    content: bytearray = field(default_factory=bytearray)

    @property
    def name(self) -> bytes | None:
        return self._options.get(b"name")

    @property
    def is_file(self) -> bool:
        """Whether the client sent a file, not a text."""
        return b"filename" in self._options

    @property
    def _options(self) -> dict[bytes, bytes]:
        return parse_options_header(self.disposition)[1]


async def form_parts(chunks: AsyncIterator[bytes], boundary: bytes, *, most_parts: int, example: str) -> list[Part]:
    """All parts, in their order; `RefusedRequest` where the form is damaged, cut off or of more parts.

    `example` is a command that sends a form as it should be, for the remedy.
    """
    form = _Form(most_parts)
    try:
        parser = python_multipart.MultipartParser(boundary, form.callbacks())
        async for chunk in chunks:
            parser.write(chunk)
    except FormParserError:
        form.ended = False
    if not form.ended:
        raise RefusedRequest(
            "form-damaged",
            "The form cannot be read: it is cut off or its parts are not separated as its header says.",
            remedy=f"Let a library or curl build it: {example}.",
        )
    return form.parts


@final
class _Form:
    """Collects the parts that the parser finds."""

    def __init__(self, most_parts: int) -> None:
        self.parts: list[Part] = []
        self.ended = False
        self._most_parts = most_parts
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
        if len(self.parts) == self._most_parts:
            raise UploadTooLarge(
                "too-many-files",
                f"The form has more than {self._most_parts} parts.",
                remedy="Send the radiographs in several requests.",
            )
        self.parts.append(Part())

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header.extend(data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self.parts[-1].disposition += data[start:end]

    def _content(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content.extend(memoryview(data)[start:end])

    def _end(self) -> None:
        self.ended = True
