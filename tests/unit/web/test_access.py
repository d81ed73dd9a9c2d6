"""Who may ask and how often: a bearer key, a rate for each client, and pages of other sites; all off at first but the last."""

from __future__ import annotations

import pytest

from pneumoscope.errors import UnusableOption
from pneumoscope.web.access import OPEN_PATHS, WithBearerKey, host_name, with_cors

from .conftest import upload
from .test_refusals import problem

KEY = "a-long-random-key"
SHOWN = {"Authorization": f"Bearer {KEY}"}
ELSEWHERE = "https://pacs.example:8443"


async def never(scope, receive, send):
    raise AssertionError


def test_without_a_key_set_nobody_is_asked_for_one(send, bright):
    assert send("POST", "/predict", **upload(bright)).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/v1/predictions", "/page/prediction"])
def test_a_request_without_the_key_is_refused_and_told_how_to_show_it(send_to, bright, path):
    response = send_to(api_key=KEY)("POST", path, **upload(bright))

    assert problem(response, 401)["code"] == "key-missing"
    assert response.headers["www-authenticate"] == 'Bearer realm="pneumoscope"'
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "shown", [f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer", "Bearer ", f"Basic {KEY}", KEY, f"Bearer {KEY} {KEY}"]
)
def test_anything_but_the_key_is_refused(send_to, bright, shown):
    response = send_to(api_key=KEY)("POST", "/predict", **upload(bright), headers={"Authorization": shown})

    assert problem(response, 401)["code"] == "key-wrong"
    assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert KEY not in response.text


def test_the_key_lets_in_and_its_scheme_may_be_written_in_any_case(send_to, bright):
    send = send_to(api_key=KEY)

    assert send("POST", "/predict", **upload(bright), headers=SHOWN).status_code == 200
    assert send("POST", "/predict", **upload(bright), headers={"Authorization": f"bearer {KEY}"}).status_code == 200


def test_two_keys_in_one_request_are_refused(send_to, bright):
    headers = [("Authorization", f"Bearer {KEY}"), ("Authorization", "Bearer other")]

    assert send_to(api_key=KEY)("POST", "/predict", **upload(bright), headers=headers).status_code == 401


def test_the_empty_page_and_the_server_s_health_need_no_key_and_all_else_does(send_to):
    send = send_to(api_key=KEY)

    for path in OPEN_PATHS:
        assert send("GET", path).status_code == 200, path
    for path in ("/metrics", "/docs/", "/v1/model", "/nothing", "/livez/", "/%2e/health"):
        assert send("GET", path).status_code == 401, path


def test_what_is_asked_for_in_the_static_folder_cannot_lead_out_of_it(send_to, bright):
    send = send_to(api_key=KEY)

    for path in ("/static/../predict", "/static/%2e%2e/predict", "/static//predict"):
        assert send("POST", path, **upload(bright)).status_code in {401, 404, 405}, path
    assert send("GET", "/static/../metrics").status_code in {401, 404}


