from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.dataset.manifest import Label
from pneumoscope.errors import UnusableBundle, UnusableData
from pneumoscope.inference.listing import ListedRadiograph
from pneumoscope.inference.scoring import SCORE_COLUMNS, UnscoredRow, scored_row, scored_rows
from pneumoscope.radiograph.reading import read_radiograph
from pneumoscope.radiograph.sharpness import laplacian_variance
from support.labelled_folders import write_phantom


def listed(path):
    return ListedRadiograph(path, "p1", "viral", Label.PNEUMONIA, None)


@pytest.fixture
def data(tmp_path, generator):
    write_phantom(tmp_path / "a.png", generator, rows=80, columns=120)
    write_phantom(tmp_path / "b.png", generator, rows=100, columns=100)
    return tmp_path


def test_a_row_is_what_predict_says_of_the_file(data, predictor):
    (row,) = scored_rows([listed("a.png")], data, predictor, workers=1)
    expected = predictor.predict_ungated(data / "a.png")
    assert (row.logit, row.probability) == (expected.logit, expected.probability)
    cells = dict(zip(SCORE_COLUMNS, row.cells(), strict=True))
    assert float(cells["logit"]) == expected.logit
    assert (cells["width_px"], cells["height_px"], cells["aspect_ratio"]) == ("120", "80", "1.5")
    assert (cells["label"], cells["split"], cells["subtype"], cells["patient"]) == ("PNEUMONIA", "", "viral", "p1")
    seen = predictor.preprocessing.sample(read_radiograph(data / "a.png").gray)
    assert float(cells["sharpness"]) == laplacian_variance(seen)
    assert cells["sha256"] == expected.radiograph.sha256


def test_aspect_ratio_is_of_the_original_where_its_size_is_given(data, predictor):
    rows = scored_rows(
        [listed("a.png"), listed("b.png")],
        data,
        predictor,
        original_sizes={"a.png": (2000.0, 1000.0), "b.png": (np.nan, np.nan)},
        workers=1,
    )
    known, unknown = (row.cells() for row in rows)
    assert known[-2:] == ["2000", "1000"]
    assert known[SCORE_COLUMNS.index("aspect_ratio")] == "2"
    assert known[SCORE_COLUMNS.index("width_px")] == "120"
    assert unknown[-2:] == ["", ""]
    assert unknown[SCORE_COLUMNS.index("aspect_ratio")] == ""


def test_a_table_of_sizes_that_lacks_a_radiograph_is_refused_before_anything_is_scored(data, predictor):
    with pytest.raises(UnusableData, match=r"sizes-missing.*--sizes"):
        scored_rows([listed("a.png")], data, predictor, original_sizes={"x.png": (1.0, 1.0)}, workers=1)


def test_what_cannot_be_read_is_told_and_the_rest_goes_on_in_order(data, predictor):
    (data / "notes.txt").write_text("no picture")
    names = ["notes.txt", "a.png", "gone.png", "b.png"]
    rows = list(scored_rows([listed(name) for name in names], data, predictor, workers=3))
    assert [getattr(row, "code", "scored") for row in rows] == ["not-a-picture", "scored", "not-found", "scored"]
    assert str(data) not in rows[0].message
    assert rows[2].path == "gone.png"


@pytest.mark.parametrize("name", ["a\nb.png", "a\udcff.png"])
def test_a_name_that_cannot_stand_in_a_table_is_told_in_ascii(data, predictor, name):
    row = scored_row(listed(name), data, predictor)
    assert isinstance(row, UnscoredRow)
    assert row.code == "name-not-utf8"
    assert row.path.isascii()
    assert row.path.isprintable()


def test_a_logit_that_is_not_a_number_is_told_of_its_radiograph(data, predictor, monkeypatch):
    prediction = replace(predictor.predict_ungated(data / "a.png"), logit=float("nan"))
    monkeypatch.setattr(predictor, "scored", lambda radiograph, lungs: prediction)
    assert scored_row(listed("a.png"), data, predictor).code == "score-impossible"


def test_an_unforeseen_fault_is_told_by_its_kind_and_a_bad_bundle_stops_everything(data, predictor, monkeypatch):
    def failing(error):
        def scored(radiograph, lungs):
            raise error

        monkeypatch.setattr(predictor, "scored", scored)

    failing(ZeroDivisionError("a patient"))
    row = scored_row(listed("a.png"), data, predictor)
    assert row.code == "internal-error"
    assert "ZeroDivisionError" in row.message
    assert "patient" not in row.message
    failing(UnusableBundle("x", "y", remedy="z"))
    with pytest.raises(UnusableBundle):
        scored_row(listed("a.png"), data, predictor)
