"""The page shows every result, trusts no text in it, and needs no more memory for more of them."""

from __future__ import annotations

import base64
import hashlib
import re
import tracemalloc
from html.parser import HTMLParser

import pytest

from pneumoscope.errors import UnusableOutput
from pneumoscope.report.page import write_page

VOID = {"meta", "img", "wbr", "br", "input", "link", "hr"}


class Page(HTMLParser):
    """The tags of a page, in order, and the text inside them; fails where a tag is not closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def all(self, tag, **wanted):
        return [attrs for name, attrs in self.tags if name == tag and wanted.items() <= attrs.items()]


def result(**changes):
    return {
        "schema_version": 1,
        "file": "ward/IM-0001.jpeg",
        "sha256": "0" * 64,
        "score": 0.81,
        "probability": 0.734,
        "decision": "PNEUMONIA",
        "operating_point": "balanced",
        "threshold": 0.41,
        "logit": 1.45,
        "warnings": [],
        "error": None,
        "age_years": 4,
        "sex": "F",
        "view_position": "PA",
        "rows_px": 1200,
        "columns_px": 1500,
        "overlay": "overlays/IM-0001.png",
        "bundle": {"name": "lite0", "version": "1", "sha256": "0" * 64},
    } | changes


def refused(**changes):
    error = {"code": "no-pixel-data", "message": "There is no picture in it.", "remedy": "Export the image."}
    answer = dict.fromkeys(("score", "probability", "decision", "operating_point", "threshold", "logit", "overlay"))
    return result(**answer, error=error, **changes)


def warned(**changes):
    warnings = [{"code": "possible-adult", "message": "The patient is 34 years old.", "tag": "outside training ages"}]
    return result(warnings=warnings, **changes)


@pytest.fixture
def page_of(tmp_path):
    def write(*results, **options):
        write_page(iter(results), tmp_path / "index.html", model_name="lite0 1.0", **options)
        return Page((tmp_path / "index.html").read_text(encoding="utf-8"))

    return write


def test_the_page_says_what_it_is_and_which_model_answered(page_of):
    page = page_of()
    assert page.text.count("Research and education only. Not a medical device.") == 2
    assert "the model lite0 1.0 estimated the probability of pneumonia" in page.text


def test_an_answer_is_given_in_words_and_as_a_bar_with_the_threshold_marked(page_of):
    page = page_of(result())
    assert "0.73 probability of pneumonia" in page.text
    assert "PNEUMONIA at the operating point balanced, threshold 0.41" in page.text
    assert page.all("div", role="img")[0]["aria-label"] == "Probability 0.73, threshold 0.41"
    assert page.all("span", **{"class": "fill"})[0]["style"] == "width:73.4%"
    assert page.all("span", **{"class": "mark"})[0]["style"] == "left:41.0%"
    assert "4 years, F, PA, 1500 \N{MULTIPLICATION SIGN} 1200 px" in page.text


@pytest.mark.parametrize(
    ("probability", "words"), [(0.0004, "< 0.01"), (0.9996, "> 0.99"), (0.5, "0.50"), (1, "> 0.99")]
)
def test_a_probability_claims_no_more_certainty_than_two_decimals(page_of, probability, words):
    assert f"{words} probability of pneumonia" in page_of(result(probability=probability)).text


def test_a_refused_radiograph_shows_code_message_and_remedy(page_of):
    page = page_of(refused())
    assert "REFUSED no-pixel-data There is no picture in it. Export the image." in page.text
    assert page.all("img", loading="lazy") == []


def test_a_warning_shows_its_tag_and_message(page_of):
    assert "outside training ages The patient is 34 years old." in page_of(warned()).text


def test_a_result_without_a_decision_says_so(page_of):
    page = page_of(result(decision=None, operating_point=None, threshold=None))
    assert "No decision" in page.text
    assert page.all("span", **{"class": "mark"}) == []


def test_the_counts_are_those_of_the_results(page_of):
    page = page_of(result(), result(), warned(decision="NORMAL"), refused(), result(decision=None))
    assert "All 5 PNEUMONIA 2 NORMAL 1 With warnings 1 Refused 1" in page.text


def test_cards_carry_what_filter_and_order_need(page_of):
    cards = page_of(warned(), refused(), result(decision="NORMAL", probability=0.1)).all("li")
    cards = [card for card in cards if card.get("class") == "card"]
    assert [card["data-decision"] for card in cards] == ["PNEUMONIA", "", "NORMAL"]
    assert [card["data-probability"] for card in cards] == ["0.734", "", "0.1"]
    assert ["data-warned" in card for card in cards] == [True, False, False]
    assert ["data-refused" in card for card in cards] == [False, True, False]


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}'


def test_no_text_of_a_result_becomes_part_of_the_page(page_of):
    error = dict.fromkeys(("code", "message", "remedy"), HOSTILE)
    warnings = [{"code": HOSTILE, "message": HOSTILE, "tag": HOSTILE}]
    texts = {key: HOSTILE for key in result() if key not in {"error", "warnings", "schema_version", "bundle"}}
    page = page_of(
        texts | {"warnings": warnings, "error": None},
        texts | {"warnings": [], "error": error},
        result(file=HOSTILE, decision=HOSTILE, operating_point=HOSTILE, overlay=HOSTILE),
        title=HOSTILE,
    )
    assert len(page.all("script")) == 1
    assert not [attrs for _, attrs in page.tags if "onerror" in attrs]
    assert "{{ 7 * 7 }}" in page.text
    assert page.text.count("<script>alert(1)</script>") > 5


@pytest.mark.parametrize(
    ("overlay", "address"),
    [
        ("overlays/50 % #1?.png", "./overlays/50%20%25%20%231%3F.png"),
        ("javascript:alert(1)", "./javascript%3Aalert%281%29"),
        ("//elsewhere.example/a.png", ".///elsewhere.example/a.png"),
        ("overlays\\a.png", "./overlays/a.png"),
        ("胸.png", "./%E8%83%B8.png"),
        ("caf\udce9.png", "./caf%E9.png"),
    ],
)
def test_an_overlay_is_only_ever_a_file_beside_the_page(page_of, overlay, address):
    page = page_of(result(overlay=overlay))
    assert page.all("img", loading="lazy")[0]["src"] == page.all("a")[0]["href"] == address


def test_a_file_name_with_undecodable_bytes_can_be_written(page_of):
    assert "caf?.png" in page_of(result(file="caf\udce9.png")).text


def test_every_picture_has_an_alternative_text(page_of):
    pictures = page_of(result(), warned()).all("img", loading="lazy")
    assert [picture["alt"] for picture in pictures] == ["Radiograph and overlay of ward/IM-0001.jpeg"] * 2


def test_the_page_loads_nothing_and_runs_only_its_own_script(page_of, tmp_path):
    page = page_of(result())
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|@import|url\(", text)
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    assert f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" in policy
    assert "default-src 'none'" in policy


def test_results_that_lack_everything_are_still_shown(page_of):
    page = page_of({}, {"warnings": "none", "error": [], "probability": True, "threshold": float("nan")})
    assert page.text.count("(no name)") == 2


def test_thousands_of_results_stream_in_bounded_memory(tmp_path):
    few, many = (_peak_bytes(tmp_path / f"{count}.html", count) for count in (200, 6_000))
    assert many < few + 200_000
    assert (tmp_path / "6000.html").stat().st_size > 4_500_000


def _peak_bytes(path, count):
    write_page([], path, model_name="warm up")
    tracemalloc.start()
    counts = write_page((warned(file=f"IM-{number}.png") for number in range(count)), path, model_name="lite0")
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert counts.all == count
    return peak_bytes


def test_a_page_that_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "index.html"
    write_page([result()], path, model_name="first")
    before = path.read_bytes()

    def breaking():
        yield result()
        raise RuntimeError("the disk went away")

    with pytest.raises(RuntimeError, match="disk went away"):
        write_page(breaking(), path, model_name="second")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_named_in_the_error(tmp_path):
    with pytest.raises(UnusableOutput, match=r"absent.*page-not-written") as error:
        write_page([], tmp_path / "absent" / "index.html", model_name="lite0")
    assert error.value.exit_code == 7


def test_a_result_that_cannot_be_read_is_not_called_a_page_that_cannot_be_written(tmp_path):
    def unreadable():
        yield result()
        raise FileNotFoundError("0002.json")

    with pytest.raises(FileNotFoundError, match=r"0002\.json"):
        write_page(unreadable(), tmp_path / "index.html", model_name="lite0")
    assert list(tmp_path.iterdir()) == []


def test_the_same_results_give_the_same_page(tmp_path):
    for name in ("a.html", "b.html"):
        write_page([result(), refused()], tmp_path / name, model_name="lite0")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
