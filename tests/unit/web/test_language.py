"""Every language has every word; the words that are asked for are there; what browsers ask for is understood."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pneumoscope.radiograph.radiograph import WarningCode
from pneumoscope.radiograph.refusal import RefusalCode
from pneumoscope.web import page
from pneumoscope.web.language import chosen_language, languages, preferred

WEB = Path(page.__file__).parent
ASKED = re.compile(r"""\bsay\(\s*["'`]([a-z]+\.[a-zA-Z_+-]+)["'`]\s*[,)]""")
MADE = re.compile(r"""\bsay\(\s*["'`]([a-z]+\.[a-zA-Z_]*)(?:\$\{|["'] ~)""")


def test_english_and_one_more_language_are_there():
    assert list(languages()) == ["en", "de"]


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_every_language_has_every_key_with_the_same_places(code):
    english, other = languages()["en"].words, languages()[code].words

    assert set(other) == set(english)
    for key, text in english.items():
        assert places(other[key]) == places(text), key
        assert other[key], key


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def sources() -> dict[str, str]:
    files = [*WEB.glob("static/*.js"), *WEB.glob("templates/*.html"), *WEB.glob("page*.py")]
    return {file.name: file.read_text() for file in files}


def test_every_word_that_is_asked_for_is_there():
    words = languages()["en"].words
    for name, content in sources().items():
        for key in ASKED.findall(content):
            assert key in words, (name, key)
        for start in MADE.findall(content):
            assert any(key.startswith(start) for key in words), (name, start)


def test_no_word_is_never_asked_for():
    content = "\n".join(sources().values())
    made = tuple(MADE.findall(content))
    by_name = (
        "labels.",
        "points.",
        "parts.",
        "methods.",
        "method_words.",
        "units.",
        "refusals.",
        "warnings.",
        "language.",
        "color_maps.",
    )
    left = [key for key in languages()["en"].words if key not in content and not key.startswith((*made, *by_name))]

    assert left == []


def test_the_words_of_scripts_are_in_the_page():
    sections = {key.partition(".")[0] for file in WEB.glob("static/*.js") for key in ASKED.findall(file.read_text())}

    assert sections <= set(page.SCRIPT_SECTIONS)


@pytest.mark.parametrize("code", [code.value for code in WarningCode])
def test_every_warning_has_a_plain_title(code):
    assert f"warnings.{code}" in languages()["en"].words


@pytest.mark.parametrize("code", [code.value for code in RefusalCode])
def test_every_refusal_has_a_plain_title(code):
    assert f"refusals.{code}" in languages()["en"].words


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        ("de-AT, en;q=0.8", ["de", "en"]),
        ("en;q=0.2,de;q=0.9", ["de", "en"]),
        ("de;q=0", []),
        ("", []),
        (";;q=,,de;q=much,en", ["en"]),
    ],
)
def test_preferences_are_sorted_by_weight_and_garbled_ones_left_out(header, codes):
    assert preferred(header) == codes


def test_what_the_address_names_counts_more_than_the_browser():
    assert chosen_language("de", "en").code == "de"
    assert chosen_language("xx", "de").code == "de"
    assert chosen_language(None, None).code == "en"


def test_numbers_take_the_decimal_sign_of_the_language_and_are_never_certain():
    german = languages()["de"]

    assert german.percent(0.1234) == "12,3\N{NO-BREAK SPACE}%"
    assert german.percent(0.0001) == "< 0,1\N{NO-BREAK SPACE}%"
    assert german.percent(1.0) == "> 99,9\N{NO-BREAK SPACE}%"
