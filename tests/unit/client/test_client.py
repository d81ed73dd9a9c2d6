"""The client against the real application."""

from __future__ import annotations

import inspect
import io
import json
from datetime import UTC, datetime

import pytest
from PIL import Image
from web.conftest import gray_png

from pneumoscope.client.answers import Prediction, Refusal
from pneumoscope.client.client import Client
from pneumoscope.client.problem import ProblemReported
from pneumoscope.client.uploads import Options
from pneumoscope.errors import UnusableOption
from support.serving import serving

from .conftest import KEY


def problem_of(ask) -> ProblemReported:
    with pytest.raises(ProblemReported) as reported:
        ask()
    return reported.value


def test_path_text_bytes_and_open_file_give_the_same_prediction(client, radiograph):
    with radiograph.open("rb") as file:
        sources = [radiograph, str(radiograph), radiograph.read_bytes(), file]
        first, *others = [client.predict(source) for source in sources]
    assert others == [first] * 3
    assert first.decision == "PNEUMONIA"
    assert first.probability == pytest.approx(0.88, abs=0.01)  # sigmoid(8 * 0.75 - 4)


def test_no_option_leaves_it_to_the_server_and_each_changes_the_answer(client, radiograph):
    plain = client.predict(radiograph)
    picture = Image.open(io.BytesIO(plain.map.png))
    assert (picture.format, picture.size, plain.map.numbers) == ("PNG", (96, 80), None)
    assert (plain.operating_point, plain.threshold) == ("balanced", 0.3)
    other = client.predict(radiograph, Options(operating_point="rule-in", map="numbers", method="occlusion"))
    assert (other.operating_point, other.threshold, other.decision) == ("rule-in", 0.9, "NORMAL")
    assert (other.map.method, other.map.png) == ("occlusion", None)
    assert all(isinstance(value, float) for row in other.map.numbers for value in row)
    assert client.predict(radiograph, Options(color_map="viridis", map="layer")).map.color_map == "viridis"
    assert client.predict(radiograph, Options(map="none")).map is None


def test_a_dicom_file_brings_age_and_view(client, dicom):
    prediction = client.predict(dicom)
    assert (prediction.age_years, prediction.view_position) == (70.0, "PA")
    assert "age-outside-population" in [warning.code for warning in prediction.warnings]


def test_several_are_answered_in_order_and_a_refused_one_in_its_place(client, bright):
    answer = client.predict_many([b"no picture", bright])
    refusal, prediction = answer.predictions
    assert (type(refusal), refusal.index, refusal.problem.code) == (Refusal, 0, "not-a-picture")
    assert (type(prediction), prediction.index) == (Prediction, 1)
    assert answer.model.name == "tiny"


def test_more_than_are_answered_at_once_are_read_as_a_job_that_is_deleted_after(client, bright, dark, monkeypatch):
    deleted = []
    monkeypatch.setattr(Client, "delete", lambda self, job: (deleted.append(job), real_delete(self, job)))
    answer = client.predict_many([bright, dark, b"no picture", bright])
    decisions = [
        entry.decision if isinstance(entry, Prediction) else entry.problem.code for entry in answer.predictions
    ]
    assert decisions == ["PNEUMONIA", "NORMAL", "not-a-picture", "PNEUMONIA"]
    assert len(deleted) == 1
    assert problem_of(lambda: client.job(deleted[0])).code == "job-unknown"


real_delete = Client.delete


def test_a_single_radiograph_that_is_refused_is_raised(client):
    for ask in (lambda: client.predict(b"no picture"), lambda: client.predict_many([b"no picture"])):
        problem = problem_of(ask)
        assert (problem.code, problem.status) == ("not-a-picture", 422)
        assert problem.detail
        assert problem.remedy


def test_an_option_that_cannot_be_is_reported(client, bright):
    problem = problem_of(lambda: client.predict(bright, Options(operating_point="best")))
    assert (problem.code, problem.status) == ("operating-point-unknown", 422)
    assert problem_of(lambda: client.predict(bright, Options(similar=11))).status == 422


def test_the_model_and_its_operating_points(client):
    model = client.model()
    assert (model.name, model.card["name"], model.similar_cases) == ("tiny", "tiny", False)
    assert "grad-cam" in [method.method for method in model.methods]
    found = client.operating_points()
    assert found.default == "balanced"
    assert [(point.name, point.threshold) for point in found.operating_points] == [("balanced", 0.3), ("rule-in", 0.9)]


def test_a_job_is_submitted_waited_for_read_and_deleted(client, bright, dark):
    job = client.submit([bright, dark, bright], Options(map="none"))
    assert (job.total, job.ended) == (3, False)
    assert job.created.tzinfo is not None
    assert abs((datetime.now(UTC) - job.created).total_seconds()) < 60
    seen = []
    job = client.wait(job.id, progress=seen.append, timeout_seconds=20)
    assert (job.state, job.done, seen[-1]) == ("done", 3, job)
    assert (job.results_until - job.created).total_seconds() == pytest.approx(24 * 3600, abs=60)
    decisions = [entry.decision for entry in client.results(job.id)]
    assert decisions == ["PNEUMONIA", "NORMAL", "PNEUMONIA"]
    assert [entry.index for entry in client.results(job.id, after=1)] == [2]
    client.delete(job.id)
    assert problem_of(lambda: client.job(job.id)).code == "job-unknown"


def test_results_come_while_the_job_runs_and_over_several_pages(client, dark, monkeypatch):
    monkeypatch.setattr("pneumoscope.client.client.PAGE", 3)
    job = client.submit([dark] * 10, Options(map="none"))
    assert [entry.index for entry in client.results(job.id)] == list(range(10))
    assert client.job(job.id).state == "done"


