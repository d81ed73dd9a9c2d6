from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.errors import UnusableOutput
from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.evaluation.write_columns import write_score_columns
from support.full_disk import files_of_at_most


@pytest.fixture
def table(generator):
    count = 30
    width = generator.normal(1500, 300, count)
    width[3] = np.nan
    return ScoreColumns(
        paths=[f'a "{number}", b.png' for number in range(count)],
        labels=np.arange(count) % 3 == 0,
        probabilities=generator.random(count),
        logits=generator.normal(size=count),
        patients=categories([f"p{number // 2}" for number in range(count)]),
        extras={"site": categories(["east", "", "west"] * 10), "width_px": width},
    )


def test_what_is_written_reads_back_as_the_same(table, tmp_path):
    write_score_columns(table, tmp_path / "scores.csv")
    found = read_score_columns(tmp_path / "scores.csv")
    assert list(found.paths) == list(table.paths)
    for name in ("labels", "probabilities", "logits"):
        assert np.array_equal(getattr(found, name), getattr(table, name))
    assert np.array_equal(found.patient_numbers, table.patient_numbers)
    assert np.array_equal(found.extras["width_px"], table.extras["width_px"], equal_nan=True)
    assert found.extras["site"].names == ("east", "", "west")
    assert np.array_equal(found.extras["site"].codes, table.extras["site"].codes)
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_a_table_of_another_model_needs_neither_logits_nor_patients(table, tmp_path):
    write_score_columns(replace(table, logits=None, patients=None), tmp_path / "scores.csv")
    found = read_score_columns(tmp_path / "scores.csv")
    assert found.logits is None
    assert found.unit == "radiograph"


def test_radiographs_without_a_patient_stay_patients_of_their_own(tmp_path):
    (tmp_path / "in.csv").write_text("path,label,score,patient\na,1,0.5,p\nb,0,0.5,\nc,0,0.5,\n")
    write_score_columns(read_score_columns(tmp_path / "in.csv"), tmp_path / "out.csv")
    assert "\0" not in (tmp_path / "out.csv").read_text()
    assert read_score_columns(tmp_path / "out.csv").patient_numbers.tolist() == [0, 1, 2]


def test_a_full_disk_leaves_nothing_half(table, tmp_path):
    with files_of_at_most(100), pytest.raises(UnusableOutput, match="output-unwritable"):
        write_score_columns(table, tmp_path / "scores.csv")
    assert not list(tmp_path.iterdir())
