"""A colour means the same evidence in every picture."""

from __future__ import annotations

import numpy as np
import pytest

from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.coloring import Coloring


def level(coloring: Coloring, evidence: float) -> int:
    return int(coloring.levels(np.array([[evidence]], np.float32))[0, 0])


def test_the_colour_saturates_at_the_scale_and_stays_there_beyond():
    coloring = Coloring(scale_logit=2.0)
    assert [level(coloring, evidence) for evidence in (0.0, 1.0, 2.0, 50.0)] == [0, 128, 255, 255]


def test_twice_the_scale_puts_the_same_evidence_at_half_the_position():
    assert level(Coloring(scale_logit=1.0), 0.8) == 204
    assert level(Coloring(scale_logit=2.0), 0.8) == 102


def test_the_level_of_a_cell_does_not_depend_on_the_other_cells():
    coloring = Coloring(scale_logit=1.0)
    among_cold, among_hot = np.full((2, 7, 7), 0.1, np.float32)
    among_hot[:] = 9.0
    among_cold[3, 3] = among_hot[3, 3] = 0.4
    assert coloring.levels(among_cold)[3, 3] == coloring.levels(among_hot)[3, 3] == 102


@pytest.mark.parametrize("name", ["jet", "hot", "viridis"])
def test_evidence_against_pneumonia_has_no_colour_in_a_one_sided_map(name):
    coloring = Coloring(scale_logit=1.0, colormap=name)
    assert not coloring.shows_both_signs
    assert coloring.opacities[level(coloring, -3.0)] == 0
    assert "against" not in coloring.legend


def test_a_diverging_map_shows_both_signs_around_a_clear_zero():
    coloring = Coloring(scale_logit=1.0, colormap="coolwarm", alpha=0.4)
    assert [level(coloring, evidence) for evidence in (-9.0, -1.0, 0.0, 1.0, 9.0)] == [1, 1, 128, 255, 255]
    assert [coloring.opacities[at] for at in (1, 128, 255)] == [102, 0, 102]
    assert "for and against" in coloring.legend


def test_opacity_rises_from_nothing_to_alpha_within_a_quarter_of_the_scale():
    opacities = Coloring(scale_logit=1.0, alpha=0.4).opacities
    assert opacities[0] == 0
    assert opacities[32] == 51  # half of 0.4 * 255 at half of the quarter
    assert set(opacities[64:]) == {102}
    assert list(opacities) == sorted(opacities)


@pytest.mark.parametrize(("name", "first", "last"), [("hot", 11, 255), ("HOT", 11, 255), (" Viridis ", 68, 253)])
def test_colour_maps_are_found_by_name_in_any_case(name, first, last):
    colors = Coloring(scale_logit=1.0, colormap=name).colors
    assert len(colors) == 768
    assert colors[0] == first  # red of the published tables: hot 0.0416, viridis 0.267 at the low end
    assert colors[765] == last


def test_a_reversed_colour_map_runs_the_other_way():
    forward = Coloring(scale_logit=1.0, colormap="viridis").colors
    backward = Coloring(scale_logit=1.0, colormap="viridis_r").colors
    assert forward[:3] == backward[-3:]


def test_ambiguous_names_are_taken_without_a_log_line(caplog):
    Coloring(scale_logit=1.0, colormap="RdBu")
    assert not caplog.records


def test_an_unknown_colour_map_is_refused_with_the_nearest_names():
    with pytest.raises(UnusableOption, match="no colour map named 'virdis'") as refusal:
        Coloring(scale_logit=1.0, colormap="virdis")
    assert refusal.value.code == "colormap-unknown"
    assert "viridis" in refusal.value.remedy


@pytest.mark.parametrize("name", ["", "_r", "x" * 5000, "日本"])
def test_names_that_resemble_nothing_are_refused_too(name):
    with pytest.raises(UnusableOption) as refusal:
        Coloring(scale_logit=1.0, colormap=name)
    assert refusal.value.remedy


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan"), float("inf")])
def test_an_opacity_outside_zero_to_one_is_refused(alpha):
    with pytest.raises(UnusableOption, match="alpha-out-of-range"):
        Coloring(scale_logit=1.0, alpha=alpha)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_not_above_zero_is_refused(scale):
    with pytest.raises(UnusableOption, match="scale-impossible"):
        Coloring(scale_logit=scale)
