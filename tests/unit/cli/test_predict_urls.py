"""`pneumoscope predict` takes URLs: fetched, answered as the file is, and named in results without their secrets."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pneumoscope.cli.fetched_source import fetched_sources, is_url

RADIOGRAPH = Path(__file__).parents[3] / "examples/radiographs/PNEUMONIA/person61_bacteria_289.jpeg"


class Pictures(BaseHTTPRequestHandler):
    """The radiograph under every path but /none and /page."""

    def do_GET(self):
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("Content-Type", "text/html" if self.path == "/page" else "image/jpeg")
        self.end_headers()
        self.wfile.write(b"<html></html>" if self.path == "/page" else RADIOGRAPH.read_bytes())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), Pictures) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def results_of(run, *arguments) -> tuple[int, list[dict]]:
    status, output, _ = run("predict", *arguments, "--json")
    return status, [json.loads(line) for line in output.splitlines()]


def test_a_url_is_answered_as_the_file_is_and_named_without_its_query(run, address):
    status, (of_file, of_url) = results_of(run, f"{address}/a/x.jpeg?token=secret#part", RADIOGRAPH)

    assert status == 0
    assert of_url["file"] == f"{address}/a/x.jpeg"
    assert of_url["probability"] == of_file["probability"]
    assert of_url["sha256"] == of_file["sha256"]


def test_the_overlay_of_a_url_goes_by_its_last_part_and_a_digest(run, address, tmp_path):
    status, _, _ = run("predict", f"{address}/a/x.jpeg", "--output", tmp_path)

    assert status == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.partition("~")[0] for name in names] == ["index.html", "x.jpeg", "x.jpeg"]
    assert [name.partition(".")[2] for name in names[1:]] == [
        f"{names[1].split('.')[1]}.json",
        f"{names[1].split('.')[1]}.overlay.png",
    ]


def test_what_cannot_be_fetched_is_refused_with_its_reason_and_the_rest_goes_on(run, address):
    bad = [
        f"{address}/none",
        f"{address}/page",
        "ftp://example.org/x",
        "http://user:secret@127.0.0.1/x",
        "http://0x7f.1/",
    ]
    status, results = results_of(run, *bad, f"{address}/x.jpeg")

    codes = ["url-status", "url-not-a-picture", "url-scheme", "url-credentials", "url-malformed"]
    assert status == 3
    assert [result["error"]["code"] for result in results[:-1]] == codes
    assert results[-1]["decision"] == "PNEUMONIA"
    assert "secret" not in json.dumps(results)
    assert results[3]["file"] == "http://127.0.0.1/x"
    assert results[3]["error"]["message"].startswith("http://127.0.0.1/x: ")


def test_the_same_url_twice_is_refused(run, address):
    status, output, problem = run("predict", f"{address}/x.jpeg", f"{address}/x.jpeg")

    assert (status, output) == (3, "")
    assert "named-twice" in problem


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("http://a/x", True),
        ("HTTPS://a/x", True),
        ("file:///x", True),
        ("x.png", False),
        ("-", False),
        ("./http://x", False),
        ("C://x.png", False),
        ("a:b", False),
    ],
)
def test_a_url_is_told_from_a_path_by_its_scheme(argument, expected):
    assert is_url(argument) is expected


@pytest.mark.parametrize(
    ("url", "beginning"),
    [
        ("http://a.org/x-ray.png?y", "x-ray.png~"),
        ("http://a.org/", "a.org~"),
        ("http://a.org", "a.org~"),
        ("http://a.org/..", "~"),
        ("http://a.org/%2e%2e/.hidden", "hidden~"),
        ("http://a.org/ä b\\c:d\0", "b-c-d-~"),
        ("http://a.org/" + "x" * 300, "x" * 100 + "~"),
    ],
)
def test_a_result_goes_by_a_plain_name_whatever_the_url(url, beginning):
    (source,) = fetched_sources([url])

    assert str(source.name).startswith(beginning)
    assert len(source.name.parts) == 1
    assert len(str(source.name)) == len(beginning) + 8


def test_urls_with_one_last_part_are_told_apart_whatever_their_order():
    urls = ["http://a.org/x.png", "http://b.org/x.png", "http://a.org/x.png?2"]

    names = [str(source.name) for source in fetched_sources(urls)]

    assert len(set(names)) == 3
    assert [str(source.name) for source in fetched_sources(urls[::-1])] == names[::-1]
