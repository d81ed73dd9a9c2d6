import numpy as np
import pytest

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.evaluation.scores import ScoredRadiograph, ScoreTable


@pytest.fixture
def table():
    return ScoreColumns(
        ["a", "b", "c"],
        np.array([True, False, True]),
        np.array([0.9, 0.2, 0.4]),
        np.array([3.0, -1.0, 0.0]),
        categories(["p", "q", "p"]),
        {"view": categories(["AP", "PA", "AP"]), "size": np.array([1.0, 2.0, 3.0])},
    )


def test_texts_are_numbered_as_they_first_appear():
    found = categories(["b", "a", "b"])
    assert (found.codes.tolist(), found.names) == ([0, 1, 0], ("b", "a"))


def test_rows_are_taken_in_the_order_asked_for(table):
    taken = table.take(np.array([2, 1]))
    assert taken.paths == ["c", "b"]
    assert taken.labels.tolist() == [True, False]
    assert taken.logits.tolist() == [0, -1]
    assert taken.patient_numbers.tolist() == [0, 1]
    assert taken.extras["size"].tolist() == [3, 2]
    assert taken.extras["view"].codes.tolist() == [0, 1]


def test_columns_may_be_added(table):
    more = table.with_extras({"sharpness": np.array([5.0, 6.0, 7.0])})
    assert set(more.extras) == {"view", "size", "sharpness"}


def test_a_column_of_another_length_is_refused(table):
    with pytest.raises(UnusableData, match="sharpness has 2 values for 3"):
        table.with_extras({"sharpness": np.array([5.0, 6.0])})


@pytest.mark.parametrize(("probability", "logit"), [(1.5, 0.0), (np.nan, 0.0), (0.5, np.inf)])
def test_impossible_scores_are_refused_by_name(probability, logit):
    with pytest.raises(UnusableData, match="b has a probability"):
        ScoreColumns(["a", "b"], np.array([True, False]), np.array([0.5, probability]), np.array([0.0, logit]))


def test_without_patients_each_radiograph_counts_by_itself(table):
    alone = ScoreColumns(table.paths, table.labels, table.probabilities)
    assert alone.patient_numbers.tolist() == [0, 1, 2]
    assert alone.unit == "radiograph"
    assert table.unit == "patient"
    assert alone.ranking_scores is alone.probabilities


def test_our_own_table_by_columns():
    rows = (
        ScoredRadiograph("a", "p", "viral", True, 1.0, 0.7),
        ScoredRadiograph("b", "q", "", False, -1.0, 0.3),
    )
    found = ScoreTable(rows).columns()
    assert found.labels.tolist() == [True, False]
    assert found.logits.tolist() == [1, -1]
    assert found.patient_numbers.tolist() == [0, 1]
    assert found.extras["subtype"].names == ("viral", "")
