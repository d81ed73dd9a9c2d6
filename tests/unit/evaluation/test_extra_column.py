import numpy as np
import pytest

from pneumoscope.evaluation.columns import Categories
from pneumoscope.evaluation.extra_column import ExtraColumn


def column_of(*cells: str):
    extra = ExtraColumn()
    for cell in cells:
        extra.append(cell)
    return extra.column()


def test_more_than_ten_different_numbers_are_numbers_and_an_empty_cell_is_not_known():
    found = column_of(*(str(n / 4) for n in range(11)), "", "inf")
    assert found[:11].tolist() == [n / 4 for n in range(11)]
    assert np.isnan(found[11:]).all()


def test_few_different_numbers_are_groups():
    found = column_of("1", "2", "1")
    assert isinstance(found, Categories)
    assert found.names == ("1", "2")


def test_one_text_among_numbers_makes_names_of_them():
    found = column_of(*map(str, range(20)), "unknown")
    assert isinstance(found, Categories)
    assert len(found.names) == 21


@pytest.mark.parametrize("late", [True, False])
def test_a_thousand_different_texts_make_no_groups(late):
    cells = [f"uid-{n}" for n in range(1001)]
    assert column_of(*(["1"] * 10 + cells if late else cells + ["1"] * 10)) is None


def test_many_different_numbers_are_still_numbers():
    assert len(column_of(*map(str, range(5000)))) == 5000
