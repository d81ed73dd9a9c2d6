import numpy as np
import pytest

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.evaluate import evaluate
from pneumoscope.evaluation.intervals import patient_bootstrap
from pneumoscope.evaluation.operating_point import OperatingPoint
from pneumoscope.evaluation.scores import ScoredRadiograph, ScoreTable, read_scores, write_scores


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


def test_a_score_table_survives_writing_and_reading(generator, tmp_path):
    written = table(20, generator)
    write_scores(written, tmp_path / "scores.csv")
    assert read_scores(tmp_path / "scores.csv") == written


def test_a_score_that_is_not_a_number_is_refused_by_name(tmp_path, generator):
    write_scores(table(3, generator), tmp_path / "scores.csv")
    text = (tmp_path / "scores.csv").read_text().splitlines()
    text[2] = "1.png,p0,,True,nan,0.5"
    (tmp_path / "scores.csv").write_text("\n".join(text))
    with pytest.raises(UnusableData, match=r"1\.png"):
        read_scores(tmp_path / "scores.csv")


def test_a_radiograph_twice_is_refused():
    row = ScoredRadiograph("a.png", "p", "", True, 0.0, 0.5)
    with pytest.raises(UnusableData, match="row-twice"):
        ScoreTable((row, row))


def test_a_table_that_is_not_text_is_one_of_our_errors(tmp_path):
    (tmp_path / "scores.csv").write_bytes(b"path,patient\n\xff\xfe,p\n")
    with pytest.raises(UnusableData, match=r"table-unreadable.*UTF-8"):
        read_scores(tmp_path / "scores.csv")


def test_a_row_that_lacks_a_cell_is_refused_with_its_line(tmp_path, generator):
    write_scores(table(3, generator), tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open("a") as file:
        file.write("9.png,p9,,True,0.5\n")
    with pytest.raises(UnusableData, match="line 5: 'probability' is missing"):
        read_scores(tmp_path / "scores.csv")
