"""What cannot be answered is refused with a problem document (RFC 9457) that says why and what to do."""

from __future__ import annotations

import asyncio
import struct
import tempfile
import threading
import zlib

import httpx
import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from pneumoscope.web.application import web_application
from pneumoscope.web.refusal import Overloaded, UploadTooLarge
from pneumoscope.web.security import HEADERS
from pneumoscope.web.settings import Settings
from pneumoscope.web.upload import small_json
from pneumoscope.web.workers import Workers

from .conftest import MOST_BYTES, upload

BOUNDARY = "multipart/form-data; boundary=edge"


def problem(response: httpx.Response, status: int) -> dict:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    content = response.json()
    assert set(content) == {"type", "title", "status", "detail", "code", "remedy", "error"}
    assert content["status"] == status
    assert content["error"] == content["detail"]
    assert content["remedy"]
    return content


@pytest.mark.parametrize("path", ["/predict", "/page/prediction"])
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty-file"),
        (b"this is no picture, it is a sentence", "not-a-picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, None),
        (b"\xff\xd8\xff\xe0" + b"\0" * 40, None),
        (b"\0" * 128 + b"DICM" + b"\xff" * 40, None),
    ],
)
def test_rubbish_is_refused_with_the_reason_of_the_gate(send, path, data, code):
    content = problem(send("POST", path, **upload(data)), 422)

    assert code is None or content["code"] == code
    assert "upload:" not in content["detail"]


@pytest.mark.parametrize("path", ["/predict", "/v1/predictions"])
def test_a_picture_that_would_fill_the_memory_is_refused_by_its_header(send, path):
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    content = problem(send("POST", path, **upload(b"\x89PNG\r\n\x1a\n" + chunk + bright_rows())), 422)

    assert content["code"] == "too-large"


def bright_rows() -> bytes:
    rows = b"IDAT" + zlib.compress(b"\0" * 60_001)
    return struct.pack(">I", len(rows) - 4) + rows + struct.pack(">I", zlib.crc32(rows))


@pytest.mark.parametrize("path", ["/predict", "/v1/predictions", "/page/layer.png"])
def test_a_body_that_does_not_come_does_not_hold_its_place_forever(send, monkeypatch, path):
    async def never():
        await asyncio.sleep(30)
        yield b""

    monkeypatch.setattr("pneumoscope.web.upload.MOST_SECONDS", 0.1)

    content = problem(send("POST", path, content=never(), headers={"content-type": BOUNDARY}), 408)

    assert content["code"] == "upload-too-slow"
    assert send("GET", "/readyz").json()["places_free"] == 2


class Small(BaseModel):
    number: int


