import numpy as np
import pytest

from pneumoscope.errors import UnusableOption
from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.evaluation.subgroups import ComparedWith, subgroups


def table(labels, *, patients=None, **extras):
    labels = np.array(labels, bool)
    columns = {
        name: values if isinstance(values, np.ndarray) else categories(values) for name, values in extras.items()
    }
    return ScoreColumns(
        [str(row) for row in range(len(labels))],
        labels,
        np.linspace(0, 1, len(labels)),
        patients=categories(patients) if patients else None,
        extras=columns,
    )


def test_a_subtype_of_pneumonia_is_ranked_against_all_radiographs_without_the_finding():
    some = table([1, 1, 1, 0, 0], subtype=["viral", "bacterial", "viral", "", ""])
    bacterial, normal, viral = sorted(subgroups(some, "subtype"), key=lambda group: group.name)
    assert [group.name for group in (bacterial, normal, viral)] == ["bacterial", "normal", "viral"]
    assert viral.rows.tolist() == [0, 2]
    assert viral.ranked_rows.tolist() == [0, 2, 3, 4]
    assert viral.compared_with is ComparedWith.ALL_WITHOUT
    assert normal.ranked_rows.tolist() == [0, 1, 2, 3, 4]
    assert normal.compared_with is ComparedWith.ALL_WITH


def test_a_group_with_both_classes_is_ranked_by_itself():
    first, second = subgroups(table([1, 0, 1, 0], view=["PA", "PA", "AP", "AP"]), "view")
    assert (first.name, first.ranked_rows.tolist(), first.compared_with) == ("AP", [2, 3], ComparedWith.OWN)
    assert second.rows.tolist() == [0, 1]


def test_quartiles_hold_a_quarter_each_and_say_where_they_lie():
    values = np.arange(40.0)[::-1].copy()
    found = subgroups(table([0, 1] * 20, size=values), "size")
    assert [group.name for group in found] == ["quartile 1", "quartile 2", "quartile 3", "quartile 4"]
    assert [len(group.rows) for group in found] == [10, 10, 10, 10]
    assert [(group.low, group.high) for group in found] == [(0, 9), (10, 19), (20, 29), (30, 39)]


def test_equal_numbers_stay_in_one_quartile_and_what_is_not_known_is_apart():
    values = np.array([1.0] * 30 + [2, 3, 4, 5, 6, 7, np.nan, np.nan])
    found = subgroups(table([0, 1] * 19, size=values), "size")
    assert [(group.name, len(group.rows)) for group in found] == [
        ("quartile 1", 30),
        ("quartile 4", 6),
        ("(not known)", 2),
    ]


def test_every_radiograph_is_in_one_group(generator):
    values = np.where(generator.random(200) < 0.1, np.nan, np.round(generator.normal(size=200), 1))
    groups = subgroups(table(generator.random(200) < 0.5, size=values), "size")
    assert sorted(np.concatenate([group.rows for group in groups]).tolist()) == list(range(200))


def test_a_group_is_small_with_fewer_than_ten_patients_of_a_class_it_holds():
    patients = [str(row) for row in range(29)]
    labels = [1] * 10 + [0] * 10 + [1] * 9
    big, small = subgroups(table(labels, patients=patients, site=["a"] * 20 + ["b"] * 9), "site")
    assert (big.patients_with_finding, big.patients_without_finding, big.small) == (10, 10, False)
    assert (small.patients_with_finding, small.patients_without_finding, small.small) == (9, 0, True)


def test_many_radiographs_of_few_patients_are_a_small_group():
    found = subgroups(table([1, 0] * 50, patients=["p", "q"] * 50, site=["a"] * 100), "site")
    assert found[0].small


def test_of_many_names_the_smallest_groups_are_taken_together():
    names = [f"site {n:02d}" for n in range(30) for _ in range(30 - n)]
    found = subgroups(table([n % 2 for n in range(len(names))], site=names), "site")
    assert len(found) == 20
    assert found[-1].name == "(smaller groups)"
    assert len(found[-1].rows) == sum(range(1, 12))


def test_a_group_without_a_name_that_holds_pneumonia_is_not_called_normal():
    found = subgroups(table([1, 0, 1, 0], site=["a", "a", "", ""]), "site")
    assert [group.name for group in found] == ["(none)", "a"]


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(UnusableOption, match=r"no column colour .*Choose from site"):
        subgroups(table([1, 0], site=["a", "b"]), "colour")
