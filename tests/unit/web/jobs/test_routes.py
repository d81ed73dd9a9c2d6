"""Jobs over HTTP, in the real application with a tiny model."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager

import httpx
import jsonschema
import pytest

from pneumoscope.inference.predictor import Predictor
from pneumoscope.web.application import web_application
from pneumoscope.web.settings import Settings
from support.full_disk import files_of_at_most
from support.serving import serving
from web.conftest import MOST_BYTES

from .conftest import found_in

RESPOND_ASYNC = {"Prefer": "respond-async"}


@contextmanager
def served(predictor, folder):
    application = web_application(
        predictor, Settings(upload_bytes=MOST_BYTES, threads=1, waiting=8, most_files=2, jobs=folder)
    )
    with serving(application) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield client


@pytest.fixture
def client(predictor, folder):
    with served(predictor, folder) as client:
        yield client


def submitted(client, *files, **options):
    answer = client.post(
        "/v1/predictions", files=[("file", ("Doe_Jane.png", data)) for data in files], headers=RESPOND_ASYNC, **options
    )
    assert answer.status_code == 202, answer.text
    return answer


def ended(client, job):
    deadline = time.monotonic() + 20
    while True:
        found = client.get(job["links"]["job"]).json()
        if found["state"] not in {"queued", "running"}:
            return found
        assert time.monotonic() < deadline
        time.sleep(0.01)


def problem_of(answer, status):
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.json()["code"]


def test_a_job_is_accepted_with_the_address_to_ask_and_when(client, dark):
    answer = submitted(client, dark)
    job = answer.json()
    assert answer.headers["Location"] == job["links"]["job"] == f"/v1/jobs/{job['id']}"
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["Cache-Control"] == "no-store"
    assert (job["total"], job["problem"]) == (1, None)


def test_more_files_than_are_answered_at_once_become_a_job(client, dark):
    answer = client.post("/v1/predictions", files=[("file", ("a.png", dark))] * 3)
    assert answer.status_code == 202
    assert ended(client, answer.json())["done"] == 3


def test_a_job_answers_what_the_same_request_answers_at_once(client, dark, bright):
    files = [("file", ("a.png", data)) for data in (dark, bright)]
    options = {"params": {"operating_point": "rule-in", "map": "numbers"}}
    at_once = client.post("/v1/predictions", files=files, **options).json()
    job = ended(client, submitted(client, dark, bright, **options).json())
    results = client.get(job["links"]["results"]).json()
    assert results == {"state": "done", "model": at_once["model"], "predictions": at_once["predictions"], "next": None}
    assert [entry["index"] for entry in results["predictions"]] == [0, 1]


def test_a_file_that_is_no_radiograph_gives_its_problem_and_the_others_are_read(client, dark):
    job = ended(client, submitted(client, b"no picture", dark).json())
    first, second = client.get(job["links"]["results"]).json()["predictions"]
    assert (job["state"], job["done"]) == ("done", 2)
    assert (first["index"], first["problem"]["code"]) == (0, "not-a-picture")
    assert (second["index"], second["decision"]) == (1, "NORMAL")


def test_results_are_read_page_by_page_until_there_is_no_next(client, dark, bright):
    job = ended(client, submitted(client, dark, bright, dark).json())
    address, pages = f"{job['links']['results']}?limit=2", []
    while address:
        page = client.get(address).json()
        pages.append([entry["index"] for entry in page["predictions"]])
        address = page["next"]
    assert pages == [[0, 1], [2]]


def test_a_page_without_answers_has_a_next_as_long_as_the_job_runs(client, dark):
    job = submitted(client, *[dark] * 60).json()
    page = client.get(f"{job['links']['results']}?after=59").json()
    assert page["state"] in {"queued", "running"}
    assert (page["predictions"], page["next"]) == ([], f"{job['links']['results']}?after=59&limit=20")


def test_a_cancelled_job_is_final_and_a_deleted_one_unknown(client, dark):
    job = submitted(client, *[dark] * 30).json()
    cancelled = client.post(job["links"]["cancel"]).json()
    assert cancelled["state"] == "cancelled"
    assert cancelled["results_until"] > cancelled["created"]
    results = client.get(job["links"]["results"], params={"limit": 100}).json()
    assert results["next"] is None
    assert len(results["predictions"]) == cancelled["done"] < 30
    deleted = client.delete(job["links"]["job"])
    assert (deleted.status_code, deleted.content) == (204, b"")
    for answer in (
        client.get(job["links"]["job"]),
        client.get(job["links"]["results"]),
        client.delete(cancelled["links"]["job"]),
    ):
        assert problem_of(answer, 404) == "job-unknown"


@pytest.mark.parametrize("job_id", ["x", "x" * 32, "..%2f..", "%00", "' OR 1=1"])
def test_no_other_id_finds_a_job_nor_is_it_repeated(client, dark, job_id):
    submitted(client, dark)
    answer = client.get(f"/v1/jobs/{job_id}")
    assert problem_of(answer, 404) in {"job-unknown", "not-found"}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=-2", "after=99999999999999999999"])
def test_a_page_that_cannot_be_is_refused(client, dark, query):
    job = submitted(client, dark).json()
    problem_of(client.get(f"{job['links']['results']}?{query}"), 422)


def test_without_jobs_every_address_says_how_to_switch_them_on(send):
    for method, path in [("GET", "/v1/jobs/x"), ("GET", "/v1/jobs/x/results"), ("POST", "/v1/jobs/x/cancel")]:
        answer = send(method, path)
        assert problem_of(answer, 403) == "jobs-off"
        assert "--jobs" in answer.json()["remedy"]


def test_a_disk_that_fails_is_told_without_naming_the_folder(client, folder, dark):
    with files_of_at_most(700_000):
        answer = client.post("/v1/predictions", files=[("file", ("a.png", dark + bytes(200_000)))] * 4)
        assert problem_of(answer, 503) == "jobs-unwritable"
    assert str(folder) not in answer.text
    assert ended(client, submitted(client, dark).json())["done"] == 1


def test_nothing_of_names_in_files_or_headers_is_kept_or_logged(client, folder, dicom, caplog):
    with caplog.at_level(logging.DEBUG):
        job = ended(client, submitted(client, dicom, b"no picture").json())
    assert job["done"] == 2
    for name in (b"Doe", b"SECRET", b"Jane"):
        assert found_in(folder, name) == {}
        assert name.decode() not in caplog.text


def test_a_job_goes_on_in_the_next_server(predictor, folder, dark):
    with served(predictor, folder) as client:
        job = submitted(client, *[dark] * 20).json()
    with served(predictor, folder) as client:
        assert ended(client, job)["state"] == "done"
        results = client.get(job["links"]["results"], params={"limit": 100}).json()
    assert [entry["index"] for entry in results["predictions"]] == list(range(20))


def test_a_job_is_decided_where_the_server_decided_when_it_was_handed_in(predictor, tiny_bundle, folder, bright):
    with served(predictor, folder) as client:
        job = submitted(client, *[bright] * 20).json()  # 0.88: PNEUMONIA from 0.3 on, NORMAL below 0.9
    with served(Predictor.open(tiny_bundle, operating_point="rule-in", threads=1), folder) as client:
        ended(client, job)
        results = client.get(job["links"]["results"], params={"limit": 100}).json()
    assert {(entry["operating_point"], entry["decision"]) for entry in results["predictions"]} == {
        ("balanced", "PNEUMONIA")
    }


def test_answers_are_as_the_openapi_document_describes_them(client, dark):
    document = client.get("/openapi.json").json()
    job = ended(client, submitted(client, dark, b"no picture").json())
    results = client.get(job["links"]["results"]).json()
    for name, answer in {"JobAnswer": job, "JobResults": results}.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.validate(answer, schema)
        assert set(answer) == set(document["components"]["schemas"][name]["properties"])
