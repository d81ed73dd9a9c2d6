"""Every row by hand, on eight radiographs whose answers are made up."""

from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.audit.baselines import Baselines
from pneumoscope.audit.evidence import Evidence
from pneumoscope.audit.observation import Observation, Observations
from pneumoscope.audit.outlines import NO_OUTLINE
from pneumoscope.audit.question import ROWS
from pneumoscope.audit.sections import all_questions
from pneumoscope.dataset.manifest import Label, ManifestRow, Split
from pneumoscope.evaluation.calibration import PlattCalibration, sigmoid
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.zones import ConformalZones

LABELS = [False, False, False, False, True, True, True, True]
LOGITS = [-3.0, -2.0, -1.0, 1.0, -0.5, 1.0, 2.0, 3.0]  # 14.5 of 16 pairs are won
ALL = np.arange(8)
COPIES = {
    "mirrored": [3.0, -2.0, -1.0, -1.0, -0.5, 1.0, 2.0, -3.0],
    "lungs-removed-black": [0.0] * 8,
    "only-lungs-mean": [-3.0, -2.0, -1.0, -1.0, -0.5, -1.5, 2.0, np.nan],
}


# between logits -1.5 and 1.5 a film may be either
ZONES = ConformalZones(0.05, sigmoid(-1.5), sigmoid(1.5), 4, 4, 4, 4, "validation")


def observation(number: int) -> Observation:
    label = Label.PNEUMONIA if LABELS[number] else Label.NORMAL
    row = ManifestRow(f"{number}.png", "", label, "", f"p{number}", Split.VALIDATION, 10, 10, "L")
    logits = {name: values[number] for name, values in COPIES.items() if not np.isnan(values[number])}
    heat = [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, np.nan, np.nan][number]
    area = [0.2, 0.2, 0.2, 0.2, 0.3, 0.4, 0.9, np.nan][number]
    return Observation(row, {"as-it-is": LOGITS[number], **logits}, float(number % 2), heat, area, NO_OUTLINE)


def evidence(**changes) -> Evidence:
    sizes_px = np.array([[100.0, 100.0], [200.0, 100.0]] * 4)
    cue = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, np.nan])
    baselines = Baselines({"metadata": cue}, sizes_px, 100, 0, None)
    settings = {
        "observations": Observations(tuple(observation(number) for number in range(8))),
        "baselines": baselines,
        "outline": None,
        "calibration": PlattCalibration(1.0, 0.0),
        "point": OperatingPoint("balanced", 0.5, 0.9, 0.9, "validation", ""),
        "zones": ZONES,
        "why_no_masks": None,
    }
    return Evidence(**{**settings, **changes})


@pytest.fixture
def rows():
    return {question.row: question for question in all_questions(evidence())}


def test_the_questions_are_the_rows_that_limits_may_name():
    assert tuple(question.row for question in all_questions(evidence())) == ROWS


def test_model_and_cue_are_compared_where_the_cue_is_known(rows):
    question = rows["baselines.metadata"]
    # without the last: positives -0.5, 1, 2 win 3, 3.5, 4 of 12 pairs; the cue wins 0 + 3 * 0.5 and twice 3 + 0.5
    assert question.also["AUROC of the model"](ALL) == pytest.approx(10.5 / 12)
    assert question.also["AUROC of the cue"](ALL) == pytest.approx(8.5 / 12)
    assert question.value(ALL) == pytest.approx(2 / 12)
    assert question.radiographs == 7
    assert rows["baselines.border"].why_not == "the cue is known of no radiograph"


def test_without_anything_left_the_auroc_is_a_half(rows):
    question = rows["lungs-removed.black"]
    assert question.value(ALL) == 0.5
    assert question.also["AUROC of the full picture"](ALL) == pytest.approx(14.5 / 16)
    assert rows["lungs-removed.mean"].why_not == "no radiograph with a lung mask can be measured"
    assert rows["lungs-removed.usual-black"].why_not == "no lung masks of train rows to tell where lungs usually are"


def test_only_the_lungs_are_compared_on_the_same_radiographs(rows):
    sensitivity, specificity = rows["only-lungs.mean-sensitivity"], rows["only-lungs.mean-specificity"]
    assert sensitivity.also["sensitivity with only the lungs"](ALL) == pytest.approx(1 / 3)
    assert sensitivity.also["sensitivity of the full picture"](ALL) == pytest.approx(2 / 3)
    assert sensitivity.value(ALL) == pytest.approx(-1 / 3)
    assert specificity.value(ALL) == pytest.approx(1 - 3 / 4)
    auroc = rows["only-lungs.mean-auroc"]
    # -0.5 beats all 4, -1.5 beats 2 of 4, 2 beats all
    assert auroc.also["AUROC with only the lungs"](ALL) == pytest.approx(10 / 12)
    assert auroc.value(ALL) == pytest.approx(10 / 12 - 10.5 / 12)
    assert auroc.radiographs == 7


