import numpy as np
import pytest

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.bootstrap import nested, quantile, resampled_weights, weighted_bootstrap, with_exact_end
from pneumoscope.evaluation.intervals import patient_bootstrap
from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.evaluation.ranking import auroc, rank


@pytest.fixture
def clustered(generator):
    """90 patients with two radiographs that are nearly alike."""
    patients = np.repeat(np.arange(90), 2)
    labels = (generator.random(90) < 0.5)[patients]
    scores = generator.normal(labels * 1.5) * 0.2 + generator.normal(size=90)[patients]
    return scores, labels, patients


def measure_of(scores, labels):
    ranking = rank(scores, labels)
    return lambda weights: {("auroc",): auroc(ranking, weights)}


def test_weights_give_the_interval_of_rows_taken_again_and_again(clustered):
    scores, labels, patients = clustered
    by_weights = weighted_bootstrap(
        measure_of(scores, labels), patients, labels, resamples=300, generator=np.random.default_rng(3)
    )["auroc",]
    by_rows = patient_bootstrap(
        lambda rows: {"auroc": area_under_roc(scores[rows], labels[rows])},
        [f"{patient:03d}" for patient in patients],
        resamples=300,
        generator=np.random.default_rng(3),
    )["auroc"]
    assert by_weights == pytest.approx(by_rows)


def test_the_same_seed_gives_the_same_numbers_however_many_are_held_at_once(clustered):
    scores, labels, patients = clustered
    found = [
        weighted_bootstrap(
            measure_of(scores, labels),
            patients,
            labels,
            resamples=50,
            generator=np.random.default_rng(3),
            chunk=chunk,
        )
        for chunk in (1, 1000, 2**20)
    ]
    assert found[0] == found[1] == found[2]


def test_all_radiographs_of_a_patient_count_alike_and_as_many_patients_are_drawn_as_there_are(clustered):
    _, labels, patients = clustered
    weights = np.concatenate(
        list(resampled_weights(patients, labels, resamples=20, generator=np.random.default_rng(0), chunk=500))
    )
    assert weights.shape == (20, 180)
    assert (weights[:, 0::2] == weights[:, 1::2]).all()
    assert (weights[:, 0::2].sum(axis=1) == 90).all()


def test_numbers_of_patients_may_have_gaps(clustered):
    scores, labels, patients = clustered
    found = [
        weighted_bootstrap(
            measure_of(scores, labels), numbers, labels, resamples=50, generator=np.random.default_rng(3)
        )
        for numbers in (patients, 7 * patients + 100)
    ]
    assert found[0] == found[1]


def test_a_resample_always_holds_both_classes():
    labels, patients = np.array([True, False, False]), np.arange(3)
    for weights in resampled_weights(patients, labels, resamples=200, generator=np.random.default_rng(0)):
        assert (weights @ labels > 0).all()
        assert (weights @ ~labels > 0).all()


def test_one_class_only_is_refused_and_not_waited_for():
    with pytest.raises(UnusableData, match="too-few-patients"):
        next(resampled_weights(np.arange(3), np.ones(3, bool), resamples=1, generator=np.random.default_rng(0)))


def test_the_interval_holds_the_true_auroc_in_about_95_of_100_data_sets(generator):
    """Two radiographs a patient that are wholly alike: the interval must not take them for two."""
    truth, inside = 0.8413447460685429, 0
    for _ in range(200):
        labels, patients = np.repeat(np.arange(100) % 2 == 0, 2), np.repeat(np.arange(100), 2)
        scores = np.repeat(generator.normal((np.arange(100) % 2 == 0) * np.sqrt(2)), 2)
        found = weighted_bootstrap(measure_of(scores, labels), patients, labels, resamples=200, generator=generator)[
            "auroc",
        ]
        inside += found["low"] <= truth <= found["high"]
    assert 0.89 <= inside / 200 <= 0.985


def interval_of(values):
    drawn = np.array(values, float)
    parts = iter([drawn[:1], *np.split(drawn, len(drawn))])
    return weighted_bootstrap(
        lambda weights: {("m",): next(parts)},
        np.arange(2),
        np.array([True, False]),
        resamples=len(drawn),
        generator=np.random.default_rng(0),
        chunk=1,
    )["m",]


def test_a_metric_that_is_often_not_defined_has_no_interval():
    assert interval_of([1.0] * 96 + [np.nan] * 4) == {"value": 1, "low": 1, "high": 1}
    assert interval_of([1.0] * 94 + [np.nan] * 6) == {"value": 1, "low": None, "high": None}
    assert interval_of([np.nan] * 20) == {"value": None, "low": None, "high": None}


def test_an_infinite_end_is_none_and_the_other_end_stays():
    found = interval_of([3.0] * 50 + [np.inf] * 50)
    assert found == {"value": 3, "low": 3, "high": None}


def test_quantiles_are_those_of_numpy(generator):
    values = np.sort(generator.normal(size=37))
    for share in (0, 0.025, 0.3, 0.975, 1):
        assert quantile(values, share) == pytest.approx(np.quantile(values, share))


def test_30_of_30_patients_found_is_at_least_88_percent():
    """Exact binomial interval of 30 of 30: 0.025^(1/30) = 0.8843."""
    perfect = {"value": 1.0, "low": 1.0, "high": 1.0}
    assert with_exact_end(perfect, patients=30) == {"value": 1, "low": pytest.approx(0.8843, abs=5e-5), "high": 1}
    never = {"value": 0.0, "low": 0.0, "high": 0.0}
    assert with_exact_end(never, patients=30) == {"value": 0, "low": 0, "high": pytest.approx(0.1157, abs=5e-5)}


def test_an_interval_with_a_width_stays_as_it_is():
    some = {"value": 1.0, "low": 0.9, "high": 1.0}
    assert with_exact_end(some, patients=30) == some


def test_keys_become_places():
    some = {"value": 1.0, "low": None, "high": None}
    assert nested({("a", "b"): some, ("a", "c", "d"): some, ("e",): some}) == {
        "a": {"b": some, "c": {"d": some}},
        "e": some,
    }
