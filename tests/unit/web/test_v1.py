"""The versioned API says of each radiograph what the predictor says, as it was asked to, in the order of the files."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import threading
import time

import httpx
import numpy as np
import pytest
from PIL import Image

from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.heat_map import blended
from pneumoscope.explanation.methods import Method, explained
from pneumoscope.explanation.similar_cases import case_index
from pneumoscope.inference.explainable import ExplainableBundle
from pneumoscope.inference.result import result_of_prediction
from pneumoscope.web.answer import ReferenceAnswer
from pneumoscope.web.application import web_application
from pneumoscope.web.examples import REFERENCE_ANSWER, V1_ANSWER
from pneumoscope.web.explained import available_methods, explanation_of, refuse_unavailable
from pneumoscope.web.v1_answer import V1Answer, v1_prediction
from pneumoscope.web.v1_options import V1Options

from .conftest import MOST_BYTES, gray_png, settings, upload, uploads
from .test_refusals import problem

PATH = "/v1/predictions"


def test_one_radiograph_is_answered_in_the_words_of_the_result_on_disk(send, predictor, bright):
    response = send("POST", PATH, **upload(bright))
    (answer,) = response.json()["predictions"]
    on_disk = result_of_prediction("", predictor.predict(bright), predictor.bundle)

    assert response.status_code == 200
    assert answer["index"] == 0
    shared = set(answer) & set(on_disk) - {"map"}
    assert {name: answer[name] for name in shared} == {name: on_disk[name] for name in shared}
    assert shared >= {"logit", "score", "probability", "decision", "operating_point", "threshold", "sha256", "warnings"}
    assert response.json()["model"] == on_disk["bundle"]


def test_many_radiographs_are_answered_in_their_order_and_a_refused_one_stops_nothing(send, bright, dark, dicom):
    answer = send("POST", PATH, **uploads(bright, b"no picture", dark, b"", dicom)).json()["predictions"]

    assert [entry["index"] for entry in answer] == [0, 1, 2, 3, 4]
    assert [entry.get("decision") for entry in answer] == ["PNEUMONIA", None, "NORMAL", None, "PNEUMONIA"]
    assert [entry["problem"]["code"] for entry in answer if "problem" in entry] == ["not-a-picture", "empty-file"]
    assert answer[3]["problem"]["status"] == 422


def test_the_only_radiograph_of_a_request_is_refused_with_its_own_status(send):
    assert problem(send("POST", PATH, **upload(b"")), 422)["code"] == "empty-file"


def test_the_decision_is_made_at_the_operating_point_that_is_asked_for(send):
    data = gray_png(150)  # probability sigmoid(8 * 150 / 255 - 4) = 0.67: above 0.3, below 0.9
    chosen = {name: send("POST", f"{PATH}?operating_point={name}", **upload(data)) for name in ("balanced", "rule-in")}
    answers = {name: response.json()["predictions"][0] for name, response in chosen.items()}

    assert answers["balanced"]["decision"] == "PNEUMONIA"
    assert (answers["rule-in"]["decision"], answers["rule-in"]["threshold"]) == ("NORMAL", 0.9)
    assert answers["rule-in"]["operating_point"] == "rule-in"
    assert answers["rule-in"]["probability"] == answers["balanced"]["probability"]
    assert send("POST", "/predict", **upload(data)).json()["operating_point"] == "balanced"


def test_the_map_comes_as_overlay_as_layer_as_numbers_or_not_at_all(send, predictor):
    data = gray_png(170, columns=300, rows=200)
    maps = {
        form: send("POST", f"{PATH}?map={form}&color_map=viridis", **upload(data)).json()["predictions"][0]["map"]
        for form in ("png", "layer", "numbers", "none")
    }
    prediction = predictor.predict(data)

    assert maps["none"] is None
    assert maps["numbers"]["numbers"] == prediction.saliency_map.tolist()
    assert maps["numbers"]["png"] is None
    overlay = opened(maps["png"]["png"])
    expected = blended(prediction.radiograph.gray, prediction.saliency_map, Coloring(scale_logit=1, colormap="viridis"))
    assert np.array_equal(np.asarray(overlay.convert("RGB")), np.asarray(expected))
    layer = opened(maps["layer"]["png"])
    assert layer.size == (300, 200)
    assert layer.convert("RGBA").getchannel("A").getextrema()[1] < 255
    assert (maps["layer"]["color_map"], maps["layer"]["scale"]) == ("viridis", 1.0)


def opened(content: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(content, validate=True)))


def test_the_map_is_that_of_the_method_which_says_how_it_was_made(send, predictor, bright):
    answer = send("POST", f"{PATH}?map=numbers&method=occlusion", **upload(bright)).json()["predictions"][0]["map"]
    radiograph = predictor.predict(bright).radiograph
    model = ExplainableBundle(predictor)
    expected = explained(predictor.preprocessing(radiograph.gray), model, Method.OCCLUSION)

    assert answer["method"] == "occlusion"
    assert answer["masks"] == answer["planned_masks"] == expected.planned_masks > 0
    assert answer["complete"] is True
    assert answer["unit"] == "fall of the logit when the place is covered"
    assert np.allclose(answer["numbers"], expected.saliency_map, atol=1e-6)


def test_slow_methods_stop_when_the_time_of_the_request_is_up(predictor, bright):
    model = ExplainableBundle(predictor)
    options = V1Options(method=Method.RISE, map="numbers")

    found = v1_prediction(bright, 0, options, model, None, budget_seconds=1e-9).map

    assert found.complete is False
    assert 0 < found.masks < found.planned_masks


def test_the_map_in_the_graph_is_not_asked_for_twice(predictor, bright, monkeypatch):
    prediction = predictor.predict(bright)
    monkeypatch.setattr(predictor, "run", lambda _: pytest.fail("The model was asked again."))

    for method in (Method.GRAD_CAM, Method.HIRES_CAM):
        explanation = explanation_of(prediction, ExplainableBundle(predictor), method)
        assert np.array_equal(explanation.saliency_map, prediction.saliency_map)


def test_methods_that_need_what_the_server_does_not_have_are_refused_before_anything_is_read(send, predictor):
    there = {method["method"] for method in send("GET", "/v1/model").json()["methods"]}
    content = problem(send("POST", f"{PATH}?method=layercam", content=b"never read"), 422)

    assert there == {"grad-cam", "hirescam", "occlusion", "rise"}
    assert content["code"] == "feature-map-missing"
    assert "hirescam" in content["remedy"]
    with pytest.raises(UnusableOption):
        refuse_unavailable(Method.GRAD_CAM_PLUS_PLUS, ExplainableBundle(predictor))


def test_a_plus_in_the_address_is_a_plus(send):
    content = problem(send("POST", f"{PATH}?method=grad-cam++", content=b"never read"), 422)

    assert content["code"] == "feature-map-missing"
    assert "the map of grad-cam++" in content["detail"]


def test_with_the_feature_graph_every_method_is_there(shipped_bundle):
    from pneumoscope.inference.predictor import Predictor
    from pneumoscope.model.feature_outputs import with_feature_outputs

    features = with_feature_outputs(shipped_bundle.model)
    model = ExplainableBundle(
        Predictor(shipped_bundle, threads=1), feature_graph=features.content, pool=features.pool, threads=1
    )

    assert available_methods(model) == tuple(Method)


def test_similar_cases_are_named_nearest_first(predictor, bright):
    embedding = predictor.predict(bright).embedding
    directions = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0], [-1.0, 0.0]], np.float32)
    names = [np.array([f"{name}{place}" for place in range(4)]) for name in ("id", "label", "subtype", "patient", "")]
    cases = case_index(*names, embedding + directions - directions.mean(axis=0), components=2)

    found = v1_prediction(bright, 0, V1Options(similar=3, map="none"), ExplainableBundle(predictor), cases).similar

    assert [case.case_id for case in found] == [
        case.case_id for case in cases.nearest(embedding, 3, sha256=predictor.predict(bright).radiograph.sha256)
    ]
    assert len({case.case_id for case in found}) == 3
    assert not any(case.perhaps_same for case in found)


def test_a_similar_case_that_is_perhaps_the_same_film_is_said_to_be(predictor, bright):
    embedding = predictor.predict(bright).embedding
    directions = np.array([[0.05, 1.0], [1.0, 0.0], [-0.05, -1.0], [-1.0, 0.0]], np.float32)
    names = [np.array([f"{name}{place}" for place in range(4)]) for name in ("id", "label", "subtype", "patient", "")]
    cases = case_index(*names, embedding - np.array([0.0, 1.0], np.float32) + directions, components=2)

    found = v1_prediction(bright, 0, V1Options(similar=4, map="none"), ExplainableBundle(predictor), cases).similar

    assert [(case.case_id, case.perhaps_same) for case in found[:2]] == [("id0", True), ("id1", False)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("operating_point=nobody", "operating-point-unknown"),
        ("color_map=nothing", "colormap-unknown"),
        ("method=magic", "parameter-impossible"),
        ("map=jpeg", "parameter-impossible"),
        ("similar=11", "parameter-impossible"),
        ("similar=-1", "parameter-impossible"),
        ("similar=many", "parameter-impossible"),
        ("similar=3", "cases-missing"),
        ("colour_map=jet", "parameter-impossible"),
        (f"operating_point={'x' * 101}", "parameter-impossible"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_anything_is_read(send, query, code):
    content = problem(send("POST", f"{PATH}?{query}", content=b"never read"), 422)

    assert content["code"] == code
    assert "colour_map" not in content["detail"]
    assert "xxx" not in content["detail"]


def test_too_many_files_are_refused_with_a_remedy_where_the_server_keeps_no_jobs(send_to, bright):
    send = send_to(most_files=2)

    content = problem(send("POST", PATH, **uploads(bright, bright, bright)), 413)

    assert content["code"] == "too-many-files"
    assert "several requests" in content["remedy"]
    assert send("POST", PATH, headers={"prefer": "respond-async"}, **upload(bright)).status_code == 200


def test_a_request_holds_a_place_for_each_upload_size_that_it_brings(predictor, bright):
    """Four files of 0.9 of the limit need four places; three places are not enough, four are."""
    large = bright + b"\0" * (9 * MOST_BYTES // 10 - len(bright))
    for waiting, status in ((2, 413), (3, 200)):
        application = web_application(predictor, settings(waiting=waiting))
        response = asyncio.run(once(application, uploads(large, large, large, large)))
        assert response.status_code == status
    assert problem(asyncio.run(once(application, uploads(*[large] * 5))), 413)["code"] == "upload-too-large"
    too_large = uploads(bright, b"\0" * (MOST_BYTES + 1))
    assert problem(asyncio.run(once(application, too_large)), 413)["code"] == "upload-too-large"


def test_what_nobody_waits_for_any_more_is_not_read(application, predictor, bright, monkeypatch):
    read = []
    monkeypatch.setattr(predictor, "predict", read.append)
    request = httpx.Request("POST", f"http://localhost{PATH}", **uploads(bright, bright))
    coming = iter([{"type": "http.request", "body": request.read(), "more_body": False}])
    sent = []

    async def receive():
        return next(coming, {"type": "http.disconnect"})

    async def send(message):
        sent.append(message)

    headers = [(name.lower(), value) for name, value in request.headers.raw]
    scope = {"type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b""}
    asyncio.run(application({**scope, "headers": headers, "client": None}, receive, send))

    assert read == []
    assert sent[0]["status"] == 400


def test_a_large_request_is_told_to_come_again_while_others_hold_the_places(predictor, bright, monkeypatch):
    release = threading.Event()
    predict = type(predictor).predict
    monkeypatch.setattr(predictor, "predict", lambda source: (release.wait(20), predict(predictor, source))[1])
    application = web_application(predictor, settings(waiting=1))
    large = bright + b"\0" * (9 * MOST_BYTES // 10 - len(bright))

    async def both() -> tuple[httpx.Response, httpx.Response]:
        first = asyncio.create_task(once(application, upload(bright)))
        while (await get(application, "/readyz")).json()["places_free"] == 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        second = await once(application, uploads(large, large))
        release.set()
        return await first, second

    first, second = asyncio.run(both())

    assert first.status_code == 200
    assert problem(second, 503)["code"] == "overloaded"
    assert asyncio.run(get(application, "/readyz")).json()["places_free"] == 2


def test_a_request_that_waited_too_long_is_dropped(predictor, bright, monkeypatch):
    release = threading.Event()
    predict = type(predictor).predict
    monkeypatch.setattr(predictor, "predict", lambda source: (release.wait(20), predict(predictor, source))[1])
    application = web_application(predictor, settings(deadline_seconds=0.2))

    async def both() -> list[httpx.Response]:
        tasks = [asyncio.create_task(once(application, upload(bright))) for _ in range(2)]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        release.set()
        return list(await asyncio.gather(*tasks))

    dropped = [response for response in asyncio.run(both()) if response.status_code != 200]

    assert [problem(response, 503)["code"] for response in dropped] == ["deadline-passed"]
    assert dropped[0].headers["retry-after"]


async def once(application, content) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost") as client:
        return await client.post(PATH, **content)


async def get(application, path) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost") as client:
        return await client.get(path)


@pytest.mark.parametrize("path", [PATH, "/predict"])
def test_a_url_is_fetched_within_the_limits_where_that_is_allowed(send_to, bright, monkeypatch, path):
    asked = []

    async def fetched(url, *, most_bytes, seconds):
        asked.append((url, most_bytes))
        return bright

    monkeypatch.setattr("pneumoscope.web.fetching.fetch.fetched", fetched)
    send = send_to(allow_url=True)

    response = send("POST", path, json={"url": "https://example.org/radiograph.jpeg"})

    assert response.status_code == 200
    assert asked == [("https://example.org/radiograph.jpeg", MOST_BYTES)]
    for nonsense in ({"url": 5}, {"url": None}, {"url": ["x"]}, {}, [], "url", 5):
        assert problem(send("POST", path, json=nonsense), 400)["code"] == "file-missing"
    assert len(asked) == 1


def test_a_url_of_this_machine_is_refused_even_where_urls_are_allowed(send_to):
    send = send_to(allow_url=True)

    for url in ("http://127.0.0.1:9/x.png", "http://localhost:9/x.png", "file:///etc/passwd", "http://[::1]/"):
        response = send("POST", PATH, json={"url": url})
        assert response.status_code in {400, 403}
        assert response.json()["code"].startswith("url-")


def test_more_files_than_are_answered_at_once_become_a_job(send_to, tmp_path, predictor, bright, dark):
    send = send_to(jobs=tmp_path, most_files=2)
    query = "?map=none&operating_point=rule-in"

    accepted = send("POST", PATH + query, **uploads(bright, dark, b"no picture"))
    answers = results(send, accepted)

    assert accepted.json()["total"] == 3
    assert [entry["index"] for entry in answers] == [0, 1, 2]
    assert answers[2]["problem"]["code"] == "not-a-picture"
    at_once = send("POST", PATH + query, **uploads(bright, dark)).json()["predictions"]
    assert answers[:2] == at_once


def test_a_job_keeps_the_operating_point_of_the_server_that_accepted_it(predictor):
    assert V1Options().decided(predictor).operating_point == "balanced"
    assert V1Options(operating_point="rule-in").decided(predictor).operating_point == "rule-in"


def test_a_client_may_ask_for_a_job(send_to, tmp_path, bright):
    send = send_to(jobs=tmp_path)

    accepted = send("POST", PATH + "?map=none", headers={"prefer": "respond-async, wait=10"}, **upload(bright))

    assert [entry["decision"] for entry in results(send, accepted)] == ["PNEUMONIA"]
    assert 'pneumoscope_predictions_total{decision="PNEUMONIA"} 1.0' in send("GET", "/metrics").text


def results(send, accepted: httpx.Response) -> list[dict]:
    assert accepted.status_code == 202
    job = accepted.headers["location"]
    deadline = time.monotonic() + 20
    while send("GET", job).json()["state"] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return send("GET", f"{job}/results").json()["predictions"]


def test_nothing_of_a_dicom_header_with_names_and_no_file_name_comes_back(send, dicom):
    response = send("POST", PATH, files=[("file", ("Doe_Jane.dcm", dicom)), ("file", ("Roe.dcm", b"rubbish"))])

    assert response.status_code == 200
    for secret in ("Doe", "Jane", "Roe", "SECRET"):
        assert secret not in response.text


def test_the_log_of_a_fault_quotes_nothing_of_the_radiograph(send, predictor, bright, monkeypatch, caplog):
    def fail(_):
        raise ValueError("PatientName Doe^Jane")

    monkeypatch.setattr(predictor, "predict", fail)

    assert problem(send("POST", PATH, **upload(bright)), 500)["code"] == "internal-error"
    answer = send("POST", PATH, **uploads(bright, bright))
    assert [entry["problem"]["code"] for entry in answer.json()["predictions"]] == ["internal-error"] * 2
    assert "ValueError" in caplog.text
    assert "test_v1.py" in caplog.text
    assert "Doe" not in caplog.text + answer.text


def test_the_card_comes_as_it_ships(send, tiny_bundle, predictor):
    answer = send("GET", "/v1/model").json()

    assert answer["card"] == json.loads((tiny_bundle / "card.json").read_text("utf-8"))
    assert (answer["name"], answer["sha256"]) == ("tiny", predictor.bundle.sha256)
    assert answer["intended_use"] == "Tests <only> & nothing else."
    assert answer["similar_cases"] is False


def test_the_operating_points_come_with_what_they_were_worth(send):
    answer = send("GET", "/v1/operating-points").json()

    assert answer["default"] == "balanced"
    assert [point["name"] for point in answer["operating_points"]] == ["balanced", "rule-in"]
    assert answer["operating_points"][1]["threshold"] == 0.9
    assert answer["operating_points"][1]["specificity"] == 0.99
    assert answer["zones"] is None


def test_the_examples_of_the_documentation_are_answers_that_can_be():
    assert ReferenceAnswer.model_validate(REFERENCE_ANSWER).model_dump(mode="json") == REFERENCE_ANSWER
    assert V1Answer.model_validate(V1_ANSWER).model_dump(mode="json") == V1_ANSWER
