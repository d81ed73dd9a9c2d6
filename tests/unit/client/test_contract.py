"""The client and the OpenAPI document of the application say the same."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from pneumoscope.client import answers, client, uploads
from pneumoscope.client.client import Client
from pneumoscope.client.uploads import Options

from .conftest import KEY

ANSWERS = {
    ("post", "/v1/predictions", "200"): answers.Predictions,
    ("post", "/v1/predictions", "202"): answers.Job,
    ("get", "/v1/model", "200"): answers.Model,
    ("get", "/v1/operating-points", "200"): answers.OperatingPoints,
    ("get", "/v1/jobs/{job_id}", "200"): answers.Job,
    ("get", "/v1/jobs/{job_id}/results", "200"): answers.JobResults,
    ("post", "/v1/jobs/{job_id}/cancel", "200"): answers.Job,
}
Schema = dict[str, Any]


@pytest.fixture(scope="module")
def document(server) -> Schema:
    found = httpx.get(f"{server}/openapi.json", headers={"Authorization": f"Bearer {KEY}"}, timeout=20)
    return found.raise_for_status().json()


def resolved(schema: Schema, root: Schema) -> Schema:
    """What a reference refers to."""
    if "$ref" in schema:
        target: Any = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return resolved(target, root)
    return schema


def differences(mine: Schema, my_root: Schema, theirs: Schema, their_root: Schema, where: str) -> list[str]:
    """Where what the server may answer is not what the client reads."""
    mine, theirs = resolved(mine, my_root), resolved(theirs, their_root)
    if "anyOf" in mine or "anyOf" in theirs:
        mine_any, theirs_any = (schema.get("anyOf", [schema]) for schema in (mine, theirs))
        found = [[differences(one, my_root, other, their_root, where) for one in mine_any] for other in theirs_any]
        return [difference for compared in found for difference in min(compared, key=len)]
    if "items" in mine and "items" in theirs:
        return differences(mine["items"], my_root, theirs["items"], their_root, f"{where}[]")
    found = differences_of_values(mine, theirs, where)
    for name, schema in mine.get("properties", {}).items():
        other = theirs.get("properties", {}).get(name)
        if other is None:
            found.append(f"{where}.{name}: is not answered")
            continue
        found += differences(schema, my_root, other, their_root, f"{where}.{name}")
        if name in mine.get("required", []) and name not in theirs.get("required", []):
            found.append(f"{where}.{name}: may be missing")
    return found


def differences_of_values(mine: Schema, theirs: Schema, where: str) -> list[str]:
    """As `differences`, without what is inside."""
    kinds = (mine.get("type"), theirs.get("type"))
    if kinds == ("number", "integer"):
        return []
    if kinds[0] != kinds[1]:
        return [f"{where}: {kinds[0]} is read, {kinds[1]} answered"]
    if "enum" in mine and set(mine["enum"]) != set(theirs.get("enum", [])):
        return [f"{where}: {mine['enum']} are read, {theirs.get('enum')} answered"]
    if (mine.get("format") == "date-time") != (theirs.get("format") == "date-time"):
        return [f"{where}: one is a time, the other not"]
    return []


@pytest.mark.parametrize(("call", "kind"), ANSWERS.items(), ids=str)
def test_every_field_that_is_read_is_answered_with_that_type(document, call, kind):
    method, path, status = call
    schema = document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    mine = TypeAdapter(kind).json_schema()
    assert differences(mine, mine, schema, document, kind.__name__) == []


def test_a_problem_has_the_fields_that_are_read(document):
    properties = document["components"]["schemas"]["Problem"]["properties"]
    assert {name: properties[name]["type"] for name in ("code", "detail", "remedy")} == dict.fromkeys(
        ("code", "detail", "remedy"), "string"
    )


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"type": "string"}, {"type": "number"}),
        ({"type": "integer"}, {"type": "number"}),
        ({"enum": ["a"], "type": "string"}, {"enum": ["a", "b"], "type": "string"}),
        ({"type": "number"}, {"anyOf": [{"type": "number"}, {"type": "null"}]}),
        (
            {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]},
            {"type": "object", "properties": {}},
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": []},
        ),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "integer"}}),
        ({"type": "string", "format": "date-time"}, {"type": "string"}),
    ],
)
def test_the_comparison_finds_what_differs(mine, theirs):
    assert len(differences(mine, {}, theirs, {}, "it")) == 1


def test_every_option_is_a_parameter_that_takes_its_values(document):
    operation = document["paths"]["/v1/predictions"]["post"]
    parameters = {found["name"]: found for found in operation["parameters"]}
    mine = TypeAdapter(Options).json_schema()["properties"]
    assert {field.name for field in fields(Options)} == {
        name for name, found in parameters.items() if found["in"] == "query"
    }
    for name, schema in mine.items():
        wanted = next(one for one in schema["anyOf"] if one["type"] != "null")
        takes = resolved(parameters[name]["schema"], document)
        kinds = {one["type"]: one for one in (resolved(one, document) for one in takes.get("anyOf", [takes]))}
        assert wanted["type"] in kinds
        if "enum" in wanted:
            assert set(wanted["enum"]) == set(kinds["string"]["enum"])
    assert parameters["prefer"]["in"] == "header"
    assert "respond-async" in parameters["prefer"]["description"]


def test_the_form_has_the_field_that_is_sent(document):
    body = document["paths"]["/v1/predictions"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert body["properties"][uploads.FIELD]["type"] == "array"


def test_a_page_of_results_is_no_longer_than_may_be_asked_for(document):
    parameters = document["paths"]["/v1/jobs/{job_id}/results"]["get"]["parameters"]
    limit = next(found["schema"] for found in parameters if found["name"] == "limit")
    assert limit["minimum"] <= client.PAGE <= limit["maximum"]


def test_every_request_that_is_sent_is_described(document, server, dark):
    sent = set()
    with Client(server, KEY, poll_seconds=0.01) as asking:
        asking._http.event_hooks = {
            "request": [lambda request: sent.add((request.method.lower(), request.url.path, *request.url.params))]
        }
        asking.model()
        asking.operating_points()
        asking.predict(
            dark, Options(operating_point="balanced", method="grad-cam", color_map="hot", map="png", similar=0)
        )
        job = asking.submit([dark])
        asking.wait(job.id)
        list(asking.results(job.id))
        asking.cancel(job.id)
        asking.delete(job.id)
    described = set()
    for method, path, *names in sent:
        template = re.sub(r"^/v1/jobs/[^/]+", "/v1/jobs/{job_id}", path)
        operation = document["paths"][template][method]
        assert set(names) <= {found["name"] for found in operation.get("parameters", [])}
        described.add((method, template))
    assert described == {call[:2] for call in ANSWERS} | {("delete", "/v1/jobs/{job_id}")}
