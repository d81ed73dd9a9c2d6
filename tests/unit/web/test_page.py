"""The page says what it is, brings no foreign or inline script, and gets radiograph and heat map as two layers."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from pneumoscope.explanation.coloring import DEFAULT_ALPHA, Coloring
from pneumoscope.explanation.heat_map import blended
from pneumoscope.web.security import HEADERS

from .conftest import gray_png, upload

DISCLAIMER = "Research and education only. Not a medical device."


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def html(send) -> str:
    response = send("GET", "/")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    return response.text


def test_the_disclaimer_stands_at_the_top_and_at_the_end(html):
    assert html.count(DISCLAIMER) == 2
    assert html.index(DISCLAIMER) < html.index("<main")


def test_there_is_no_inline_script_or_style_and_nothing_from_elsewhere(html):
    for tag, attributes in Elements(html).found:
        assert tag != "style"
        assert tag != "script" or attributes["src"].startswith("/static/")
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "/").startswith("/"), (tag, attributes)
    assert not re.findall(r"<script[^>]*>[^<]", html)


def test_what_the_card_says_is_text_not_markup(html):
    assert "Tests &lt;only&gt; &amp; nothing else." in html


def test_the_page_names_the_operating_point_with_its_numbers(html):
    words = " ".join(html.split())

    assert "operating point “balanced”: PNEUMONIA from 30.0 % on" in words
    assert "sensitivity was 90.0 % and its specificity 80.0 %" in words


def test_every_file_that_the_page_names_is_served(send, html):
    for tag, attributes in Elements(html).found:
        for name in ("src", "href"):
            address = attributes.get(name)
            if address:
                assert send("GET", address).status_code == 200, (tag, address)


def test_page_and_script_agree_on_the_names_of_parts(send, html):
    script = send("GET", "/static/page.js").text
    classes = {name for _, attributes in Elements(html).found for name in (attributes.get("class") or "").split()}
    identifiers = {attributes.get("id") for _, attributes in Elements(html).found}

    assert set(re.findall(r'part\("([a-z-]+)"\)', script)) <= classes
    assert set(re.findall(r'getElementById\("([a-z-]+)"\)', script)) <= identifiers
    assert "innerHTML" not in script


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/static/page.js", "/openapi.json"])
def test_every_answer_carries_the_security_headers(send, path):
    headers = send("GET", path).headers

    for name, value in HEADERS.items():
        assert headers[name] == value
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_documentation_pages_that_load_from_elsewhere_are_off(send):
    assert send("GET", "/docs").status_code == 404
    assert send("GET", "/redoc").status_code == 404


def test_the_two_layers_at_the_first_strength_give_the_overlay(send, predictor):
    data = gray_png(170, columns=300, rows=200)
    answer = send("POST", "/page/prediction", **upload(data)).json()
    layers = [Image.open(io.BytesIO(base64.b64decode(answer[f"{name}_png"]))) for name in ("radiograph", "heat_map")]
    gray, heat_map = layers[0].convert("RGB"), layers[1].convert("RGBA")
    opacity = heat_map.getchannel("A").point(lambda level: round(level * DEFAULT_ALPHA))
    laid_over = Image.composite(heat_map.convert("RGB"), gray, opacity)

    prediction = predictor.predict(data)
    expected = blended(prediction.radiograph.gray, prediction.saliency_map, Coloring(scale_logit=1.0))
    difference = np.abs(np.asarray(laid_over, dtype=int) - np.asarray(expected, dtype=int))
    assert difference.max() <= 2


def test_the_page_is_told_the_same_as_any_program(send, bright):
    for_page = send("POST", "/page/prediction", **upload(bright)).json()
    for_program = send("POST", "/predict", **upload(bright)).json()

    assert for_page["probability"] == for_program["probability"]
    assert for_page["decision"] == for_program["diagnosis"]
    assert for_page["shown_px"] == [96, 80]
    assert for_page["evidence_shown"] is True
