import numpy as np
import pytest
from crepes import ConformalClassifier
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.errors import UnusableBundle, UnusableData, UnusableOption
from pneumoscope.evaluation.calibration import PlattCalibration
from pneumoscope.evaluation.zones import ConformalZones, Zone, fit_zones, possible_classes

repeatable = settings(deadline=None, derandomize=True, max_examples=60, database=None)


def zones(low: float, high: float) -> ConformalZones:
    return ConformalZones(0.05, low, high, 10, 10, 10, 10, "validation")


@repeatable
@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=60).filter(
        lambda rows: len({label for _, label in rows}) == 2
    ),
    st.sampled_from([0.01, 0.05, 0.1, 0.2, 0.25, 0.5]),
)
def test_with_one_radiograph_a_patient_the_sets_are_those_of_crepes(rows, alpha):
    probabilities, labels = np.array([row[0] / 20 for row in rows]), np.array([row[1] for row in rows])
    reference = ConformalClassifier().fit(np.where(labels, 1 - probabilities, probabilities), bins=labels)
    new = np.linspace(0, 1, 41)
    normal = reference.predict_p(new, bins=np.zeros(41, bool), smoothing=False) > alpha + 1e-12
    pneumonia = reference.predict_p(1 - new, bins=np.ones(41, bool), smoothing=False) > alpha + 1e-12
    found = possible_classes(
        new, fit_zones(probabilities, labels, np.arange(len(rows)), alpha=alpha, chosen_on="validation")
    )
    # 1 - probability does not come back exactly, which matters on a calibration value only
    apart = np.array([not np.isclose(value, probabilities).any() for value in new])
    assert found.pneumonia[apart].tolist() == pneumonia[apart].tolist()
    assert found.normal.tolist() == normal.tolist()


def test_thresholds_of_a_worked_case():
    """19 patients a class at alpha 0.1: (count + 1) / 20 > 0.1 from the second on."""
    probabilities = np.concatenate([np.arange(1, 20) / 40, 0.5 + np.arange(1, 20) / 40])
    labels = np.repeat([False, True], 19)
    found = fit_zones(probabilities, labels, np.arange(38), alpha=0.1, chosen_on="validation")
    assert found.pneumonia_possible_from == 0.55
    assert found.normal_possible_up_to == 18 / 40
    assert (found.patients_with_finding, found.radiographs_without_finding) == (19, 19)


def test_both_possible_is_uncertain():
    overlapping = zones(0.3, 0.7)
    assert [overlapping.zone(p) for p in (0.29, 0.3, 0.7, 0.71)] == [
        Zone.UNLIKELY,
        Zone.UNCERTAIN,
        Zone.UNCERTAIN,
        Zone.LIKELY,
    ]


def test_neither_possible_is_uncertain_where_the_thresholds_cross():
    crossed = zones(0.7, 0.3)
    assert [crossed.zone(p) for p in (0.3, 0.31, 0.69, 0.7)] == [
        Zone.UNLIKELY,
        Zone.UNCERTAIN,
        Zone.UNCERTAIN,
        Zone.LIKELY,
    ]


@repeatable
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_probability_is_never_in_a_lower_zone(low, high, first, second):
    order = [Zone.UNLIKELY, Zone.UNCERTAIN, Zone.LIKELY]
    some = zones(low, high)
    assert order.index(some.zone(min(first, second))) <= order.index(some.zone(max(first, second)))


@repeatable
@given(st.floats(0, 1), st.floats(0, 1), st.lists(st.floats(0, 1), min_size=1))
def test_many_radiographs_fall_where_each_would_by_itself(low, high, probabilities):
    some = zones(low, high)
    found = possible_classes(np.array(probabilities), some)
    for row, probability in enumerate(probabilities):
        zone = some.zone(probability)
        assert found.likely[row] == (zone is Zone.LIKELY)
        assert found.unlikely[row] == (zone is Zone.UNLIKELY)


def test_few_patients_promise_nothing_so_that_nothing_is_excluded():
    labels = np.repeat([False, True], 18)
    found = fit_zones(np.linspace(0, 1, 36), labels, np.arange(36), alpha=0.05, chosen_on="validation")
    assert (found.pneumonia_possible_from, found.normal_possible_up_to) == (0, 1)
    assert {found.zone(p) for p in (0.0, 0.5, 1.0)} == {Zone.UNCERTAIN}


