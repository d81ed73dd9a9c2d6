"""Confusion matrices, promised against measured, subgroups."""

import math
from dataclasses import replace

import pytest

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.metrics import ConfusionCounts
from pneumoscope.figures.confusion_matrix import confusion_matrices
from pneumoscope.figures.promises import Promise, promised_and_measured
from pneumoscope.figures.subgroups import SubgroupRow, forest_plot
from pneumoscope.figures.values import Interval, MeasuredPoint, interval_of, merged

UNDEFINED = Interval(math.nan, math.nan, math.nan)
PROMISE = Promise("balanced", 0.5, 0.97, 0.98, Interval(0.95, 0.9, 0.99), Interval(0.85, 0.8, 0.9))
GROUPS = [
    SubgroupRow("subtype", "bacterial", 242, 100, Interval(0.98, 0.97, 0.99)),
    SubgroupRow("subtype", "viral", 148, 90, Interval(0.96, 0.93, 0.98)),
    SubgroupRow("age", "under one", 9, 8, Interval(0.9, 0.5, 1.0), small=True),
]


def texts_at(axes):
    return {tuple(round(part) for part in text.get_position()): text.get_text() for text in axes.texts[::2]}


def test_rows_are_the_reference_standard_and_columns_the_decision(points):
    axes = confusion_matrices(points).axes[0]
    assert texts_at(axes) == {(0, 0): "80", (1, 0): "20", (0, 1): "10", (1, 1): "90"}
    assert [text.get_text() for text in axes.texts[1::2]] == ["80.0 %", "20.0 %", "10.0 %", "90.0 %"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["NORMAL\nn = 100", "PNEUMONIA\nn = 100"]


def test_there_is_one_matrix_an_operating_point_and_equal_thresholds_share_one(points):
    again = replace(points[0], name="rule-in")
    assert [point.name for point in merged([*points, again])] == ["balanced = rule-in", "screening"]
    titles = [axes.get_title(loc="left") for axes in confusion_matrices([*points, again]).axes]
    assert titles == ["balanced = rule-in\nfrom 0.500", "screening\nfrom 0.200"]


def test_a_class_that_is_not_there_has_counts_but_no_percentages():
    axes = confusion_matrices([MeasuredPoint("balanced", 0.5, ConfusionCounts(3, 1, 0, 0))]).axes[0]
    assert [text.get_text() for text in axes.texts[1::2]] == ["none", "none", "25.0 %", "75.0 %"]


def test_promise_and_measurement_lie_at_their_rates_and_differ_in_shape(line_named, words):
    figure = promised_and_measured([PROMISE], chosen_on="validation", measured_on="official test")
    for axes, promised, measured in zip(figure.axes, (0.97, 0.98), (0.95, 0.85), strict=False):
        one, other = line_named(axes, "promised"), line_named(axes, "measured")
        assert (list(one.get_xdata()), list(other.get_xdata())) == ([promised], [measured])
        assert one.get_marker() != other.get_marker()
        assert one.get_markerfacecolor() == "white" != other.get_markerfacecolor()
    assert [0.8, 0.9] in [list(line.get_xdata()) for line in figure.axes[1].lines]
    assert "promised 0.980, measured 0.850 (0.800 to 0.900)" in words(figure)


def test_a_rate_that_is_not_defined_is_said_to_be_so(words):
    figure = promised_and_measured([replace(PROMISE, sensitivity=UNDEFINED)], chosen_on="a", measured_on="b")
    assert "promised 0.970, measured not defined" in words(figure)
    assert len(figure.axes[0].lines) == 1


def test_families_head_their_groups_and_every_group_says_how_many():
    axes = forest_plot(GROUPS, metric="AUROC").axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["subtype", "bacterial  242 / 100", "viral  148 / 90", "age", "under one  9 / 8"]
    assert axes.yaxis_inverted()


def test_value_and_interval_of_a_group_lie_in_its_row():
    axes = forest_plot(GROUPS, metric="AUROC").axes[0]
    drawn = [line.get_xydata().tolist() for line in axes.lines]
    assert [[0.93, 2], [0.98, 2]] in drawn
    assert [[0.96, 2]] in drawn


def test_small_groups_are_hollow_and_marked_in_words(words):
    figure = forest_plot(GROUPS, metric="AUROC")
    hollow = [list(line.get_xdata()) for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert hollow == [[0.9], []]
    assert "0.900 (0.500 to 1.000) †" in words(figure)
    assert "small group" in words(figure)
    assert "small group" not in words(forest_plot(GROUPS[:2], metric="AUROC"))


def test_a_group_without_the_metric_has_words_and_no_mark(words):
    figure = forest_plot([replace(GROUPS[0], value=UNDEFINED)], metric="AUROC", overall=UNDEFINED)
    assert not figure.axes[0].lines
    assert "not defined" in words(figure)


def test_all_radiographs_are_an_upright_line(line_named):
    axes = forest_plot(GROUPS, metric="AUROC", overall=Interval(0.97, 0.96, 0.98)).axes[0]
    assert line_named(axes, "all: 0.970 (0.960 to 0.980)").get_xdata()[0] == 0.97


def test_what_evaluation_json_leaves_undefined_is_not_defined_here():
    assert str(interval_of({"value": None, "low": None, "high": None})) == "not defined"
    assert interval_of({"value": 0.0, "low": 0.0, "high": 0.5}) == Interval(0.0, 0.0, 0.5)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: confusion_matrices([]),
        lambda: promised_and_measured([], chosen_on="a", measured_on="b"),
        lambda: forest_plot([], metric="AUROC"),
    ],
)
def test_nothing_to_draw_is_refused(draw):
    with pytest.raises(UnusableData, match="figure-empty"):
        draw()
