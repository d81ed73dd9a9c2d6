"""Warnings in another language: the numbers of the answer, and the English sentence where it knows more."""

from __future__ import annotations

from dataclasses import replace
from string import Formatter

import numpy as np
import pytest

from pneumoscope.bundle.lung_spec import LungSpec
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.inference.lung_evidence import LungFindings
from pneumoscope.inference.lung_gate import lung_warnings
from pneumoscope.inference.lungs import Lungs
from pneumoscope.inference.map_trust import map_trust, map_warnings
from pneumoscope.inference.population import population_warnings
from pneumoscope.inference.prediction import Prediction
from pneumoscope.radiograph.gate import check_shown
from pneumoscope.radiograph.radiograph import Radiograph, RadiographWarning
from pneumoscope.web.language import languages
from pneumoscope.web.warning_words import numbers, said

from .conftest import tiny_card

GERMAN, ENGLISH = languages()["de"], languages()["en"]
NARROW = np.tile(np.linspace(0, 255, 70).astype(np.uint8), (210, 1))


@pytest.fixture(scope="module")
def prediction() -> Prediction:
    card = tiny_card()
    radiograph = Radiograph(NARROW, "upload", "image/png", "0" * 64, age_years=70.5, view_position="LL")
    return Prediction(
        radiograph=radiograph,
        logit=1.0,
        score=0.7,
        probability=0.9,
        decision=Decision.PNEUMONIA,
        operating_point=card.operating_points[0],
        saliency_map=np.ones((2, 2), np.float32),
        embedding=np.ones(2, np.float32),
        warnings=(),
        lungs=LungFindings(0.2, 0.15, 0.05, None, 0.12),
        map_trust=map_trust(0.12, Decision.PNEUMONIA, least_heat_inside=0.4),
    )


def test_numbers_are_put_in_so_that_no_english_is_needed(prediction):
    card = tiny_card()
    found = [*check_shown(NARROW), *population_warnings(prediction.radiograph, card.population)]
    found += map_warnings(prediction.map_trust)
    sentences = {warning.code: said(warning, prediction, card, GERMAN) for warning in found}

    assert set(sentences) == {
        "low-resolution",
        "odd-aspect-ratio",
        "age-outside-population",
        "view-outside-population",
        "map-doubtful",
    }
    assert {sentence.original for sentence in sentences.values()} == {None}
    assert {sentence.language for sentence in sentences.values()} == {"de"}
    assert sentences["age-outside-population"].text.startswith(
        "Das Alter ist 70,5 Jahre; das Modell wurde aus Aufnahmen"
    )
    assert "Nur 12\N{NO-BREAK SPACE}% der Hinweise" in sentences["map-doubtful"].text
    assert "70 \N{MULTIPLICATION SIGN} 210 Pixel" in sentences["low-resolution"].text


def test_everything_unusual_about_lungs_is_told_with_its_numbers(prediction):
    spec = LungSpec(64, 0.5, 0.01, (0.3, 0.5), (0.6, 0.7), (0.6, 0.7), 0.4)
    right = np.zeros((10, 10), bool)
    right[2:4, 2:8] = True
    left = np.zeros((10, 10), bool)
    left[6, 6:8] = True
    (warning,) = lung_warnings(Lungs(right, left), spec)
    found = said(warning, prediction, tiny_card(), GERMAN)

    assert found.original is None
    assert found.text.replace("\N{NO-BREAK SPACE}", " ") == (
        "Die gefundenen Lungen sind ungewöhnlich: sie nehmen 14 % des Bilds ein (üblich: 30 % bis 50 %); "
        "ihre Mitte liegt bei 35 % der Bildhöhe (üblich: 60 % bis 70 %); "
        "ihre Mitte liegt bei 53 % der Bildbreite (üblich: 60 % bis 70 %); "
        "die kleinere hat 14 % ihrer gemeinsamen Fläche (üblich: mindestens 40 %). Die Antwort kann hier falsch sein."
    )


def test_a_number_that_the_sentence_cannot_have_comes_with_the_english_one(prediction):
    warning = RadiographWarning("low-contrast", "98 % of the pixels lie within 7 of 256 gray levels.")
    found = said(warning, prediction, tiny_card(), GERMAN)

    assert found.text.startswith("Fast alle Pixel")
    assert found.original == warning.message


def test_on_the_english_page_the_server_speaks_for_itself(prediction):
    warning = RadiographWarning("low-contrast", "98 % of the pixels lie within 7 of 256 gray levels.")
    found = said(warning, prediction, tiny_card(), ENGLISH)

    assert (found.text, found.language, found.original) == (warning.message, "en", None)


def test_a_code_without_a_sentence_is_told_in_english(prediction):
    found = said(RadiographWarning("new", "Something new."), prediction, tiny_card(), GERMAN)

    assert (found.title, found.text, found.language) == ("", "Something new.", "en")


@pytest.mark.parametrize("language", [GERMAN])
def test_every_place_in_a_sentence_is_filled(prediction, language):
    known = {*numbers(prediction, tiny_card(), language), "unusual"}
    bare = replace(prediction, lungs=None, map_trust=None)
    for key, sentence in language.words.items():
        if key.startswith("warning_words."):
            assert {name for _, name, _, _ in Formatter().parse(sentence) if name} <= known, key
            warning = RadiographWarning(key.partition(".")[2], "")
            assert said(warning, bare, tiny_card(), language).text