def test_a_job_is_cancelled(client, dark):
    job = client.submit([dark] * 20)
    cancelled = client.cancel(job.id)
    assert (cancelled.state, cancelled.ended) == ("cancelled", True)
    assert len(list(client.results(job.id))) == cancelled.done


def test_waiting_longer_than_asked_ends_and_the_job_goes_on(server, dark):
    with Client(server, KEY, poll_seconds=30) as client:
        job = client.submit([dark] * 20)
        with pytest.raises(TimeoutError, match="of 20"):
            client.wait(job.id, timeout_seconds=0.1)
        assert client.job(job.id).state != "cancelled"
        client.delete(job.id)


@pytest.mark.parametrize("key", [None, "another-key"])
def test_without_the_key_the_server_refuses(server, bright, key):
    with Client(server, key) as client:
        problem = problem_of(lambda: client.predict(bright))
    assert problem.status == 401


def test_a_name_that_is_not_the_server_s_is_reported_with_what_to_do(client, bright):
    client._http.headers["Host"] = "pneumoscope.example"
    problem = problem_of(lambda: client.predict(bright))
    assert (problem.code, problem.status) == ("host-not-allowed", 421)
    assert "--host-name" in problem.remedy


def test_a_server_that_is_not_there_is_told_with_its_address():
    with Client("http://127.0.0.1:9", timeout_seconds=5) as client:
        problem = problem_of(client.model)
    assert (problem.code, problem.status) == ("server-unreachable", None)
    assert "127.0.0.1:9" in problem.detail


@pytest.mark.parametrize("address", ["http://x:port", "localhost:5000", "/v1", "ftp://localhost", ""])
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(UnusableOption, match="address-unusable"):
        Client(address)


@pytest.mark.parametrize("key", ["schlüssel", "two words", "line\n"])
def test_a_key_that_no_header_can_carry_is_told(key):
    with pytest.raises(UnusableOption, match="key-unusable"):
        Client("http://127.0.0.1:9", key)


def test_what_cannot_be_sent_is_told_before_anything_is_sent(client, tmp_path):
    for sources, code in [
        ([], "sources-empty"),
        ([tmp_path / "none"], "source-unreadable"),
        ((), "sources-empty"),
    ]:
        with pytest.raises(UnusableOption, match=code):
            client.predict_many(sources)


def test_a_text_where_a_list_is_asked_for_is_not_read_letter_by_letter(client, radiograph):
    with pytest.raises(UnusableOption, match="one-source-given"):
        client.predict_many(str(radiograph))


@pytest.fixture
def answering():
    """A server that always gives the same answer, and keeps what it was sent."""

    def answering(status: int, content: bytes, headers: tuple = ()):
        seen = []

        async def application(scope, receive, send):
            if scope["type"] != "http":
                return
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message["body"], message["more_body"]
            seen.append((scope, body))
            await send({"type": "http.response.start", "status": status, "headers": list(headers)})
            await send({"type": "http.response.body", "body": content})

        return serving(application), seen

    return answering


def test_the_name_of_a_file_is_never_sent(answering, radiograph):
    server, seen = answering(503, b"")
    with server as url, Client(url) as client:
        problem_of(lambda: client.predict(radiograph))
        with radiograph.open("rb") as file:
            problem_of(lambda: client.predict(file))
    assert len(seen) == 2
    for scope, body in seen:
        assert b"Doe" not in body
        assert b'filename="radiograph"' in body
        assert "Doe" not in str(scope)


@pytest.mark.parametrize(
    ("status", "content", "headers", "code"),
    [
        (502, b"<html>Bad Gateway</html>", (), "http-502"),
        (500, b"[1, 2]", (), "http-500"),
        (599, b"", (), "http-599"),
        (302, b"", ((b"location", b"http://127.0.0.1:9/"),), "answer-not-understood"),
        (200, b"<html>hello</html>", (), "answer-not-understood"),
        (200, b'{"name": "tiny"}', (), "answer-not-understood"),
    ],
)
def test_what_no_pneumoscope_answers_is_told_too(answering, status, content, headers, code):
    server, _ = answering(status, content, headers)
    with server as url, Client(url) as client:
        problem = problem_of(client.model)
    assert (problem.code, problem.status) == (code, status)


def test_when_to_come_again_is_told(answering):
    document = {"code": "overloaded", "detail": "The server is busy.", "remedy": "Come again.", "status": 503}
    server, _ = answering(503, json.dumps(document).encode(), ((b"retry-after", b"7"),))
    with server as url, Client(url) as client:
        problem = problem_of(client.model)
    assert (problem.code, problem.detail, problem.remedy) == ("overloaded", "The server is busy.", "Come again.")
    assert problem.retry_after_seconds == 7.0


def test_a_field_that_a_newer_server_adds_is_left_out(answering, client):
    known = client.operating_points()
    point = {"name": "balanced", "threshold": 0.3, "sensitivity": 1.0, "specificity": 1, "chosen_on": "v", "rule": "r"}
    newer = {"default": "balanced", "operating_points": [{**point, "newer": 1}], "zones": None, "newer": {}}
    server, _ = answering(200, json.dumps(newer).encode())
    with server as url, Client(url) as other:
        assert other.operating_points().default == known.default


def test_every_public_method_says_what_it_does():
    methods = [method for name, method in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")]
    assert len(methods) >= 10
    assert [method.__name__ for method in methods if not method.__doc__] == ["close"]


def test_gray_levels_and_probabilities_go_together(client):
    probabilities = [client.predict(gray_png(level), Options(map="none")).probability for level in (60, 120, 180)]
    assert probabilities == sorted(probabilities)
