import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.evaluation.delong import auroc_covariance, auroc_difference, auroc_interval, placement_values
from pneumoscope.evaluation.metrics import area_under_roc

repeatable = settings(deadline=None, derandomize=True, max_examples=60, database=None)


def compared(above: float, below: float) -> float:
    return 1.0 if above > below else 0.5 if above == below else 0.0


def brute_force_covariance(scores, labels, patients):
    """Obuchowski 1997 with loops, from the definition of placement values."""
    clusters = sorted(set(patients.tolist()))
    m, n = labels.sum(), (~labels).sum()
    sums = []
    for row in scores:
        area = np.mean([[compared(x, y) for y in row[~labels]] for x in row[labels]])
        x_sums, y_sums = [], []
        for cluster in clusters:
            inside = patients == cluster
            v10 = [np.mean([compared(x, y) for y in row[~labels]]) - area for x in row[inside & labels]]
            v01 = [np.mean([compared(x, y) for x in row[labels]]) - area for y in row[inside & ~labels]]
            x_sums.append(sum(v10))
            y_sums.append(sum(v01))
        sums.append((np.array(x_sums), np.array(y_sums)))
    i = len(clusters)
    i10, i01 = len(set(patients[labels].tolist())), len(set(patients[~labels].tolist()))
    covariance = np.zeros((len(scores), len(scores)))
    for r, (xr, yr) in enumerate(sums):
        for s, (xs, ys) in enumerate(sums):
            s10, s01 = i10 / ((i10 - 1) * m) * (xr @ xs), i01 / ((i01 - 1) * n) * (yr @ ys)
            covariance[r, s] = s10 / m + s01 / n + i / (i - 1) * (xr @ ys + xs @ yr) / (m * n)
    return covariance


@repeatable
@given(st.integers(0, 2**32 - 1), st.integers(3, 30))
def test_the_clustered_covariance_equals_its_definition_by_loops(seed, patient_count):
    generator = np.random.default_rng(seed)
    labels = np.concatenate([[True, True, False, False], generator.random(36) < 0.5])
    patients = np.concatenate([[0, 1, 0, 2], generator.integers(patient_count, size=36)])
    scores = np.round(generator.normal(labels * 1.0, 1, (2, 40)), 1)
    aurocs, covariance = auroc_covariance(scores, labels, patients)
    assert aurocs == pytest.approx([area_under_roc(row, labels) for row in scores])
    assert covariance == pytest.approx(brute_force_covariance(scores, labels, patients))


def test_with_one_radiograph_a_patient_it_is_delongs_variance(generator):
    labels = generator.random(80) < 0.5
    scores = np.round(generator.normal(labels * 1.0), 1)
    above = [np.mean([compared(x, y) for y in scores[~labels]]) for x in scores[labels]]
    below = [np.mean([compared(x, y) for x in scores[labels]]) for y in scores[~labels]]
    expected = np.var(above, ddof=1) / len(above) + np.var(below, ddof=1) / len(below)
    for patients in (None, generator.permutation(80)):
        _, covariance = auroc_covariance(scores[np.newaxis], labels, patients)
        assert covariance[0, 0] == pytest.approx(expected)


def test_placement_values_of_a_worked_case():
    above, below = placement_values(np.array([1.0, 3, 2, 3, 5]), np.array([0, 0, 1, 1, 1], bool))
    assert above.tolist() == [0.5, 0.75, 1]
    assert below.tolist() == [1, 0.5]


def test_the_variance_of_a_worked_case():
    """Placements 0.5, 0.75, 1 and 1, 0.5: variances 1/16 and 1/8; so 1/48 + 1/16."""
    _, covariance = auroc_covariance(np.array([[1.0, 3, 2, 3, 5]]), np.array([0, 0, 1, 1, 1], bool))
    assert covariance[0, 0] == pytest.approx(1 / 48 + 1 / 16)


def test_radiographs_copied_within_a_patient_do_not_narrow_the_interval(generator):
    labels = generator.random(60) < 0.5
    scores = generator.normal(labels * 1.0)
    alone = auroc_interval(scores, labels)
    copied = auroc_interval(np.repeat(scores, 5), np.repeat(labels, 5), np.repeat(np.arange(60), 5))
    naive = auroc_interval(np.repeat(scores, 5), np.repeat(labels, 5))
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high))
    assert naive.high - naive.low < 0.6 * (alone.high - alone.low)


def test_the_interval_holds_the_true_auroc_in_about_95_of_100_data_sets(generator):
    truth, inside = 0.9213503964748575, 0
    for _ in range(300):
        labels = np.arange(120) % 2 == 0
        interval = auroc_interval(generator.normal(labels * 2.0), labels)
        inside += interval.low <= truth <= interval.high
    assert 0.91 <= inside / 300 <= 0.985


def test_classes_that_part_have_no_interval():
    found = auroc_interval(np.array([1.0, 2, 3, 4]), np.array([0, 0, 1, 1], bool))
    assert (found.value, found.low, found.high) == (1, None, None)


def test_one_patient_of_a_class_has_no_interval_and_no_test(generator):
    labels, patients = np.array([1, 1, 0, 0, 0], bool), np.array([0, 0, 1, 2, 3])
    first, second = generator.normal(size=(2, 5))
    assert auroc_interval(first, labels, patients).low is None
    assert auroc_difference(first, second, labels, patients).p_value is None


def test_the_difference_of_a_system_from_itself_is_none_at_all(generator):
    labels = generator.random(50) < 0.5
    scores = generator.normal(labels * 1.0)
    found = auroc_difference(scores, 3 * scores + 1, labels)
    assert (found.value, found.p_value) == (0, 1)


def test_p_values_of_equal_systems_are_spread_evenly(generator):
    values = []
    for _ in range(400):
        labels = np.arange(100) % 2 == 0
        signal = generator.normal(labels * 1.0)
        first, second = signal + generator.normal(size=(2, 100))
        values.append(auroc_difference(first, second, labels).p_value)
    assert 0.02 <= np.mean(np.array(values) < 0.05) <= 0.09
    assert 0.4 <= np.mean(np.array(values) < 0.5) <= 0.6
