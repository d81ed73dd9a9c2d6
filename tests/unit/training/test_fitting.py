from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.errors import FailedTraining
from pneumoscope.evaluation.calibration import PlattCalibration, fit_platt
from pneumoscope.training.fitting import FittingPart, decisions_flipped, fitting_part
from pneumoscope.training.validation_design import atypicality

LABELS = np.array([False, False, False, False, True, True, True, True])
LOGITS = np.array([-3.0, -2.0, -1.0, 1.5, -1.5, 1.0, 2.0, 3.0])


def part(chosen=(True,) * 8, share=1.0, prevalence=None, within_logit=0.0):
    return FittingPart(LABELS, np.arange(8), np.array(chosen), share, prevalence, within_logit)


def test_all_of_the_validation_part_is_fitted_to_where_the_share_is_one(recipe, parts):
    found = fitting_part(recipe, *parts)
    assert found.chosen.all()
    assert found.stated_prevalence is None
    assert found.among == ""


def test_only_the_normals_least_like_the_others_are_fitted_to(recipe, parts):
    training, validation = parts
    found = fitting_part(replace(recipe, fitted_normals_share=0.4), training, validation)
    labels = validation.targets > 0.5
    assert found.chosen[labels].all()
    rows = [*training.rows, *validation.rows]
    unlike = atypicality(rows, np.concatenate([training.pictures, validation.pictures]))[len(training.rows) :]
    left_out = ~labels & ~found.chosen
    assert unlike[~labels & found.chosen].min() >= unlike[left_out].max()
    assert (found.chosen & ~labels).sum() == round(0.4 * (~labels).sum())


def test_what_is_not_chosen_changes_nothing_that_is_fitted():
    chosen = [False, False, True, True, True, True, True, True]
    few, other = part(chosen, 0.5), LOGITS + np.array([9, 9, 0, 0, 0, 0, 0, 0])
    calibration = few.calibration(LOGITS)
    assert few.calibration(other) == calibration
    assert few.operating_points(calibration, other) == few.operating_points(calibration, LOGITS)
    assert few.zones(calibration, other) == few.zones(calibration, LOGITS)
    assert few.calibration(LOGITS) != part().calibration(LOGITS)
    balanced = few.operating_points(calibration, LOGITS)[0]
    assert balanced.rule == (
        "likelihood ratio 1: the probability is the share of pneumonia assumed, 67%; of NORMAL films only the least "
        "typical 50%"
    )
    assert balanced.threshold == pytest.approx(4 / 6)  # four of the six chosen have the finding


def test_a_network_that_learns_from_films_without_lungs_is_uncertain_where_it_says_nothing(recipe, parts):
    first, *others = recipe.stages
    silent = replace(recipe, stages=(replace(first, lungs_removed=0.25), *others))
    talkative = replace(recipe, stages=tuple(replace(stage, lungs_removed=0.0) for stage in recipe.stages))
    assert fitting_part(silent, *parts).uncertain_within_logit == 0.25
    assert fitting_part(talkative, *parts).uncertain_within_logit == 0

    labels = np.repeat([False, True], 30)
    logits = np.concatenate([np.linspace(-9, 3, 30), np.linspace(1, 9, 30)])
    calibration = fit_platt(logits, labels)

    def zones_at(logit):
        many = FittingPart(labels, np.arange(60), np.ones(60, bool), 1.0, None, 0.0)
        probability = calibration.probability(logit)
        before, after = (replace(many, uncertain_within_logit=within) for within in (0.0, 0.25))
        return before.zones(calibration, logits).zone(probability), after.zones(calibration, logits).zone(probability)

    assert zones_at(0.0) == ("unlikely", "uncertain")
    assert zones_at(-0.3) == ("unlikely", "unlikely")
    assert zones_at(4.0) == ("likely", "likely")


def test_the_stated_prevalence_is_the_calibrations():
    stated = part(prevalence=0.2).calibration(LOGITS)
    assert stated == fit_platt(LOGITS, LABELS, prevalence=0.2)
    assert stated.probability(0.0) < part().calibration(LOGITS).probability(0.0)
    assert part(prevalence=0.2).operating_points(stated, LOGITS)[0].threshold == 0.2


def test_a_network_that_has_learned_the_opposite_makes_no_bundle():
    assert part().calibration(LOGITS).slope > 0
    with pytest.raises(FailedTraining, match=r"nothing-learned.*weights are kept"):
        part().calibration(-LOGITS)


def test_decisions_that_differ_at_any_operating_point_are_counted():
    calibration = PlattCalibration(slope=1.0, intercept=0.0)
    points = part().operating_points(calibration, LOGITS)
    assert decisions_flipped(calibration, points, LOGITS, LOGITS + 1e-9) == 0
    assert decisions_flipped(calibration, points, LOGITS, np.where(LOGITS == 3, -9, LOGITS)) == len(points)


def test_the_card_says_what_was_fitted_to():
    chosen = [False, False, True, True, True, True, True, True]
    assert part(chosen, 0.5, 0.3).to_dict() == {
        "normals_share": 0.5,
        "radiographs": 6,
        "with_finding": 4,
        "stated_prevalence": 0.3,
    }
