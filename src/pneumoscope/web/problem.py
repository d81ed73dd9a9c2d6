"""Every error of the API as a problem document (RFC 9457, application/problem+json)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPMethod, HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from pneumoscope.errors import PneumoscopeError
from pneumoscope.web.faults import fault
from pneumoscope.web.refusal import Overloaded
from pneumoscope.web.upload import UPLOAD_NAME

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong and how to mend it."""

    type: str = Field(default="about:blank", description="RFC 9457; `code` is the reason to tell problems apart by.")
    title: str = Field(description="The HTTP status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, in a sentence for people.")
    code: str = Field(description="Stable reason code in kebab-case.")
    remedy: str = Field(description="What to do about it.")
    error: str = Field(description="The same as `detail`, under the name that clients of earlier systems read.")


def install_problem_answers(app: FastAPI) -> None:
    """Answer our errors, the framework's own and unforeseen ones in the one form."""
    app.add_exception_handler(PneumoscopeError, _answer_ours)
    app.add_exception_handler(RequestValidationError, _answer_parameter)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(ClientDisconnect, _answer_gone)
    app.add_exception_handler(Exception, _answer_unforeseen)


def problem_of(error: PneumoscopeError) -> Problem:
    """One of our errors, without the inner name of the upload."""
    return _problem(
        HTTPStatus(error.http_status), error.code, error.message.removeprefix(f"{UPLOAD_NAME}: "), error.remedy
    )


def problem_response(error: PneumoscopeError, headers: Mapping[str, str] | None = None) -> Response:
    """One of our errors as an answer, for what stands before the application."""
    return _response(problem_of(error), headers)


def _answer_ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, PneumoscopeError)
    headers = {"Retry-After": str(error.retry_after_seconds)} if isinstance(error, Overloaded) else None
    return problem_response(error, headers)


def _answer_parameter(_: Request, error: Exception) -> Response:
    """What was asked for cannot be: which parameter, and what it may be; never what was sent."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()[0]
    unknown = found["type"] == "extra_forbidden"  # then its name is the client's
    name = found["loc"][-1] if found["loc"] else "body"
    detail = "There is no parameter of that name" if unknown else f"The parameter {name}: {found['msg']}"
    return _response(
        _problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "parameter-impossible",
            f"{detail}.",
            "See /docs for the parameters of this address and what each may be.",
        )
    )


def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    remedies = {
        HTTPStatus.NOT_FOUND: "The addresses are listed at /docs; the page is at /.",
        HTTPStatus.METHOD_NOT_ALLOWED: "POST radiographs to /predict or /v1/predictions; /docs says what else there is.",
    }
    code = status.phrase.lower().replace(" ", "-")
    remedy = remedies.get(status, "See /docs for what is answered here.")
    detail = f"{request.method} {request.url.path}: {status.description or status.phrase}."
    headers = {"Allow": _allowed(request)} if status is HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return _response(_problem(status, code, detail, remedy), headers)


def _allowed(request: Request) -> str:
    """All methods of an address, which may be those of several routes (RFC 9110 section 15.5.6)."""
    return ", ".join(
        method
        for method in HTTPMethod
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    )


def _answer_gone(_: Request, __: Exception) -> Response:
    """The client hung up while sending; nobody reads this."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def _answer_unforeseen(_: Request, __: Exception) -> Response:
    return problem_response(fault())


def _problem(status: HTTPStatus, code: str, detail: str, remedy: str) -> Problem:
    return Problem(title=status.phrase, status=status, detail=detail, code=code, remedy=remedy, error=detail)


def _response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(
        problem.model_dump(), status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )
