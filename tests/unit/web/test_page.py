"""The page says what it is, brings no foreign or inline script, and gets answers, maps, layers, sheets and reports."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.explanation.coloring import DEFAULT_ALPHA, Coloring
from pneumoscope.explanation.contours import draw_contours, levels_of_scale
from pneumoscope.explanation.heat_map import blended
from pneumoscope.radiograph.containers import DRAWN_MARK
from pneumoscope.web import page
from pneumoscope.web.security import HEADERS

from .conftest import gray_png, tiny_card, upload

DISCLAIMER = "Research and education only. Not a medical device."
STATIC = Path(page.__file__).parent / "static"
EXAMPLES = Path(__file__).parents[3] / "examples" / "radiographs"
MAP = [[0.0, 0.5], [1.0, -0.25]]


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
    assert f'<p class="disclaimer">{DISCLAIMER}' in html
    assert html.index(DISCLAIMER) < html.index("<main")
    assert html.index(DISCLAIMER, html.index("<footer")) > 0


def test_there_is_no_inline_script_or_style_and_nothing_from_elsewhere(html):
    for tag, attributes in Elements(html).found:
        assert tag != "style"
        assert tag != "script" or attributes["src"].startswith("/static/")
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "/").startswith(("/", "#")), (tag, attributes)
    assert not re.findall(r"<script[^>]*>[^<]", html)


def test_what_the_card_says_is_text_not_markup(html):
    assert "Tests &lt;only&gt; &amp; nothing else." in html


def test_without_test_results_in_the_card_the_page_tells_those_of_the_part_that_was_chosen_on(html):
    words = " ".join(html.replace("\N{NO-BREAK SPACE}", " ").split())

    assert "At “balanced” on the part it was chosen on (validation): sensitivity 90.0 %, specificity 80.0 %." in words
    assert "balanced: from 30.0 % on" in words


def test_every_file_that_the_page_names_is_served(send, html):
    for tag, attributes in Elements(html).found:
        for name in ("src", "href"):
            address = attributes.get(name)
            if address and not address.startswith("#"):
                assert send("GET", address).status_code == 200, (tag, address)


def test_every_script_imports_scripts_that_are_there(send):
    for script in STATIC.glob("*.js"):
        for name in re.findall(r'from "\./([a-z_]+\.js)"', script.read_text()):
            assert send("GET", f"/static/{name}").status_code == 200, (script.name, name)


def test_page_and_scripts_agree_on_the_names_of_parts(html):
    identifiers = {attributes.get("id") for _, attributes in Elements(html).found} | {"from-url", "url"}
    for script in STATIC.glob("*.js"):
        content = script.read_text()
        named = set(re.findall(r'(?:getElementById|\bpart|onChange)\("([a-z-]+)"', content))
        assert named <= identifiers, (script.name, named - identifiers)
        assert "innerHTML" not in content
        assert "style=" not in content


def test_the_examples_are_copies_of_those_in_the_repository():
    shipped = {file.name: file for file in EXAMPLES.rglob("*.jpeg")}
    for example in page.EXAMPLES:
        assert (STATIC / "examples" / example.file).read_bytes() == shipped[example.file].read_bytes()
        assert shipped[example.file].parent.name == example.label


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/static/main.js", "/openapi.json"])
def test_every_answer_carries_the_security_headers(send, path):
    headers = send("GET", path).headers

    for name, value in HEADERS.items():
        assert headers[name] == value
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_a_field_for_addresses_is_there_only_where_the_server_fetches_them(html, send_to):
    assert "from-url" not in html
    assert 'id="from-url"' in send_to(allow_url=True)("GET", "/").text


@pytest.mark.parametrize(
    ("address", "accepted", "language"),
    [
        ("/", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("/", "fr, en;q=0.5, de;q=0.4", "en"),
        ("/", "fr", "en"),
        ("/?language=de", "en", "de"),
        ("/?language=../../etc", "de", "de"),
    ],
)
def test_the_page_speaks_the_language_of_the_address_or_the_browser(send, address, accepted, language):
    response = send("GET", address, headers={"Accept-Language": accepted})

    assert f'<html lang="{language}">' in response.text
    assert response.headers["content-language"] == language
    assert response.headers["vary"] == "Accept-Language"


def test_the_page_is_told_the_same_as_any_program(send, bright):
    for_page = send("POST", "/page/prediction", **upload(bright)).json()
    for_program = send("POST", "/predict", **upload(bright)).json()

    assert for_page["result"]["probability"] == for_program["probability"]
    assert for_page["result"]["decision"] == for_program["diagnosis"]
    assert for_page["decisions"] == {"balanced": "PNEUMONIA", "rule-in": "NORMAL"}  # 0.88 lies between 0.3 and 0.9
    assert (for_page["radiograph"]["columns_px"], for_page["radiograph"]["rows_px"]) == (96, 80)
    assert for_page["similar"] == []


def test_predictions_for_the_page_are_counted_as_those_for_programs_are(send, bright):
    def counted() -> float:
        text = send("GET", "/metrics").text
        return sum(float(line.split()[-1]) for line in text.splitlines() if re.match(r'.*\{decision="PNEUMONIA', line))

    before = counted()
    send("POST", "/page/prediction", **upload(bright))
    assert counted() == before + 1


def test_the_map_and_its_parts_add_up_to_the_logit(send, bright):
    answer = send("POST", "/page/prediction", **upload(bright)).json()
    evidence = answer["evidence"]

    assert answer["explanation"]["method"] == "grad-cam"
    assert np.sum(answer["explanation"]["map"]) == pytest.approx(4 * answer["result"]["logit"], abs=1e-4)  # four cells
    assert evidence["speaks_for"] + evidence["speaks_against"] == pytest.approx(np.sum(answer["explanation"]["map"]))


def test_the_two_layers_at_the_first_strength_give_the_overlay(send, predictor):
    data = gray_png(170, columns=300, rows=200)
    answer = send("POST", "/page/prediction", **upload(data)).json()
    gray = Image.open(io.BytesIO(base64.b64decode(answer["radiograph"]["png"]))).convert("RGB")
    layer = {"kind": "colors", "map": answer["explanation"]["map"], "columns_px": 300, "rows_px": 200}
    heat_map = Image.open(io.BytesIO(send("POST", "/page/layer.png", json=layer).content)).convert("RGBA")
    opacity = heat_map.getchannel("A").point(lambda level: round(level * DEFAULT_ALPHA))
    laid_over = Image.composite(heat_map.convert("RGB"), gray, opacity)

    prediction = predictor.predict(data)
    expected = blended(prediction.radiograph.gray, prediction.saliency_map, Coloring(scale_logit=1.0))
    difference = np.abs(np.asarray(laid_over, dtype=int) - np.asarray(expected, dtype=int))
    assert difference.max() <= 2


def test_contours_over_the_radiograph_are_those_of_every_other_output(send):
    layer = {"kind": "contours", "map": MAP, "color_map": "coolwarm", "columns_px": 120, "rows_px": 90}
    content = send("POST", "/page/layer.png", json=layer).content
    lines = Image.open(io.BytesIO(content)).convert("RGBA")
    coloring = Coloring(scale_logit=1.0, colormap="coolwarm")
    expected = Image.new("RGB", (120, 90), (90, 90, 90))
    drawn = expected.copy()
    drawn.paste(lines, (0, 0), lines)
    draw_contours(expected, np.array(MAP, np.float32), coloring, levels_of_scale(coloring))

    difference = np.abs(np.asarray(drawn, dtype=int) - np.asarray(expected, dtype=int))
    assert np.asarray(lines)[..., 3].max() == 255
    assert np.percentile(difference, 99) <= 32  # at the edges of lines, of 256 levels
    assert DRAWN_MARK in content


@pytest.mark.parametrize(
    "change",
    [
        {"map": []},
        {"map": [[]]},
        {"map": [[1.0], [1.0, 2.0]]},
        {"map": [[0.0] * 65]},
        {"map": [["NaN"]]},
        {"columns_px": 0},
        {"rows_px": 1281},
        {"kind": "paint"},
        {"color_map": "no such map"},
        {"further": 1},
    ],
)
def test_a_layer_that_cannot_be_drawn_is_refused(send, change):
    layer = {"kind": "colors", "map": MAP, "columns_px": 120, "rows_px": 90, **change}

    assert 400 <= send("POST", "/page/layer.png", json=layer).status_code < 500


def test_occlusion_gives_the_fall_of_the_answer_and_says_how_often_it_asked(send, bright):
    found = send("POST", "/page/map?method=occlusion", **upload(bright)).json()

    assert found["method"] == "occlusion"
    assert found["masks"] == found["planned_masks"] > 0
    assert np.array(found["map"]).shape == (14, 14)


def test_methods_that_are_the_same_map_here_say_so(send, bright):
    found = send("POST", "/page/map?method=hirescam", **upload(bright)).json()

    assert found["equals"] == "grad-cam"


def test_methods_that_the_bundle_cannot_be_asked_for_are_not_offered(html):
    offered = re.search(r'<select id="method".*?</select>', html, re.DOTALL)[0]

    assert re.findall(r'value="([^"]+)"', offered) == ["grad-cam", "hirescam", "occlusion", "rise"]


def test_the_whole_radiograph_comes_in_its_own_resolution(send):
    content = send("POST", "/page/radiograph.png", **upload(gray_png(120, columns=1500, rows=900))).content

    assert Image.open(io.BytesIO(content)).size == (1500, 900)


@pytest.mark.parametrize("path", ["map?method=hirescam", "radiograph.png", "values", "sheet.png", "report.html"])
def test_what_is_asked_for_later_names_the_file_it_was_made_of(send, bright, path):
    first = send("POST", "/page/prediction", **upload(bright)).json()

    assert send("POST", f"/page/{path}", **upload(bright)).headers["x-content-sha256"] == first["result"]["sha256"]


@pytest.mark.parametrize("method", ["occlusion", "rise"])
def test_slow_methods_stop_when_half_of_the_deadline_is_over_with_what_they_have(send_to, bright, method):
    found = send_to(deadline_seconds=1e-6)("POST", f"/page/map?method={method}", **upload(bright)).json()

    assert 0 < found["masks"] < found["planned_masks"]


def test_the_tested_numbers_are_those_of_each_operating_point_that_the_card_tells():
    interval = {"value": 0.9, "low": 0.8, "high": 1.0}
    lower = {**interval, "value": 0.7}
    test = {
        "radiographs": 10,
        "patients": 8,
        "metrics": {"auroc": interval},
        "operating_points": {"balanced": {"metrics": {"sensitivity": interval, "specificity": lower}}},
    }
    card = replace(tiny_card(), metrics={"test": test})

    assert page.tested_points(card) == {"balanced": {"radiographs": 10, "sensitivity": 0.9, "specificity": 0.7}}


def test_the_report_promises_and_adds_up_as_the_page_does(send, bright):
    words = " ".join(
        send("POST", "/page/report.html", **upload(bright)).text.replace("\N{NO-BREAK SPACE}", " ").split()
    )

    assert "On the part it was chosen on (validation): sensitivity 90.0 %, specificity 80.0 %." in words


def test_the_report_tells_how_much_of_a_slow_method_was_done(send, send_to, bright):
    address = "/page/report.html?method=occlusion"
    whole = send("POST", address, **upload(bright)).text
    cut = send_to(deadline_seconds=1e-6)("POST", f"{address}&language=de", **upload(bright)).text

    assert "How far the answer falls when a place is covered. 169 of 169 coverings.</p>" in whole
    assert "16 von 169 Abdeckungen. Die Zeit lief ab, die Karte ist daher unvollständig.</p>" in cut


def test_warnings_are_told_in_the_language_of_the_page_and_programs_get_english(send, dicom):
    found = send("POST", "/page/prediction", headers={"Accept-Language": "de"}, **upload(dicom)).json()
    age = next(warning for warning in found["warnings"] if warning["code"] == "age-outside-population")
    told = next(warning for warning in found["result"]["warnings"] if warning["code"] == "age-outside-population")

    assert (age["language"], age["original"]) == ("de", None)
    assert "70 Jahre" in age["text"]
    assert told["message"].startswith("The patient is 70 years old")
    assert "70 Jahre" in send("POST", "/page/report.html?language=de", **upload(dicom)).text


def test_the_key_shows_the_colours_of_the_colour_map(send):
    strips = [
        Image.open(io.BytesIO(send("GET", f"/page/key.png?color_map={name}").content)).convert("RGBA")
        for name in ("jet", "coolwarm")
    ]

    assert strips[0].size == (256, 1)
    assert strips[0].getpixel((0, 0))[3] == 0  # no evidence, no colour
    red, _, blue, _ = strips[1].getpixel((0, 0))
    assert blue > red  # against
    red, _, blue, _ = strips[1].getpixel((255, 0))
    assert red > blue  # for


def test_a_sheet_is_drawn_as_chosen_and_marked_as_drawn(send, bright):
    alone, beside = (
        send("POST", f"/page/sheet.png?style={style}&color_map=hot&operating_point=rule-in", **upload(bright)).content
        for style in ("overlay", "side-by-side")
    )

    assert DRAWN_MARK in alone
    assert Image.open(io.BytesIO(beside)).width > Image.open(io.BytesIO(alone)).width


def test_a_report_carries_answer_pictures_and_disclaimer_in_the_chosen_language(send, bright):
    english = send("POST", "/page/report.html?operating_point=rule-in", **upload(bright)).text
    german = send("POST", "/page/report.html?language=de", **upload(bright)).text

    assert "Pneumonia not suggested" in english
    assert "Hinweis auf Pneumonie" in german
    assert DISCLAIMER in english
    for text in (english, german):
        assert text.count('src="data:image/png;base64,') == 3  # radiograph, overlay, key
        assert "<script" not in text
        assert not re.findall(r'(?:src|href)="(?!data:)', text)


@pytest.mark.parametrize(
    "query", ["operating_point=none", "color_map=none", "alpha=2", "method=none", "style=none", "alpha=NaN"]
)
def test_choices_that_cannot_be_are_refused(send, bright, query):
    assert 400 <= send("POST", f"/page/sheet.png?{query}", **upload(bright)).status_code < 500


@pytest.mark.parametrize(
    "path", ["prediction", "map?method=rise", "radiograph.png", "values", "sheet.png", "report.html"]
)
def test_what_is_no_radiograph_is_refused_with_a_reason_everywhere(send, path):
    response = send("POST", f"/page/{path}", **upload(b"no picture at all"))

    assert response.status_code == 422
    assert response.json()["code"] == "not-a-picture"


def test_no_answer_names_the_upload_or_a_patient(send, dicom):
    for path in ("prediction", "report.html"):
        text = send("POST", f"/page/{path}", files={"file": ("Doe^Jane.dcm", dicom)}).text
        assert "Doe" not in text
        assert "SECRET" not in text


def test_facts_for_the_scripts_hold_every_operating_point(html):
    body = next(attributes for tag, attributes in Elements(html).found if tag == "body")
    facts = json.loads(body["data-facts"])

    assert [point["name"] for point in facts["operating_points"]] == ["balanced", "rule-in"]
    assert facts["zones"] is None
    assert facts["calibration"] == {"slope": 8.0, "intercept": -4.0}
    assert facts["tested"] == {}
    assert facts["both_signs"] == ["coolwarm"]
