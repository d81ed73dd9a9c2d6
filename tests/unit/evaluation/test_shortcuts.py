import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pneumoscope.evaluation.shortcuts import cue_report, fit_logistic


@pytest.fixture
def cue(generator):
    labels = generator.random(400) < 0.7
    values = generator.normal(0, 1, (400, 30)) + 0.4 * labels[:, np.newaxis] * (np.arange(30) < 3)
    return values, labels


def test_the_logistic_regression_is_that_of_scikit_learn(cue):
    values, labels = cue
    reference = LogisticRegression(C=1.0, tol=1e-10, max_iter=5000).fit(values, labels)
    weights = fit_logistic(values, labels)
    assert weights[0] == pytest.approx(reference.intercept_[0], abs=1e-4)
    assert weights[1:] == pytest.approx(reference.coef_[0], abs=1e-4)


def test_values_that_part_the_labels_give_finite_weights():
    values = np.array([[0.0], [0.1], [0.9], [1.0]])
    labels = np.array([False, False, True, True])
    weights = fit_logistic(values, labels)
    assert np.isfinite(weights).all()
    assert (weights[0] + values[:, 0] * weights[1] > 0).tolist() == labels.tolist()


def parts(count, *, test_share=0.25):
    test = np.arange(count) >= count * (1 - test_share)
    return np.where(test, -1, np.arange(count) % 5), test


def test_a_cue_that_tells_the_label_in_both_parts_is_seen_in_both(generator):
    labels = generator.random(400) < 0.5
    folds, test = parts(400)
    report = cue_report(
        2.0 * labels[:, np.newaxis] + generator.normal(0, 0.1, (400, 1)), labels, folds=folds, test=test
    )
    assert report["within_train"]["auroc"] == report["test"]["auroc"] == 1
    assert report["test"]["accuracy"] == 1


def test_a_cue_that_turns_round_on_the_test_part_scores_below_chance_there(generator):
    labels = generator.random(400) < 0.5
    folds, test = parts(400)
    signs = np.where(test, -1, 1)
    report = cue_report((labels * signs)[:, np.newaxis].astype(float), labels, folds=folds, test=test)
    assert report["within_train"]["auroc"] == 1
    assert report["test"]["auroc"] == 0


def test_noise_tells_nothing_within_train_since_each_is_scored_by_a_fit_on_others(generator):
    labels = np.arange(400) % 2 == 0
    folds, test = parts(400)
    report = cue_report(generator.normal(0, 1, (400, 200)), labels, folds=folds, test=test)
    assert 0.38 < report["within_train"]["auroc"] < 0.62


def test_a_cue_that_is_the_same_everywhere_is_not_measured():
    labels = np.arange(40) % 2 == 0
    folds, test = parts(40)
    report = cue_report(np.ones((40, 2)), labels, folds=folds, test=test)
    assert report == {"unknown": 0, "within_train": None, "test": None}


def test_unknown_values_are_left_out_and_counted(generator):
    labels = np.arange(40) % 2 == 0
    values = labels[:, np.newaxis].astype(float)
    values[[3, 39]] = np.nan
    folds, test = parts(40)
    report = cue_report(values, labels, folds=folds, test=test)
    assert report["unknown"] == 2
    assert report["test"]["auroc"] == 1


def test_a_test_part_of_one_class_or_none_is_not_measured(generator):
    labels = np.arange(40) % 2 == 0
    folds, test = parts(40)
    values = generator.normal(0, 1, (40, 1))
    assert cue_report(values, labels | test, folds=folds, test=test)["test"] is None
    assert cue_report(values, labels, folds=np.arange(40) % 5, test=np.zeros(40, bool))["test"] is None


def test_one_fold_gives_no_number_within_train_but_one_on_test(generator):
    labels = np.arange(40) % 2 == 0
    folds, test = parts(40)
    report = cue_report(generator.normal(0, 1, (40, 1)), labels, folds=np.minimum(folds, 0), test=test)
    assert report["within_train"] is None
    assert report["test"] is not None
