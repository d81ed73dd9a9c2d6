import json

import numpy as np
import pytest
from sklearn import metrics as reference

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.evaluation.compare import compare

AT_HALF = {"balanced": (0.5, 0.5)}


def table(logits, labels, *, paths=None, patients=None):
    return ScoreColumns(
        paths or [f"{row}.png" for row in range(len(labels))],
        np.array(labels, bool),
        1 / (1 + np.exp(-np.array(logits))),
        np.array(logits, float),
        categories(patients) if patients else None,
    )


@pytest.fixture
def pair(generator):
    labels = generator.random(150) < 0.5
    signal = generator.normal(labels * 2.0 - 1, 1)
    patients = [f"p{row // 2}" for row in range(150)]
    good = table(signal + 0.2 * generator.normal(size=150), labels, patients=patients)
    bad = table(signal + 2.0 * generator.normal(size=150), labels, patients=patients)
    return good, bad


def compared(first, second, **options):
    return compare(
        first, second, **{"thresholds": AT_HALF, "resamples": 200, "generator": np.random.default_rng(1), **options}
    )


def test_a_difference_is_the_first_less_the_second(pair):
    found = compared(*pair)
    first, second = (reference.roc_auc_score(one.labels, one.logits) for one in pair)
    assert found["first"]["metrics"]["auroc"]["value"] == pytest.approx(first)
    assert found["difference"]["metrics"]["auroc"]["value"] == pytest.approx(first - second)
    accuracy = found["difference"]["operating_points"]["balanced"]["metrics"]["accuracy"]
    right, also_right = ((one.probabilities >= 0.5) == one.labels for one in pair)
    assert accuracy["value"] == pytest.approx(np.mean(right) - np.mean(also_right))


def test_a_better_system_is_seen_by_every_way(pair):
    found = compared(*pair)
    assert found["difference"]["metrics"]["auroc"]["low"] > 0
    assert found["delong"]["low"] > 0
    assert found["delong"]["p_value"] < 0.01
    assert found["mcnemar"]["balanced"]["p_value"] < 0.01
    assert found["mcnemar"]["balanced"]["unit"] == "radiograph"
    assert found["interval"]["unit"] == found["delong"]["unit"] == "patient"


def test_a_system_does_not_differ_from_itself(pair):
    found = compared(pair[0], pair[0])
    for metric in found["difference"]["metrics"].values():
        assert metric == {"value": 0, "low": 0, "high": 0}
    assert found["delong"]["p_value"] == found["mcnemar"]["balanced"]["p_value"] == 1


def test_pairing_makes_the_interval_of_a_difference_narrower(pair, generator):
    good, _ = pair
    alike = table(good.logits + 0.1 * generator.normal(size=150), good.labels)
    found = compared(good, alike)
    of_difference, of_one = found["difference"]["metrics"]["auroc"], found["first"]["metrics"]["auroc"]
    assert of_difference["high"] - of_difference["low"] < 0.3 * (of_one["high"] - of_one["low"])


def test_rows_in_another_order_are_matched_by_path(pair):
    good, bad = pair
    assert compared(good, bad.take(np.arange(150)[::-1])) == compared(good, bad)


def test_each_system_decides_at_its_own_threshold(pair):
    found = compared(*pair, thresholds={"own": (0.5, 0.9)})
    assert found["thresholds"]["own"] == {"first": 0.5, "second": 0.9}
    sensitivity = found["second"]["operating_points"]["own"]["metrics"]["sensitivity"]["value"]
    assert sensitivity == np.mean(pair[1].probabilities[pair[1].labels] >= 0.9)


def test_patients_of_either_table_serve_for_both(pair):
    good, bad = pair
    without = table(bad.logits, bad.labels)
    assert compared(good, without) == compared(good, bad)
    assert compared(without, good)["patients"] == 75
    assert compared(table(good.logits, good.labels), without)["interval"]["unit"] == "radiograph"


def test_patients_may_have_other_names_in_the_second_table(pair):
    good, bad = pair
    renamed = table(bad.logits, bad.labels, patients=[f"other-{row // 2}" for row in range(150)])
    assert compared(good, renamed) == compared(good, bad)


def test_the_document_goes_into_json(pair):
    json.dumps(compared(*pair), allow_nan=False)


def test_other_pictures_are_refused_by_name(pair):
    good, bad = pair
    with pytest.raises(
        UnusableData, match=r"2 radiographs have no score of the second system \(3.png, 7.png\), 0 none"
    ):
        compared(good, bad.take(np.array([row for row in range(150) if row not in {3, 7}])))
    with pytest.raises(UnusableData, match="pictures-differ"):
        compared(good.take(np.arange(100)), bad)


def test_other_labels_are_refused_by_name(pair):
    good, bad = pair
    labels = bad.labels.copy()
    labels[5] = ~labels[5]
    with pytest.raises(UnusableData, match=r"1 radiographs are labelled otherwise .*\(5.png\)"):
        compared(good, table(bad.logits, labels))


def test_patients_put_together_otherwise_are_refused(pair):
    good, bad = pair
    with pytest.raises(UnusableData, match="patients-differ"):
        compared(good, table(bad.logits, bad.labels, patients=[f"p{row // 3}" for row in range(150)]))
