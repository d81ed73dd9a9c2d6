"""Reliability diagram, decision curve and score histogram."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.curves import (
    ReliabilityDiagram,
    ScoreHistogram,
    decision_curve,
    reliability_diagram,
    score_histogram,
)
from pneumoscope.figures.decision_curve import decision_curve_figure
from pneumoscope.figures.reliability import reliability_figure
from pneumoscope.figures.score_histogram import score_histogram_figure
from pneumoscope.figures.values import Band

DIAGRAM = ReliabilityDiagram(
    lower_edge=np.array([0.0, 0.25, 0.5, 0.75]),
    upper_edge=np.array([0.25, 0.5, 0.75, 1.0]),
    radiographs=np.array([20, 0, 3, 40]),
    mean_probability=np.array([0.1, np.nan, 0.6, 0.9]),
    observed_rate=np.array([0.05, np.nan, 1 / 3, 0.95]),
)


def bar_tops(axes):
    return [round(bar.get_y() + bar.get_height(), 6) for bar in axes.patches]


def printed(axes):
    return [text.get_text() for text in axes.texts]


def test_a_bin_lies_at_its_mean_probability_and_observed_share_and_an_empty_one_nowhere(line_named):
    above = reliability_figure({"after calibration": DIAGRAM}).axes[0]
    drawn = line_named(above, "after calibration").get_xydata()
    np.testing.assert_array_equal(drawn, [[0.1, 0.05], [0.6, 1 / 3], [0.9, 0.95]])


def test_only_bins_of_few_radiographs_are_hollow():
    above = reliability_figure({"after calibration": DIAGRAM}).axes[0]
    hollow = [line.get_xdata() for line in above.lines if line.get_markerfacecolor() == "white"]
    assert [list(x) for x in hollow] == [[0.6], []]


def test_the_counts_of_both_diagrams_stand_side_by_side_and_the_second_is_hatched(scores):
    probabilities, labels = scores
    after = reliability_diagram(probabilities, labels, bins=4)
    below = reliability_figure({"before calibration": DIAGRAM, "after calibration": after}).axes[1]
    assert printed(below) == [str(count) for count in [20, 3, 40, *after.radiographs[after.radiographs > 0]]]
    hatches = [bar.get_hatch() or "" for bar in below.patches]
    assert hatches == [""] * 4 + ["///"] * 4
    edges = [bar.get_x() + bar.get_width() for bar in below.patches[:4]]
    np.testing.assert_allclose(edges, [bar.get_x() for bar in below.patches[4:]])


def test_the_decision_curve_stands_beside_treating_all_and_none(scores, line_named):
    curve = decision_curve(*scores)
    axes = decision_curve_figure({"a model": curve}).axes[0]
    for name, values in (
        ("a model", curve.net_benefit),
        ("treat all", curve.treat_all),
        ("treat none", curve.treat_none),
    ):
        np.testing.assert_array_equal(line_named(axes, name).get_xydata(), np.stack([curve.threshold, values], axis=1))


def test_the_picture_does_not_follow_treating_all_down_without_bound(scores):
    curve = decision_curve(*scores)
    assert curve.treat_all.min() < -10
    low, high = decision_curve_figure({"a model": curve}).axes[0].get_ylim()
    assert -0.1 < low < 0 < curve.net_benefit.max() < high


def test_the_legend_of_the_decision_curve_says_which_system_the_band_belongs_to(scores, words):
    curve = decision_curve(*scores)
    band = Band(curve.threshold, curve.net_benefit - 0.1, curve.net_benefit + 0.1)
    said = words(decision_curve_figure({"first": curve, "second": decision_curve(*scores)}, band=band)).splitlines()
    assert "first; band: 95 % interval" in said
    assert "second" in said


def test_bars_of_the_histogram_end_at_the_counts_and_say_them(scores):
    histogram = score_histogram(*scores, bins=5)
    above, below = score_histogram_figure(histogram).axes[:2]
    for axes, counts in ((above, histogram.with_finding), (below, histogram.without_finding)):
        assert bar_tops(axes) == [max(count, 0.5) for count in counts.tolist()]
        assert printed(axes) == [str(count) for count in counts if count]
    assert "30 radiographs" in above.get_title(loc="left")


def test_the_classes_differ_in_colour_and_hatch(scores):
    above, below = score_histogram_figure(score_histogram(*scores)).axes[:2]
    assert above.patches[0].get_hatch()
    assert not below.patches[0].get_hatch()
    assert to_hex(above.patches[0].get_edgecolor()) != to_hex(below.patches[0].get_facecolor())


def test_thresholds_cross_both_classes_and_one_line_carries_both_names_of_a_shared_one(scores, words):
    thresholds = [("balanced", 0.8), ("screening", 0.3), ("rule-in", 0.8)]
    figure = score_histogram_figure(score_histogram(*scores), thresholds=thresholds)
    for axes in figure.axes[:2]:
        assert [line.get_xdata()[0] for line in axes.lines] == [0.8, 0.3]
        assert axes.lines[0].get_linestyle() != axes.lines[1].get_linestyle()
    assert "balanced = rule-in, from 0.800" in words(figure)


def test_a_class_without_radiographs_is_an_empty_panel_and_no_radiograph_is_refused():
    edges, none, some = np.linspace(0, 1, 3), np.zeros(2, np.int64), np.array([3, 4])
    above = score_histogram_figure(ScoreHistogram(edges, none, some)).axes[0]
    assert bar_tops(above) == [0.5, 0.5]
    assert "0 radiographs" in above.get_title(loc="left")
    with pytest.raises(UnusableData, match="figure-empty"):
        score_histogram_figure(ScoreHistogram(edges, none, none))
    with pytest.raises(UnusableData, match="figure-empty"):
        reliability_figure({})
    with pytest.raises(UnusableData, match="figure-empty"):
        decision_curve_figure({})