def json_request(*chunks: bytes) -> Request:
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    coming = iter([*messages, {"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        return next(coming)

    return Request({"type": "http", "headers": []}, receive)


def test_json_that_is_no_radiograph_is_counted_while_it_is_read():
    small = asyncio.run(small_json(json_request(b'{"num', b'ber": 7}'), Small))
    assert small == Small(number=7)

    with pytest.raises(UploadTooLarge):
        asyncio.run(small_json(json_request(*[b" " * 1024] * 65), Small))
    for nonsense in (b"", b"{", b"[]", b'{"number": "many"}', b"\xff"):
        with pytest.raises(RequestValidationError) as caught:
            asyncio.run(small_json(json_request(nonsense), Small))
        assert "input" not in caught.value.errors()[0]


def test_nothing_that_a_client_sends_wrong_gets_into_the_log(send, caplog):
    for body in (b"--edgeX", b"--edge\r\ncontent dispos\xfftion: x", b"--edge\r\nDoe: Jane"):
        problem(send("POST", "/predict", content=body, headers={"content-type": BOUNDARY}), 400)

    assert not caplog.records


def test_a_file_over_the_limit_is_refused(send):
    content = problem(send("POST", "/predict", **upload(b"\0" * (MOST_BYTES + 1))), 413)

    assert content["code"] == "upload-too-large"
    assert "256 KB" in content["detail"]


def test_an_announced_length_over_the_limit_is_refused_before_anything_is_read(send):
    headers = {"content-type": BOUNDARY, "content-length": str(MOST_BYTES * 2)}
    problem(send("POST", "/predict", content=Never(), headers=headers), 413)


class Never(httpx.AsyncByteStream):
    async def __aiter__(self):
        raise AssertionError("The body was read.")
        yield b""


def test_a_body_without_a_length_is_counted_while_it_is_read(send):
    taken = 0

    async def endless():
        nonlocal taken
        yield b'--edge\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n'
        while True:
            taken += 65536
            assert taken < 4 * MOST_BYTES
            yield b"\0" * 65536

    problem(send("POST", "/predict", content=endless(), headers={"content-type": BOUNDARY}), 413)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        ({"files": {"picture": ("x.png", b"x")}}, 400, "file-missing"),
        ({"files": [("file", ("a", b"x")), ("file", ("b", b"y"))]}, 400, "several-files"),
        ({"files": {"file": (None, b"radiograph.jpeg")}}, 400, "file-is-text"),
        ({"files": [(f"part{n}", ("a", b"x")) for n in range(40)]}, 413, "too-many-files"),
        ({"content": b"--other\r\n\r\n", "headers": {"content-type": BOUNDARY}}, 400, "form-damaged"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "form-damaged"),
        ({"json": {"url": "http://127.0.0.1/x.jpg"}}, 403, "url-not-allowed"),
        ({"json": {"picture": "x"}}, 400, "file-missing"),
        ({"json": [1]}, 400, "file-missing"),
        ({"content": b"[" * 5000, "headers": {"content-type": "application/json"}}, 400, "file-missing"),
        ({"content": b"", "headers": {"content-type": "application/json"}}, 400, "file-missing"),
        ({"content": b" " * 70_000, "headers": {"content-type": "application/json"}}, 413, "upload-too-large"),
        ({"content": b"", "headers": {"content-type": BOUNDARY}}, 400, "form-damaged"),
        ({"data": {"file": "x"}}, 415, "media-type-unknown"),
        ({}, 415, "media-type-unknown"),
    ],
)
def test_a_request_without_a_radiograph_is_told_how_to_send_one(send, content, status, code):
    assert problem(send("POST", "/predict", **content), status)["code"] == code


def test_a_form_that_is_cut_off_is_refused(send):
    body = b'--edge\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\nhalf a pict'

    assert problem(send("POST", "/predict", content=body, headers={"content-type": BOUNDARY}), 400)


def test_unknown_addresses_and_methods_are_problems_too(send):
    assert problem(send("GET", "/nothing"), 404)["code"] == "not-found"
    response = send("GET", "/predict")
    assert problem(response, 405)["code"] == "method-not-allowed"
    assert response.headers["allow"] == "POST"
    of_two_routes = send("PUT", "/v1/jobs/unknown")
    assert problem(of_two_routes, 405)
    assert set(of_two_routes.headers["allow"].split(", ")) == {"GET", "DELETE"}


def test_a_fault_of_ours_shows_nothing_of_the_inside_and_keeps_the_headers(application, predictor, bright, monkeypatch):
    def fail(_):
        raise RuntimeError("secret inside")

    monkeypatch.setattr(predictor, "predict", fail)

    async def once():
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/predict", **upload(bright))

    response = asyncio.run(once())

    assert problem(response, 500)["code"] == "internal-error"
    assert "secret" not in response.text
    assert response.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_too_little_memory_is_a_refusal(send, predictor, bright, monkeypatch):
    def fail(_):
        raise MemoryError

    monkeypatch.setattr(predictor, "predict", fail)

    assert problem(send("POST", "/predict", **upload(bright)), 422)["code"] == "too-large"


def test_uploads_are_never_written_to_disk(send, bright, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("A temporary file was made.")

    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    large = bright + b"\0" * (MOST_BYTES - len(bright))

    assert send("POST", "/predict", **upload(large)).status_code in {200, 422}


def test_the_name_of_the_file_is_never_used(send, bright):
    response = send("POST", "/predict", **upload(bright, "../../etc/passwd"))

    assert response.status_code == 200
    assert "passwd" not in response.text


def test_beyond_the_queue_requests_are_told_at_once_to_come_again(predictor, bright, monkeypatch):
    release = threading.Event()
    predict = type(predictor).predict
    monkeypatch.setattr(predictor, "predict", lambda source: (release.wait(20), predict(predictor, source))[1])
    application = web_application(predictor, Settings(upload_bytes=MOST_BYTES, threads=1, waiting=1))

    async def crowd() -> list[httpx.Response]:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            tasks = [asyncio.create_task(client.post("/predict", **upload(bright))) for _ in range(5)]
            done, _ = await asyncio.wait(tasks, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            while len(done) < 3:
                done, _ = await asyncio.wait(tasks, timeout=0.05)
            assert (await client.get("/health")).status_code == 200
            release.set()
            return list(await asyncio.gather(*tasks))

    responses = asyncio.run(crowd())

    assert sorted(response.status_code for response in responses) == [200, 200, 503, 503, 503]
    busy = next(response for response in responses if response.status_code == 503)
    assert problem(busy, 503)["code"] == "overloaded"
    assert int(busy.headers["retry-after"]) == Overloaded.retry_after_seconds


def test_a_place_is_given_back_whatever_happens():
    workers = Workers(threads=1, waiting=0)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError), workers.place():
            raise ZeroDivisionError
    with workers.place(), pytest.raises(Overloaded), workers.place():
        pass
    assert workers.taken == 0
    workers.close()
