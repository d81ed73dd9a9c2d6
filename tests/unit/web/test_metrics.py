"""What the server counts of itself, as Prometheus reads it."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.web.metrics import MEDIA_TYPE, MeasuredApp, Metrics
from pneumoscope.web.workers import Workers

from .conftest import upload


def samples(text: str) -> dict[tuple[str, ...], float]:
    """By name and the values of the labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def counted(send_to):
    """A server of its own, and what it has counted."""
    send = send_to()
    return send, lambda: samples(send("GET", "/metrics").text)


def test_answers_are_counted_by_route_and_status(counted, bright):
    send, counts = counted
    for data in (bright, bright, b"no radiograph"):
        send("POST", "/predict", **upload(data))
    found = counts()

    assert found["pneumoscope_requests_total", "/predict", "200"] == 2
    assert found["pneumoscope_requests_total", "/predict", "422"] == 1
    assert found["pneumoscope_request_seconds_count", "/predict"] == 3
    assert 0 < found["pneumoscope_request_seconds_sum", "/predict"] < 60
    assert found["pneumoscope_refused_total", "not-a-picture"] == 1


def test_each_radiograph_that_is_answered_is_counted_by_its_decision(counted, bright, dark):
    send, counts = counted
    assert counts()["pneumoscope_predictions_total", "NORMAL"] == 0
    for path in ("/predict", "/v1/predictions"):
        send("POST", path, **upload(bright))
    send("POST", "/predict", **upload(dark))
    found = counts()

    assert found["pneumoscope_predictions_total", "PNEUMONIA"] == 2
    assert found["pneumoscope_predictions_total", "NORMAL"] == 1


def test_addresses_that_clients_invent_are_counted_in_one(counted):
    send, counts = counted
    for number in range(5):
        send("GET", f"/invented/{number}")
    found = counts()

    assert found["pneumoscope_requests_total", "other", "404"] == 5
    assert not [labels for labels in found if "invented" in str(labels)]


def test_an_address_with_a_part_that_varies_is_one_route(send_to, tmp_path):
    send = send_to(jobs=tmp_path)
    for number in range(3):
        send("GET", f"/v1/jobs/{number}")
    routes = {
        labels[1] for labels in samples(send("GET", "/metrics").text) if labels[0] == "pneumoscope_requests_total"
    }

    assert len([route for route in routes if "jobs" in route]) == 1


def test_refusals_at_the_door_are_counted_too(send_to, bright):
    send = send_to(api_key="key", requests_per_minute=2)
    for _ in range(3):
        send("POST", "/predict", **upload(bright))
    found = samples(send("GET", "/metrics", headers={"Authorization": "Bearer key"}).text)

    assert found["pneumoscope_refused_total", "key-missing"] == 2
    assert found["pneumoscope_refused_total", "rate-limited"] == 1


def test_places_and_jobs_are_told_as_they_are_when_asked():
    metrics, workers, jobs = Metrics(model="tiny"), Workers(threads=1, waiting=3), {"queued": 0}
    metrics.watch_workers(workers)
    metrics.watch_jobs(lambda: jobs)
    with workers.place():
        jobs["queued"] = 7
        found = samples(metrics.text().decode())

    assert found["pneumoscope_places_taken",] == 1
    assert found["pneumoscope_places_free",] == 3
    assert found["pneumoscope_jobs", "queued"] == 7
    workers.close()


def test_only_what_is_counted_is_told_and_not_when_a_series_began(counted, bright):
    send, counts = counted
    send("POST", "/predict", **upload(bright))
    found = counts()

    assert not [labels for labels in found if labels[0].endswith("_created")]
    assert found["pneumoscope_requests_total", "/predict", "200"] == 1
    assert found["pneumoscope_request_seconds_count", "/predict"] == 1
    assert ("process_start_time_seconds",) in found


def test_two_servers_in_one_process_count_apart():
    one, other = Metrics(model="tiny"), Metrics(model="tiny")
    one.count_prediction(Decision.NORMAL)

    assert samples(other.text().decode())["pneumoscope_predictions_total", "NORMAL"] == 0


def test_the_answer_is_in_the_form_that_prometheus_asks_for_and_names_the_model(send):
    response = send("GET", "/metrics")

    assert response.headers["content-type"] == MEDIA_TYPE
    assert any(labels[0] == "pneumoscope_info" for labels in samples(response.text))


def test_a_request_that_is_never_answered_is_counted():
    async def silent(scope, receive, send):
        raise ConnectionResetError

    async def nothing(_=None):
        raise AssertionError

    metrics = Metrics(model="tiny")
    with pytest.raises(ConnectionResetError):
        asyncio.run(MeasuredApp(silent, metrics)({"type": "http", "path": "/"}, nothing, nothing))

    assert samples(metrics.text().decode())["pneumoscope_requests_total", "other", "none"] == 1