def test_a_perturbation_is_judged_by_the_decisions_that_flip(rows):
    question = rows["appearance.mirrored"]
    assert question.value(ALL) == 3 / 8
    assert question.facts["flipped to PNEUMONIA"] == 1
    assert question.facts["flipped to NORMAL"] == 2
    sigmoid = 1 / (1 + np.exp(-np.array([3.0, 1.0])))
    moved = 2 * sigmoid - 1  # from -x to x
    assert question.facts["largest change of probability"] == pytest.approx(moved[0])
    assert question.also["mean change of probability"](ALL) == pytest.approx((2 * moved[0] + moved[1]) / 8)
    assert question.radiographs == 8
    assert rows["appearance.small-copy-lanczos"].why_not == "no radiograph is larger than what the model sees"


def test_heat_is_that_of_the_radiographs_with_the_finding(rows):
    question = rows["heat.inside-lungs"]
    assert question.value(ALL) == pytest.approx(0.6)
    assert question.also["lungs' share of the picture"](ALL) == pytest.approx(0.35)
    assert question.also["heat inside, all radiographs"](ALL) == pytest.approx(2.2 / 6)
    assert question.facts["without positive heat"] == 1
    assert question.radiographs == 2


def test_within_strata_of_equal_aspect_ratio_only_films_alike_are_compared(rows):
    question = rows["strata.aspect-ratio"]
    # even numbers: -3, -1 against -0.5, 2: all 4 won; odd: -2, 1 against 1, 3: 3.5 of 4
    assert question.also["AUROC within strata"](ALL) == pytest.approx(7.5 / 8)
    assert question.value(ALL) == pytest.approx(7.5 / 8 - 14.5 / 16)
    assert question.also["AUROC of the cue alone within strata"](ALL) == 0.5
    assert "2 strata" in question.asked


def test_one_aspect_ratio_for_all_is_not_a_stratum():
    same = Baselines({}, np.full((8, 2), 224.0), 100, 0, None)
    rows = {question.row: question for question in all_questions(evidence(baselines=same))}
    assert "--sizes" in rows["strata.aspect-ratio"].why_not
    assert "--sizes" in rows["strata.aspect-ratio-and-sharpness"].why_not
    assert rows["strata.sharpness"].value is not None


def test_rows_that_need_masks_say_that_there_are_none():
    copies_without = Observations(
        tuple(
            Observation(one.row, {"as-it-is": one.logits["as-it-is"]}, 0.0, np.nan, np.nan, NO_OUTLINE)
            for one in evidence().observations.seen
        )
    )
    asked = all_questions(evidence(observations=copies_without, why_no_masks="no lung masks"))
    needing = [question for question in asked if question.row.split(".")[0] in ("lungs-removed", "only-lungs", "heat")]
    assert len(needing) == 18
    assert {question.why_not for question in needing} == {"no lung masks"}


def test_zones_are_wrong_only_where_a_film_is_certainly_called_the_other_class(rows):
    plain, mirrored = rows["zones.as-it-is"], rows["zones.mirrored"]
    assert plain.value(ALL) == 0  # none is beyond 1.5 on the wrong side
    assert plain.also["uncertain"](ALL) == 4 / 8  # -1, 1, -0.5, 1
    assert mirrored.value(ALL) == 2 / 8  # the first, normal, at 3 and the last, pneumonia, at -3
    assert mirrored.facts == {"normal called likely": 1, "pneumonia called unlikely": 1}
    assert mirrored.radiographs == 8


def test_without_lungs_any_certainty_counts_against_the_model():
    lungs_gone = {"lungs-removed-black": [-2.0, 0.0, 0.0, 2.0, 2.0, 0.0, 0.0, np.nan]}
    seen = tuple(
        replace(
            observation(number),
            logits={"as-it-is": 0.0}
            | {name: of[number] for name, of in lungs_gone.items() if not np.isnan(of[number])},
        )
        for number in range(8)
    )
    questions = {one.row: one for one in all_questions(evidence(observations=Observations(seen)))}
    question = questions["zones.lungs-removed-black"]
    assert question.value(ALL) == pytest.approx(3 / 7)
    assert question.also["wrong"](ALL) == pytest.approx(1 / 7)
    assert question.also["uncertain"](ALL) == pytest.approx(4 / 7)
    assert question.radiographs == 7


def test_zones_are_not_measured_where_there_are_none(rows):
    assert rows["zones.jpeg-90"].why_not == "no radiograph has such a copy"
    without = {one.row: one for one in all_questions(evidence(zones=None))}
    assert without["zones.as-it-is"].why_not == "the bundle has no zones"
