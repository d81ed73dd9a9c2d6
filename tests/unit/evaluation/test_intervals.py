import numpy as np
import pytest

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.evaluate import evaluate
from pneumoscope.evaluation.intervals import patient_bootstrap
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.scores import ScoredRadiograph, ScoreTable


def width(values: np.ndarray, patients: list[str]) -> float:
    interval = patient_bootstrap(
        lambda rows: {"mean": float(values[rows].mean())}, patients, resamples=500, generator=np.random.default_rng(1)
    )["mean"]
    assert interval["low"] <= interval["value"] <= interval["high"]
    return interval["high"] - interval["low"]


def test_the_interval_of_a_mean_is_near_the_normal_one(generator):
    values = generator.normal(size=400)
    expected = 2 * 1.96 * values.std() / 20
    assert width(values, [str(number) for number in range(400)]) == pytest.approx(expected, rel=0.15)


def test_radiographs_of_one_patient_do_not_count_as_independent(generator):
    values = np.repeat(generator.normal(size=40), 10)
    by_radiograph = width(values, [str(number) for number in range(400)])
    by_patient = width(values, [str(number // 10) for number in range(400)])
    assert by_patient > 2.5 * by_radiograph


def test_a_metric_that_is_nowhere_defined_is_none_and_not_a_number_that_json_lacks(generator):
    found = patient_bootstrap(lambda rows: {"ppv": float("nan")}, ["a", "b"], resamples=5, generator=generator)
    assert found == {"ppv": {"value": None, "low": None, "high": None}}


def table(count: int, generator) -> ScoreTable:
    labels = generator.random(count) < 0.6
    logits = generator.normal(labels * 2.0 - 1)
    return ScoreTable(
        tuple(
            ScoredRadiograph(
                f"{n}.png", f"p{n // 2}", "", bool(labels[n]), float(logits[n]), 1 / (1 + np.exp(-logits[n]))
            )
            for n in range(count)
        )
    )


def test_an_evaluation_counts_and_promises(generator):
    point = OperatingPoint("balanced", 0.5, 0.9, 0.8, "validation", "a rule")
    result = evaluate(table(120, generator), [point], resamples=50, generator=generator)
    found = result["operating_points"]["balanced"]
    assert sum(found["confusion"].values()) == result["radiographs"] == 120
    assert result["patients"] == 60
    assert found["promised"]["sensitivity"] == 0.9
    metrics = found["metrics"]
    assert metrics["sensitivity"]["low"] <= metrics["sensitivity"]["value"] <= metrics["sensitivity"]["high"]


@pytest.mark.parametrize(("logit", "probability"), [(float("nan"), 0.5), (0.0, float("nan")), (0.0, 1.5)])
def test_a_score_that_is_not_a_number_is_refused_by_name(logit, probability):
    with pytest.raises(UnusableData, match=r"1\.png.*score-impossible"):
        ScoreTable((ScoredRadiograph("1.png", "p", "", True, logit, probability),))


def test_a_radiograph_twice_is_refused():
    row = ScoredRadiograph("a.png", "p", "", True, 0.0, 0.5)
    with pytest.raises(UnusableData, match="row-twice"):
        ScoreTable((row, row))
