"""Whoever runs the server can see that it lives, whether it takes requests, what it counted; the API explains itself."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pneumoscope.web.application import web_application
from pneumoscope.web.described import TOLD
from pneumoscope.web.security import HEADERS

from .conftest import settings, upload
from .test_page import Elements
from .test_refusals import problem

PROJECT = Path(__file__).parents[3]


def test_the_server_says_that_it_lives_and_takes_requests(send):
    assert send("GET", "/livez").json() == {"status": "alive"}
    assert send("GET", "/readyz").json() == {"status": "ready", "places_free": 2, "jobs": False}


def test_a_server_whose_places_are_all_taken_lives_but_is_not_ready(predictor, bright, monkeypatch):
    release = threading.Event()
    predict = type(predictor).predict
    monkeypatch.setattr(predictor, "predict", lambda source: (release.wait(20), predict(predictor, source))[1])
    application = web_application(predictor, settings(waiting=0))

    async def ask() -> tuple[httpx.Response, httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            reading = asyncio.create_task(client.post("/predict", **upload(bright)))
            while (ready := await client.get("/readyz")).status_code == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            alive = await client.get("/livez")
            release.set()
            return ready, alive, await reading

    ready, alive, read = asyncio.run(ask())

    assert problem(ready, 503)["code"] == "overloaded"
    assert ready.headers["retry-after"]
    assert alive.status_code == read.status_code == 200


def test_the_counts_are_in_the_form_that_prometheus_reads(send_to, bright, dark):
    send = send_to()
    for data in (bright, bright, dark, b""):
        send("POST", "/v1/predictions?map=none", **upload(data))
    send("POST", "/predict", **upload(dark))

    response = send("GET", "/metrics")
    counted = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }

    assert response.headers["content-type"].startswith("text/plain")
    assert counted["pneumoscope_predictions_total", "PNEUMONIA"] == 2
    assert counted["pneumoscope_predictions_total", "NORMAL"] == 2
    assert counted["pneumoscope_refused_total", "empty-file"] == 1


def test_the_documentation_loads_nothing_from_elsewhere_and_keeps_the_policy(send):
    response = send("GET", "/docs")
    elements = Elements(response.text).found
    addresses = [attributes[name] for _, attributes in elements for name in ("src", "href") if name in attributes]

    assert response.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
    assert all(address.startswith("/") for address in addresses)
    for address in addresses:
        assert send("GET", address).status_code == 200, address
    assert not re.findall(r"<script[^>]*>[^<]", response.text)
    assert "/openapi.json" in send("GET", "/static/docs/docs.js").text


@pytest.mark.parametrize("name", ["nothing.js", "redoc.standalone.js", "docs.html", "%2e%2e%2fpage.js"])
def test_only_the_parts_of_the_documentation_are_served(send, name):
    assert problem(send("GET", f"/static/docs/{name}"), 404)["code"] == "not-found"


def test_every_problem_of_the_documentation_has_an_example_with_a_code_that_is_explained(send):
    document = send("GET", "/openapi.json").json()
    explained = (PROJECT / "docs/reference/reason-codes.md").read_text("utf-8")

    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    content = answer["content"]["application/problem+json"]
                    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, (path, method, status)
                    assert content["example"]["status"] == int(status)
                    assert f"`{content['example']['code']}`" in explained
    assert {
        int(status) for status in re.findall(r"`(\d{3})`", (PROJECT / "docs/reference/api.md").read_text("utf-8"))
    } >= set(TOLD)
    assert all(reference in json.dumps(document["components"]) for reference in ("Problem", "JobAnswer"))


def test_references_of_the_openapi_document_lead_somewhere(send):
    document = send("GET", "/openapi.json").json()

    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert names <= set(document["components"]["schemas"])


def test_operations_have_short_names_of_their_own_and_links_lead_to_them(send):
    paths = send("GET", "/openapi.json").json()["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]{5,21}", name) for name in names)
    links = paths["/v1/predictions"]["post"]["responses"]["202"]["links"]
    assert len(links) == 4
    assert {link["operationId"] for link in links.values()} <= set(names)


def test_the_key_is_described_where_one_is_asked_for(send_to, send):
    described = send_to(api_key="s3cret")("GET", "/openapi.json", headers={"authorization": "Bearer s3cret"}).json()

    assert described["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert described["paths"]["/v1/predictions"]["post"]["security"]
    assert "securitySchemes" not in send("GET", "/openapi.json").json()["components"]