def missed_shares(generator, *, calibrate, repeats: int = 1500) -> float:
    """Share of new patients with pneumonia, one radiograph each, for whom pneumonia is held impossible."""
    missed = 0
    for _ in range(repeats):
        new = generator.normal() + 0.2 * generator.normal()
        missed += 1 / (1 + np.exp(-new)) < calibrate(generator)
    return missed / repeats


def test_of_new_patients_at_most_alpha_are_missed_even_with_39_to_calibrate_on(generator):
    def calibrate(generator):
        scores = np.concatenate([generator.normal(0, np.sqrt(1.04), 39), [0.0]])
        labels = np.arange(40) < 39
        probabilities = 1 / (1 + np.exp(-scores))
        return fit_zones(
            probabilities, labels, np.arange(40), alpha=0.1, chosen_on="validation"
        ).pneumonia_possible_from

    assert missed_shares(generator, calibrate=calibrate) == pytest.approx(0.1, abs=0.025)


def test_the_promise_holds_where_patients_have_several_radiographs_that_are_alike(generator):
    """3 patients with 40 radiographs and 16 with one: radiographs taken as patients would miss 21 of 100."""

    def calibrate(generator):
        patients = np.repeat(np.arange(19), np.where(np.arange(19) < 3, 40, 1))
        scores = generator.normal(size=19)[patients] + 0.2 * generator.normal(size=len(patients))
        probabilities = 1 / (1 + np.exp(-np.concatenate([scores, [0.0]])))
        labels = np.arange(len(probabilities)) < len(scores)
        numbers = np.concatenate([patients, [99]])
        return fit_zones(probabilities, labels, numbers, alpha=0.1, chosen_on="validation").pneumonia_possible_from

    assert missed_shares(generator, calibrate=calibrate) <= 0.1 + 0.02


def test_radiographs_copied_within_a_patient_change_no_threshold(generator):
    labels = generator.random(60) < 0.5
    probabilities = generator.random(60)
    alone = fit_zones(probabilities, labels, np.arange(60), alpha=0.1, chosen_on="validation")
    times = generator.integers(1, 6, 60)
    copied = fit_zones(
        np.repeat(probabilities, times),
        np.repeat(labels, times),
        np.repeat(np.arange(60), times),
        alpha=0.1,
        chosen_on="validation",
    )
    assert copied.pneumonia_possible_from == alone.pneumonia_possible_from
    assert copied.normal_possible_up_to == alone.normal_possible_up_to
    assert copied.patients_with_finding == alone.patients_with_finding


@repeatable
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 3))
def test_widened_zones_are_uncertain_about_logits_near_0_and_keep_every_class_that_was_possible(low, high, within):
    calibration = PlattCalibration(slope=1.3, intercept=-1.0)
    wide = zones(low, high).widened(calibration, within)
    assert wide.zone(calibration.probability(within / 2)) == wide.zone(calibration.probability(-within)) == "uncertain"
    grid = np.linspace(0, 1, 101)
    before, after = possible_classes(grid, zones(low, high)), possible_classes(grid, wide)
    assert not (before.pneumonia & ~after.pneumonia).any()
    assert not (before.normal & ~after.normal).any()


def test_zones_that_are_widened_by_nothing_are_the_same():
    assert zones(0.2, 0.8).widened(PlattCalibration(slope=1.0, intercept=3.0), 0.0) == zones(0.2, 0.8)


def test_zones_survive_the_card():
    some = zones(0.2, 0.8)
    assert ConformalZones(**some.to_dict()) == some


def test_the_test_split_chooses_no_zones():
    with pytest.raises(UnusableData, match="test-rows-refused"):
        fit_zones(np.array([0.1, 0.9]), np.array([False, True]), np.arange(2), alpha=0.1, chosen_on="test")


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_an_error_rate_outside_0_and_1_is_refused(alpha):
    with pytest.raises(UnusableOption, match="alpha-impossible"):
        fit_zones(np.array([0.1, 0.9]), np.array([False, True]), np.arange(2), alpha=alpha, chosen_on="validation")


def test_thresholds_outside_0_and_1_cannot_be():
    with pytest.raises(UnusableBundle, match="zones-impossible"):
        zones(-0.1, 0.5)


@pytest.mark.parametrize("within", [-0.1, float("nan")])
def test_no_logit_is_uncertain_within_less_than_nothing(within):
    with pytest.raises(UnusableBundle, match="zones-impossible"):
        ConformalZones(0.05, 0.2, 0.8, 10, 10, 10, 10, "validation", within)
