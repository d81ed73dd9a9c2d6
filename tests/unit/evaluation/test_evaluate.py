import json
import tracemalloc

import numpy as np
import pytest
from sklearn import metrics as reference

from pneumoscope.errors import UnusableData, UnusableOption
from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.evaluation.evaluate import evaluate, evaluate_scores
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.scores import ScoredRadiograph, ScoreTable
from pneumoscope.evaluation.zones import ConformalZones

POINTS = [
    OperatingPoint("balanced", 0.5, 0.9, 0.8, "validation", "a rule"),
    OperatingPoint("screening", 0.1, 1.0, 0.1, "validation", "another rule"),
]
ZONES = ConformalZones(0.1, 0.4, 0.6, 100, 100, 50, 50, "validation")


def table(generator, count: int = 200) -> ScoreColumns:
    labels = generator.random(count) < 0.6
    logits = generator.normal(labels * 3.0 - 1.5)
    return ScoreColumns(
        [f"{row}.png" for row in range(count)],
        labels,
        1 / (1 + np.exp(-0.5 * logits)),
        logits,
        categories([f"p{row // 2}" for row in range(count)]),
        {
            "subtype": categories(
                ["" if not label else "viral" if row % 3 else "bacterial" for row, label in enumerate(labels)]
            ),
            "width": generator.normal(size=count),
        },
    )


@pytest.fixture
def some(generator):
    return table(generator)


@pytest.fixture
def document(some):
    return evaluated(some)


def evaluated(some, **options):
    return evaluate_scores(
        some,
        POINTS,
        ZONES,
        **{
            "prevalence": 0.05,
            "subgroup_columns": ["subtype", "width"],
            "resamples": 100,
            "generator": np.random.default_rng(0),
            **options,
        },
    )


def test_the_main_numbers_are_those_of_scikit_learn(some, document):
    found = {name: interval["value"] for name, interval in document["metrics"].items()}
    assert found["auroc"] == pytest.approx(reference.roc_auc_score(some.labels, some.logits))
    assert found["average_precision"] == pytest.approx(reference.average_precision_score(some.labels, some.logits))
    assert found["brier_score"] == pytest.approx(reference.brier_score_loss(some.labels, some.probabilities))
    at = document["operating_points"]["balanced"]["metrics"]
    decisions = some.probabilities >= 0.5
    assert at["accuracy"]["value"] == pytest.approx(reference.accuracy_score(some.labels, decisions))
    assert at["f1"]["value"] == pytest.approx(reference.f1_score(some.labels, decisions))
    assert at["matthews"]["value"] == pytest.approx(reference.matthews_corrcoef(some.labels, decisions))


def test_every_number_has_an_interval_that_says_how_it_was_made(document):
    assert document["interval"] == {
        "level": 0.95,
        "method": "percentile bootstrap",
        "unit": "patient",
        "resamples": 100,
    }
    assert document["auroc_delong"]["unit"] == "patient"
    for interval in [*document["metrics"].values(), *document["operating_points"]["balanced"]["metrics"].values()]:
        assert interval["low"] <= interval["value"] <= interval["high"]


def test_delong_and_bootstrap_agree_about_the_auroc(some):
    found = evaluated(some, resamples=1000, subgroup_columns=[])
    by_bootstrap, by_delong = found["metrics"]["auroc"], found["auroc_delong"]
    assert by_delong["value"] == pytest.approx(by_bootstrap["value"])
    assert by_delong["low"] == pytest.approx(by_bootstrap["low"], abs=0.02)
    assert by_delong["high"] == pytest.approx(by_bootstrap["high"], abs=0.02)


def test_what_was_promised_stands_beside_what_was_measured(document):
    point = document["operating_points"]["balanced"]
    assert point["promised"] == {"sensitivity": 0.9, "specificity": 0.8, "on": "validation", "rule": "a rule"}
    measured = point["metrics"]["sensitivity"]
    assert point["promise_inside_interval"]["sensitivity"] == (measured["low"] <= 0.9 <= measured["high"])
    assert sum(point["confusion"].values()) == document["radiographs"] == 200
    assert document["patients"] == 100


def test_the_screening_point_that_finds_everything_has_an_exact_lower_end(some):
    probabilities = np.where(some.labels, np.maximum(some.probabilities, 0.2), some.probabilities)
    perfect = ScoreColumns(some.paths, some.labels, probabilities, None, some.patients)
    found = evaluated(perfect, subgroup_columns=[])["operating_points"]["screening"]["metrics"]["sensitivity"]
    patients = len(np.unique(some.patient_numbers[some.labels]))
    assert found == {"value": 1, "low": pytest.approx(0.025 ** (1 / patients)), "high": 1}


def test_ppv_at_a_prevalence_follows_from_sensitivity_and_specificity(document):
    point = document["operating_points"]["balanced"]
    sensitivity, specificity = (point["metrics"][name]["value"] for name in ("sensitivity", "specificity"))
    expected = 0.05 * sensitivity / (0.05 * sensitivity + 0.95 * (1 - specificity))
    assert point["at_prevalence"]["ppv"]["value"] == pytest.approx(expected)
    assert point["at_prevalence"]["prevalence"] == document["prevalence"] == 0.05


