"""What the OpenAPI document says beyond the types: uploads, jobs, and every problem with an example."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeAlias

from pneumoscope.web.problem import MEDIA_TYPE, Problem
from pneumoscope.web.upload import FIELD

Responses: TypeAlias = dict[int | str, dict[str, Any]]


class Told(NamedTuple):
    """When a status is answered, and one of the problems that are."""

    when: str
    code: str
    detail: str
    remedy: str


TOLD: Final = {
    400: Told(
        "No radiograph in the request, or an address that is none",
        "file-missing",
        "The form has no field file.",
        "Send the radiograph in it: curl -F file=@radiograph.jpeg.",
    ),
    401: Told(
        "The key of this server is missing or wrong",
        "key-missing",
        "This server answers only requests that show its key.",
        "Ask its operator for the key and send it: curl -H 'Authorization: Bearer KEY'.",
    ),
    403: Told(
        "Switched off on this server, asked by a page of another site, or an address that nothing is fetched from",
        "url-not-allowed",
        "This server does not fetch radiographs from other places.",
        "Download the radiograph and upload the file.",
    ),
    404: Told(
        "Nothing of that name, or no longer",
        "not-found",
        "GET /nothing: Nothing matches the given URI.",
        "The addresses are listed at /docs; the page is at /.",
    ),
    408: Told(
        "The upload did not arrive in time",
        "upload-too-slow",
        "The upload was not complete after 120 seconds.",
        "Send it over a faster connection, or a smaller file.",
    ),
    413: Told(
        "The upload is too large, or has too many files",
        "upload-too-large",
        "The upload is larger than 50 MB.",
        "Export one radiograph a file, or start the server with a larger --max-upload-mb.",
    ),
    415: Told(
        "Neither a form nor JSON",
        "media-type-unknown",
        "The request is not a form with a file.",
        "Send multipart/form-data with the field file, as curl -F file=@radiograph.jpeg does.",
    ),
    421: Told(
        "Asked under a name that is not this server's",
        "host-not-allowed",
        "This server does not answer to the name that it was asked by.",
        "Use localhost or its address in numbers, or have its operator allow the name: --host-name NAME.",
    ),
    422: Told(
        "The file is no radiograph that can be read, or a parameter cannot be",
        "not-a-picture",
        "The file is no picture that is known here.",
        "Export the radiograph as PNG, JPEG, TIFF or DICOM.",
    ),
    429: Told(
        "More requests than one client may send; see Retry-After",
        "rate-limited",
        "This client sends more requests than this server lets one client send.",
        "Send the request again in 20 seconds, and the ones after it more slowly.",
    ),
    502: Told(
        "The other server did not give the picture",
        "url-unreachable",
        "The other server did not give the picture: it cannot be reached, or broke off.",
        "Check the URL in a browser; if it opens there, download the radiograph and give the file.",
    ),
    503: Told(
        "All places are taken, or the deadline passed; see Retry-After",
        "overloaded",
        "The server is busy: all places in the queue are taken.",
        "Send the request again in 2 seconds.",
    ),
    504: Told(
        "The other server took too long",
        "url-too-slow",
        "The picture had not come after 20 seconds.",
        "Try again later, or download the radiograph and give the file.",
    ),
    507: Told(
        "The disk of the jobs is full",
        "jobs-disk-full",
        "The jobs' database cannot grow: the disk is full.",
        "Free space on the disk of --jobs; jobs then go on by themselves.",
    ),
}


def problems(*statuses: int) -> Responses:
    """The answers that are problem documents, for `responses`."""
    return {
        status: {"description": TOLD[status].when, "content": {MEDIA_TYPE: problem_content(status)}}
        for status in statuses
    }


def problem_content(status: int) -> dict[str, Any]:
    """Schema and example."""
    told = TOLD[status]
    title = HTTPStatus(status).phrase
    example = Problem(
        title=title, status=status, detail=told.detail, code=told.code, remedy=told.remedy, error=told.detail
    )
    return {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example.model_dump()}


PROBLEMS: Final = problems(400, 401, 403, 408, 413, 415, 421, 422, 429, 502, 503, 504)
"""Of an address that reads radiographs."""

ACCEPTED: Final[Responses] = {
    202: {
        "description": "Accepted as a job: more files than are answered at once, or `Prefer: respond-async`.",
        "headers": {"Location": {"description": "Where to ask how far it is", "schema": {"type": "string"}}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/JobAnswer"}}},
        "links": {
            operation: {"operationId": operation, "parameters": {"job_id": "$response.body#/id"}}
            for operation in ("show_job", "show_results", "cancel_job", "delete_job")
        },
    },
    507: problems(507)[507],
}

_FILE: Final = {"type": "string", "format": "binary", "description": "JPEG, PNG, TIFF, WebP, BMP or DICOM."}
_URL: Final = {
    "schema": {
        "type": "object",
        "required": ["url"],
        "properties": {"url": {"type": "string", "description": "http or https, at a public address."}},
    },
    "example": {"url": "https://example.org/radiograph.jpeg"},
}


def _body(file: dict[str, Any]) -> dict[str, Any]:
    form = {"schema": {"type": "object", "required": [FIELD], "properties": {FIELD: file}}}
    return {
        "requestBody": {
            "required": True,
            "description": "A form with the field `file`; or, where the server was started with --allow-url, a URL.",
            "content": {"multipart/form-data": form, "application/json": _URL},
        }
    }


UPLOAD: Final = _body(_FILE)
UPLOADS: Final = _body({"type": "array", "items": _FILE, "minItems": 1})
