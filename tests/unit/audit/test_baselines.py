import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pneumoscope.audit.baselines import cue_baselines, logits_by, ring
from pneumoscope.dataset.cues import read_original_sizes
from pneumoscope.dataset.manifest import Split, in_split
from pneumoscope.errors import UnusableData

NO_BAR = {"workers": 2, "watched": lambda items, total: items}


def test_logits_are_those_of_a_logistic_regression_on_the_training_part(generator):
    values = generator.normal(size=(80, 3))
    labels = values[:60, 0] + generator.normal(size=60) > 0
    reference = LogisticRegression(C=1.0, tol=1e-8, max_iter=1000).fit(values[:60], labels)
    assert logits_by(values, labels) == pytest.approx(reference.decision_function(values[60:]), abs=1e-3)


def test_what_is_not_known_is_left_out_of_the_fit_and_has_no_logit(generator):
    values = generator.normal(size=(50, 2))
    labels = np.arange(40) % 2 == 0
    unknown = values.copy()
    unknown[[3, 45], 1] = np.nan
    logits = logits_by(unknown, labels)
    assert np.isnan(logits).tolist() == [number == 5 for number in range(10)]
    without = logits_by(np.delete(values, [3, 45], axis=0), np.delete(labels, 3))
    assert np.delete(logits, 5) == pytest.approx(without)


def test_the_border_is_the_outer_two_pixels_of_a_thumbnail():
    assert ring().sum() == 28**2 - 24**2
    assert not ring()[2:-2, 2:-2].any()


def test_each_cue_scores_the_audited_rows_alone(labelled):
    training, audited = in_split(labelled.rows, Split.TRAIN), in_split(labelled.rows, Split.VALIDATION)
    original = read_original_sizes(labelled.sizes)
    baselines = cue_baselines(training, audited, labelled.data, original, **NO_BAR)
    labels = np.array([row.has_finding for row in audited])
    assert set(baselines.logits) == {"metadata", "border", "thumbnail"}
    assert (
        baselines.logits["metadata"][labels].min() > baselines.logits["metadata"][~labels].max()
    )  # pneumonia is wider
    assert baselines.sizes_px.tolist() == [[10 * row.width_px, 10 * row.height_px] for row in audited]
    assert (baselines.fitted_on, baselines.changed_files, baselines.why_not) == (12, 0, None)


def test_without_train_rows_there_is_no_cue_to_compare_with(labelled):
    baselines = cue_baselines([], in_split(labelled.rows, Split.VALIDATION), labelled.data, None, **NO_BAR)
    assert baselines.logits == {}
    assert "no train rows" in baselines.why_not


def test_sizes_that_lack_a_radiograph_are_told(labelled):
    with pytest.raises(UnusableData, match="sizes-missing"):
        cue_baselines([], labelled.rows[:1], labelled.data, {}, **NO_BAR)