def test_calibration_is_measured_before_and_after(some, document):
    raw = 1 / (1 + np.exp(-some.logits))
    before, after = document["before_calibration"], document["metrics"]
    assert before["brier_score"]["value"] == pytest.approx(reference.brier_score_loss(some.labels, raw))
    assert after["calibration_slope"]["value"] == pytest.approx(2 * before["calibration_slope"]["value"])


def test_zones_are_counted_and_measured(some, document):
    zones = document["zones"]
    assert zones["frozen"] == ZONES.to_dict()
    assert zones["counts"]["with_finding"]["likely"] == np.sum(some.labels & (some.probabilities > 0.6))
    missed = zones["metrics"]["called_unlikely_with_finding"]["value"]
    assert missed == pytest.approx(np.mean(some.probabilities[some.labels] < 0.4))
    assert zones["metrics"]["coverage_with_finding"]["value"] == pytest.approx(1 - missed)


def test_a_subtype_is_compared_with_all_normals_and_has_no_specificity(some, document):
    viral = next(group for group in document["subgroups"]["subtype"] if group["name"] == "viral")
    subtype = some.extras["subtype"]
    inside = subtype.codes == subtype.names.index("viral")
    rows = inside | ~some.labels
    assert viral["metrics"]["auroc"]["value"] == pytest.approx(
        reference.roc_auc_score(some.labels[rows], some.logits[rows])
    )
    assert viral["auroc_compared_with"] == "all radiographs without the finding"
    at = viral["operating_points"]["balanced"]
    assert at["sensitivity"]["value"] == pytest.approx(np.mean(some.probabilities[inside] >= 0.5))
    assert at["specificity"] == {"value": None, "low": None, "high": None}


def test_quartiles_cover_all_radiographs(document):
    assert [group["radiographs"] for group in document["subgroups"]["width"]] == [50, 50, 50, 50]


def test_the_document_goes_into_json_and_the_same_seed_gives_it_again(some, document):
    assert json.dumps(evaluated(some), allow_nan=False) == json.dumps(document, allow_nan=False)


def test_the_order_of_the_rows_changes_no_value(some, document):
    found = evaluated(some.take(np.random.default_rng(5).permutation(200)))
    for name, interval in document["metrics"].items():
        assert found["metrics"][name]["value"] == pytest.approx(interval["value"])


def test_a_table_of_probabilities_alone_is_evaluated_by_radiograph(some):
    bare = ScoreColumns(some.paths, some.labels, some.probabilities)
    found = evaluate_scores(bare, [], resamples=20, generator=np.random.default_rng(0))
    assert found["interval"]["unit"] == found["auroc_delong"]["unit"] == "radiograph"
    assert found["before_calibration"] is None
    assert found["zones"] is None
    assert found["operating_points"] == found["subgroups"] == {}


def test_systems_that_part_the_classes_give_a_document_too():
    labels = np.arange(60) % 2 == 0
    perfect = ScoreColumns([str(row) for row in range(60)], labels, np.where(labels, 0.9, 0.1))
    found = evaluate_scores(perfect, POINTS, ZONES, resamples=20, generator=np.random.default_rng(0))
    assert found["auroc_delong"]["low"] is None
    assert found["operating_points"]["balanced"]["metrics"]["likelihood_ratio_positive"]["value"] is None
    json.dumps(found, allow_nan=False)


def test_one_class_only_is_refused(some):
    with pytest.raises(UnusableData, match="one-class-only"):
        evaluated(some.take(np.flatnonzero(some.labels)))


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, float("nan")])
def test_an_impossible_prevalence_is_refused(some, prevalence):
    with pytest.raises(UnusableOption, match="prevalence-impossible"):
        evaluated(some, prevalence=prevalence)


def test_the_short_form_holds_the_same_numbers(some):
    rows = tuple(
        ScoredRadiograph(path, some.patients.names[code], "", bool(label), float(logit), float(probability))
        for path, code, label, logit, probability in zip(
            some.paths, some.patient_numbers, some.labels, some.logits, some.probabilities, strict=True
        )
    )
    short = evaluate(ScoreTable(rows), POINTS, resamples=100, generator=np.random.default_rng(0))
    full = evaluated(some, prevalence=None, subgroup_columns=[])
    assert set(short["metrics"]) == {"auroc", "brier_score", "calibration_error"}
    assert short["metrics"]["auroc"] == full["metrics"]["auroc"]
    assert set(short["operating_points"]["balanced"]) == {"threshold", "promised", "confusion", "metrics"}
    assert (
        short["operating_points"]["balanced"]["metrics"]["npv"]
        == full["operating_points"]["balanced"]["metrics"]["npv"]
    )


def test_memory_does_not_grow_with_the_resamples_and_little_with_the_rows(generator):
    """30,000 rows; a million in `evaluate_scores` stays below 1 GiB for the whole process."""
    peaks = []
    many = table(generator, 30_000)
    for resamples in (8, 24):
        tracemalloc.start()
        try:
            evaluated(many, resamples=resamples)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[0] < 30_000 * 1200
    assert peaks[1] < 1.1 * peaks[0]
