"""The picture to take along speaks the page's language, and keeps the command line's English where that is English."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from PIL import Image

from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.explanation.coloring import Coloring
from pneumoscope.explanation.lettering import drawable
from pneumoscope.explanation.methods import Explanation, Method
from pneumoscope.explanation.parts import EvidenceParts
from pneumoscope.explanation.sheet import Style
from pneumoscope.explanation.sheet_words import ENGLISH as ENGLISH_SHEET
from pneumoscope.inference.explained_sentences import ENGLISH, ExplainedSentences, ExplainedWords
from pneumoscope.inference.lung_evidence import EvidenceByRegion, LungFindings
from pneumoscope.inference.map_trust import MapTrust
from pneumoscope.web.language import languages
from pneumoscope.web.page_sheet import explained_words, sheet_words, told
from pneumoscope.web.warning_words import SaidWarning

from .conftest import gray_png, upload

GERMAN = languages()["de"]
COLORING = Coloring(scale_logit=0.25)


def said(predictor, words: ExplainedWords, *, method: Method = Method.GRAD_CAM, **of) -> ExplainedSentences:
    """Of a picture with a probability of one half, whose lungs and trust are made up."""
    prediction = predictor.predict(gray_png(128))
    region = EvidenceByRegion(right_lung=0.5, left_lung=0.25, outside=-1.0, bias=0.125)
    explanation = Explanation(method=method, saliency_map=prediction.saliency_map, unit="units", **of)
    told = replace(
        prediction,
        probability=0.5,
        decision=Decision.PNEUMONIA,
        lungs=LungFindings(0.4, 0.2, 0.2, region, 0.59),
        map_trust=MapTrust(0.59, 0.8, agreement=0.5, agreement_with="occlusion"),
    )
    parts = EvidenceParts(speaks_for=1.5, speaks_against=-0.25, bias=0.125)
    return ExplainedSentences(explanation=explanation, prediction=told, parts=parts, words=words)


def test_the_english_words_of_the_page_are_those_of_the_command_line():
    english = explained_words(languages()["en"])

    assert english.sheet == ENGLISH_SHEET
    for each in fields(ExplainedWords):
        if each.name != "names":
            assert getattr(english, each.name) == getattr(ENGLISH, each.name)


def test_the_english_sentences_give_every_number(predictor):
    english = said(predictor, ENGLISH)

    assert english.answer == (
        "Probability of pneumonia 0.500 - PNEUMONIA at the operating point balanced (threshold 0.300)"
    )
    assert english.sums == [
        "Evidence for +1.50, against -0.25, bias +0.12: logit +1.38",
        "Right lung +0.50, left lung +0.25, outside -1.00, bias +0.12: logit -0.12",
    ]
    assert english.trust == (
        "The map: 59% of the evidence for pneumonia inside the lungs (at least 80% is usual); "
        "correlation with occlusion +0.50"
    )
    assert english.method == "Grad-CAM: units"


def test_the_german_sentences_have_german_names_and_decimal_signs(predictor):
    german = said(predictor, explained_words(GERMAN))

    assert german.answer == "Hinweis auf Pneumonie: Wahrscheinlichkeit 0,500, Arbeitspunkt „ausgewogen“ ab 0,300"
    assert german.sums[0] == "Dafür +1,50, dagegen -0,25, bei jedem Bild gleich +0,12: Logit +1,38"
    assert german.trust == (
        "Die Karte: 59 % der Hinweise auf eine Pneumonie liegen in den Lungen (üblich sind mindestens 80 %); "
        "Korrelation mit Abdecken +0,50"
    )
    assert german.method == "Grad-CAM: Logit-Einheiten je Kartenfeld"
    assert german.key(COLORING, Style.OVERLAY).startswith("Volle Farbe ab 0,25,")
    assert german.key(COLORING, Style.CONTOURS).startswith("Linien")


def test_sums_and_trust_under_another_method_are_said_to_be_of_the_graphs_map(predictor):
    equal = said(predictor, ENGLISH, method=Method.HIRES_CAM, equals=Method.GRAD_CAM)
    cut = said(predictor, ENGLISH, method=Method.RISE, masks=16, planned_masks=600)

    assert equal.method == "HiResCAM: units; the same map as Grad-CAM here"
    assert equal.sums[0].startswith("Evidence for")
    assert cut.method == "RISE: units; 16 of 600 masks, the time ran out"
    assert [line.partition(": ")[0] for line in (*cut.sums, cut.trust)] == [
        "In the graph's map",
        "In the graph's map",
        "The map in the graph",
    ]


@pytest.mark.parametrize("code", languages())
def test_every_sheet_says_in_its_language_what_it_is_not_for(code):
    assert sheet_words(languages()[code]).footer == languages()[code].say("page.disclaimer")


@pytest.mark.parametrize("code", languages())
def test_the_font_has_every_letter_of_every_word_on_a_sheet(code):
    words = languages()[code].words
    sections = (
        "sheet.",
        "explained.",
        "decisions.",
        "points.",
        "method_titles.",
        "units.",
        "labels.",
        "warning_words.",
    )
    texts = [text for key, text in words.items() if key.startswith((*sections, "page.disclaimer"))]

    assert [text for text in texts if drawable(text) != text] == []


def test_the_downloaded_picture_is_lettered_in_the_language_of_the_page(send, monkeypatch):
    asked = []

    def noted(*_, **options) -> Image.Image:
        asked.append(options)
        return Image.new("RGB", (9, 9))

    monkeypatch.setattr("pneumoscope.web.page_sheet.sheet_of", noted)
    for query in ("?language=de", ""):
        assert send("POST", f"/page/sheet.png{query}", **upload(gray_png(170))).status_code == 200

    assert [each["words"].sheet.overlay for each in asked] == ["Überlagerung", "Overlay"]


def test_its_warnings_are_those_of_the_page_and_the_english_one_where_that_says_more():
    warning = SaidWarning("code", "Titel", "Der Satz.", "de", None)

    assert told(warning) == ["Der Satz."]
    assert told(replace(warning, original="59%.")) == ["Der Satz.", "59%."]
