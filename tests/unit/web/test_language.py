"""Every language has every word; the words that are asked for are there; what browsers ask for is understood."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumoscope.radiograph.radiograph import WarningCode
from pneumoscope.radiograph.refusal import RefusalCode
from pneumoscope.web import page
from pneumoscope.web.language import DEFAULT_LANGUAGE, chosen_language, languages, preferred

WEB = Path(page.__file__).parent
SENTENCES = ("refusal_words", "refusal_remedies", "warning_words", "unusual_lungs")
"""Sections of sentences that the server writes in English itself, so that only other languages have them."""
NEVER_SHOWN = {
    "key-missing": "the page asks for the key",
    "key-wrong": "the page asks for the key",
    "cases-missing": "the page does not ask for what the server does not have",
    "file-missing": "the page sends one",
    "file-is-text": "the page sends a file",
    "several-files": "the page sends one",
    "too-many-files": "the page sends one",
    "media-type-unknown": "the page sends a form",
    "host-not-allowed": "the page itself is refused there",
    "host-malformed": "browsers send one",
    "host-name-unusable": "the server does not start",
    "key-unusable": "the server does not start",
    "origin-unusable": "the server does not start",
    "host-unknown": "the server does not start",
    "port-in-use": "the server does not start",
    "port-not-permitted": "the server does not start",
}
"""Codes of `web/` that no visitor of the page meets, and why."""
ASKED = re.compile(r"""\bsay\(\s*["'`]([a-z]+\.[a-zA-Z_+-]+)["'`]\s*[,)]""")
MADE = re.compile(r"""\bsay\(\s*["'`]([a-z]+\.[a-zA-Z_]*)(?:\$\{|["'] ~)""")


def test_english_and_one_more_language_are_there():
    assert list(languages()) == ["en", "de"]


@pytest.mark.parametrize("code", [code for code in languages() if code != "en"])
def test_every_language_has_every_key_with_the_same_places(code):
    english, other = languages()["en"].words, languages()[code].words

    assert {key for key in other if key.partition(".")[0] not in SENTENCES} == set(english)
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
        "method_titles.",
        "method_words.",
        "units.",
        "refusals.",
        "warnings.",
        "language.",
        "color_maps.",
        "decisions.",
        "explained.",
        "sheet.",
    )
    left = [key for key in languages()["en"].words if key not in content and not key.startswith((*made, *by_name))]

    assert left == []


def test_the_words_of_scripts_are_in_the_page():
    sections = {key.partition(".")[0] for file in WEB.glob("static/*.js") for key in ASKED.findall(file.read_text())}

    assert sections <= set(page.SCRIPT_SECTIONS)


def literal_codes(folder: Path, *, of: Callable[[ast.Call], bool]) -> set[str]:
    """The reason codes that stand as text in calls of a kind."""
    return {
        call.args[0].value
        for file in folder.rglob("*.py")
        if "jobs" not in file.parts  # the page has no jobs
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant) and of(call)
    }


def warning_codes() -> set[str]:
    def warns(call: ast.Call) -> bool:
        return isinstance(call.func, ast.Name) and call.func.id == "RadiographWarning"

    return {code.value for code in WarningCode} | literal_codes(WEB.parent, of=warns)


def refusal_codes() -> set[str]:
    """Of every error of reading and of the server that a visitor of the page may meet."""

    def refuses(call: ast.Call) -> bool:
        return any(keyword.arg == "remedy" for keyword in call.keywords)

    of_web = literal_codes(WEB, of=refuses) - {"jobs-off"}
    assert set(NEVER_SHOWN) <= of_web
    return {code.value for code in RefusalCode} | (of_web - set(NEVER_SHOWN))


def test_the_registry_of_codes_is_whole():
    assert {"age-outside-population", "view-outside-population", "map-doubtful"} <= warning_codes()
    assert {"no-lungs", "url-not-public", "overloaded", "internal-error", "upload-too-large"} <= refusal_codes()


@pytest.mark.parametrize("language", languages())
def test_every_code_has_a_plain_title_in_every_language(language):
    words = languages()[language].words

    assert {code for code in warning_codes() if not words.get(f"warnings.{code}")} == set()
    assert {code for code in refusal_codes() if not words.get(f"refusals.{code}")} == set()


@pytest.mark.parametrize("language", [language for language in languages() if language != DEFAULT_LANGUAGE])
def test_every_code_has_a_sentence_and_a_remedy_in_every_other_language(language):
    words = languages()[language].words

    assert {key for key in words if key.startswith("warning_words.")} == {f"warning_words.{c}" for c in warning_codes()}
    for section in ("refusal_words", "refusal_remedies"):
        assert {key for key in words if key.startswith(f"{section}.")} == {f"{section}.{c}" for c in refusal_codes()}


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
