import numpy as np
import pytest

from pneumoscope.errors import UnusableData, UnusableOption
from pneumoscope.evaluation.curves import precision_recall_curve, roc_curve
from pneumoscope.evaluation.metrics import ConfusionCounts
from pneumoscope.figures.corner import corner_side
from pneumoscope.figures.precision_recall import PrecisionRecallSeries, precision_recall_figure
from pneumoscope.figures.roc import RocSeries, roc_figure
from pneumoscope.figures.values import Band, Interval, MeasuredPoint

BAND = Band(np.array([0.0, 0.5, 1.0]), np.array([0.1, 0.7, 1.0]), np.array([0.5, 0.9, 1.0]))


def test_both_panels_hold_the_whole_curve_as_given(scores, line_named):
    curve = roc_curve(*scores)
    figure = roc_figure([RocSeries("a model", curve)])
    for axes in figure.axes[:2]:
        drawn = line_named(axes, "a model")
        np.testing.assert_array_equal(drawn.get_xdata(), curve.false_positive_rate)
        np.testing.assert_array_equal(drawn.get_ydata(), curve.sensitivity)


def test_operating_points_lie_at_their_rates_and_the_legend_names_them(scores, points, line_named, words):
    figure = roc_figure([RocSeries("a model", roc_curve(*scores))], operating_points=points)
    marks = [line_named(figure.axes[0], point.name) for point in points]
    np.testing.assert_allclose([mark.get_xydata()[0] for mark in marks], [[0.2, 0.9], [0.4, 0.95]])
    assert marks[0].get_marker() != marks[1].get_marker()
    assert "balanced, from 0.500: sensitivity 0.900, specificity 0.800, PPV 0.818" in words(figure)


def test_in_precision_and_recall_they_lie_at_sensitivity_and_ppv(scores, points, line_named):
    curve = precision_recall_curve(*scores)
    figure = precision_recall_figure([PrecisionRecallSeries("a model", curve)], operating_points=points)
    drawn = line_named(figure.axes[0], "a model")
    np.testing.assert_array_equal(drawn.get_xydata(), np.stack([curve.sensitivity, curve.ppv], axis=1))
    assert drawn.get_drawstyle() == "steps-pre"
    mark = line_named(figure.axes[0], "balanced")
    np.testing.assert_allclose(mark.get_xydata(), [[0.9, 90 / 110]])
    assert line_named(figure.axes[0], "prevalence 0.500").get_ydata()[0] == 0.5


def test_a_ppv_that_is_not_defined_is_said_to_be_so_and_lies_nowhere(scores, line_named, words):
    never = MeasuredPoint("never", 0.99, ConfusionCounts(0, 3, 3, 0))
    curve = precision_recall_curve(*scores)
    figure = precision_recall_figure([PrecisionRecallSeries("a model", curve)], operating_points=[never])
    assert "sensitivity 0.000, specificity 1.000, PPV not defined" in words(figure)
    assert np.isnan(line_named(figure.axes[0], "never").get_ydata()[0])


def test_a_band_is_drawn_where_given_and_the_legend_says_what_it_is(scores, words):
    curve = roc_curve(*scores)
    figure = roc_figure([RocSeries("a model", curve, Interval(0.9, 0.8, 0.95), BAND)])
    assert "a model, AUROC 0.900 (0.800 to 0.950); band: 95 % interval" in words(figure)
    corners = figure.axes[0].collections[0].get_paths()[0].vertices
    assert {(0.5, 0.7), (0.5, 0.9)} <= {tuple(corner) for corner in corners.tolist()}
    assert not roc_figure([RocSeries("a model", curve)]).axes[0].collections


def test_two_systems_differ_in_colour_and_in_line(scores, line_named):
    curve = roc_curve(*scores)
    axes = roc_figure([RocSeries("first", curve), RocSeries("second", curve)]).axes[0]
    one, other = line_named(axes, "first"), line_named(axes, "second")
    assert (one.get_color(), one.get_linestyle()) == ("#0072B2", "-")
    assert (other.get_color(), other.get_linestyle()) == ("#D55E00", "--")


def test_no_curve_and_more_curves_than_looks_are_refused(scores):
    with pytest.raises(UnusableData, match="figure-empty"):
        roc_figure([])
    with pytest.raises(UnusableOption, match="figure-too-full"):
        roc_figure([RocSeries(str(number), roc_curve(*scores)) for number in range(7)])


def test_the_enlarged_corner_is_the_smallest_that_holds_all_operating_points(scores, points):
    assert corner_side([]) == 0.2
    assert corner_side([0.15, 0.02]) == 0.2
    assert corner_side([0.2]) == 0.3
    assert corner_side([0.9]) == 0.5
    assert corner_side([float("nan"), 0.25]) == 0.3
    corner = roc_figure([RocSeries("a model", roc_curve(*scores))], operating_points=points).axes[1]
    assert corner.get_xlim()[1] > 0.4
    assert corner.get_ylim()[0] < 0.9