@pytest.mark.parametrize("key", ["", "two words", "schlüssel", "line\nbreak"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_at_the_start(key):
    with pytest.raises(UnusableOption) as caught:
        WithBearerKey(never, key=key)

    assert caught.value.code == "key-unusable"
    assert key not in caught.value.message or not key


def test_a_client_over_its_rate_is_told_when_to_come_again(send_to, bright):
    send = send_to(requests_per_minute=2)
    answers = [send("POST", "/predict", **upload(bright)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert problem(answers[2], 429)["code"] == "rate-limited"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30


def test_looking_is_not_counted(send_to, bright):
    send = send_to(requests_per_minute=1)

    assert {send("GET", path).status_code for path in ("/", "/health", "/metrics") for _ in range(5)} == {200}
    assert send("POST", "/predict", **upload(bright)).status_code == 200


def test_guessing_keys_is_counted(send_to, bright):
    send = send_to(requests_per_minute=2, api_key=KEY)
    guesses = [send("POST", "/predict", headers={"Authorization": f"Bearer {guess}"}) for guess in range(3)]

    assert [answer.status_code for answer in guesses] == [401, 401, 429]


def test_pages_of_other_sites_may_not_read_answers_unless_they_are_named(send, send_to, bright):
    origin = {"Origin": ELSEWHERE}
    by_default = send("POST", "/predict", **upload(bright), headers=origin)
    send_named = send_to(cors_origins=(ELSEWHERE,))
    named = send_named("POST", "/predict", **upload(bright), headers=origin)
    other = send_named("POST", "/predict", **upload(bright), headers={"Origin": "https://elsewhere.example"})

    assert "access-control-allow-origin" not in by_default.headers
    assert [answer.status_code for answer in (by_default, named, other)] == [403, 200, 403]
    assert named.headers["access-control-allow-origin"] == ELSEWHERE
    assert "access-control-allow-credentials" not in named.headers
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site"])
@pytest.mark.parametrize("path", ["/predict", "/v1/predictions", "/page/prediction"])
def test_a_page_of_another_site_cannot_have_a_radiograph_read(send, bright, path, site):
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": site}
    response = send("POST", path, **upload(bright), headers=headers)

    assert problem(response, 403)["code"] == "origin-not-allowed"
    assert "--cors-origin" in response.json()["remedy"]


def test_a_page_of_another_site_makes_no_job_and_deletes_none(send_to, bright, tmp_path):
    send = send_to(jobs=tmp_path, most_files=2)
    files = [("file", ("x.png", bright, "image/png"))] * 3
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    job = send("POST", "/v1/predictions?map=none", files=files).json()["id"]

    assert send("POST", "/v1/predictions", files=files, headers=headers).status_code == 403
    for method, path in (("POST", f"/v1/jobs/{job}/cancel"), ("DELETE", f"/v1/jobs/{job}")):
        assert problem(send(method, path, headers=headers), 403)["code"] == "origin-not-allowed"
    assert 'pneumoscope_jobs{state="cancelled"} 1' not in send("GET", "/metrics").text
    assert send("GET", f"/v1/jobs/{job}").status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example:5000", "http://[", "x"]
)
def test_where_the_browser_does_not_say_the_site_the_origin_tells(send, bright, origin):
    """As to http://192.168.1.5:5000, which is neither loopback nor TLS."""
    response = send("POST", "/predict", **upload(bright), headers={"Origin": origin})

    assert problem(response, 403)["code"] == "origin-not-allowed"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:5000"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://pneumoscope.example"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost:5000"},
        {"Origin": "https://LOCALHOST:8443"},
        {"Origin": "https://pneumoscope.example:8443", "Host": "pneumoscope.example:80"},
        {"Origin": "http://[fd00::1]:5000", "Host": "[fd00::1]:5000"},
    ],
)
def test_programs_and_the_server_s_own_page_are_let_in_also_behind_a_proxy(send_to, bright, headers):
    send = send_to(host_names=("pneumoscope.example",))

    assert send("POST", "/predict", **upload(bright), headers=headers).status_code == 200


def test_a_named_site_and_with_an_asterisk_any_site_is_let_in(send_to, bright):
    headers = {"Origin": ELSEWHERE, "Sec-Fetch-Site": "cross-site"}

    for origins, status in (((ELSEWHERE,), 200), (("*",), 200), (("https://other.example",), 403), ((), 403)):
        assert (
            send_to(cors_origins=origins)("POST", "/predict", **upload(bright), headers=headers).status_code == status
        )


def test_a_link_from_another_site_leads_to_the_page(send):
    headers = {"Sec-Fetch-Site": "cross-site"}

    assert {send("GET", path, headers=headers).status_code for path in ("/", "/docs", "/health")} == {200}


def test_pages_of_other_sites_do_not_use_up_the_rate(send_to, bright):
    send = send_to(requests_per_minute=1)
    for _ in range(3):
        send("POST", "/predict", **upload(bright), headers={"Sec-Fetch-Site": "cross-site"})

    assert send("POST", "/predict", **upload(bright)).status_code == 200


def test_the_host_of_what_is_no_address_is_none():
    assert [host_name(address) for address in ("http://[", "null", "", "//", "//HOST:1")] == [None] * 4 + ["host"]


def test_a_preflight_needs_no_key_and_the_refusal_behind_it_can_be_read(send_to, bright):
    send = send_to(cors_origins=(ELSEWHERE,), api_key=KEY, requests_per_minute=60)
    asked = {
        "Origin": ELSEWHERE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    preflight = send("OPTIONS", "/v1/predictions", headers=asked)
    refused = send("POST", "/v1/predictions", **upload(bright), headers={"Origin": ELSEWHERE})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ELSEWHERE
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == ELSEWHERE


@pytest.mark.parametrize("origin", ["https://pacs.example/", "pacs.example", "ftp://pacs.example", "null", "https://"])
def test_what_is_no_origin_is_refused_at_the_start(origin):
    with pytest.raises(UnusableOption) as caught:
        with_cors(never, (origin,))

    assert caught.value.code == "origin-unusable"
