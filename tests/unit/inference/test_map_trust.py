"""When a map is not to be trusted, and how that limit is chosen."""

from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.dataset.manifest import Label, ManifestRow, Split
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.operating_point import Decision
from pneumoscope.inference.map_trust import chosen_least_heat_inside, map_trust

ROW = ManifestRow("a.png", "0" * 64, Label.PNEUMONIA, "", "p", Split.VALIDATION, 8, 8, "L")


def test_a_positive_answer_from_outside_of_the_lungs_is_doubted():
    trust = map_trust(0.3, Decision.PNEUMONIA, least_heat_inside=0.8)
    assert trust.heat_inside_lungs == 0.3
    assert "30%" in trust.doubt
    assert "80%" in trust.doubt


@pytest.mark.parametrize(
    ("heat", "decision"), [(0.8, Decision.PNEUMONIA), (0.3, Decision.NORMAL), (None, Decision.PNEUMONIA)]
)
def test_nothing_is_doubted_at_the_limit_below_the_operating_point_or_without_lungs(heat, decision):
    assert map_trust(heat, decision, least_heat_inside=0.8).doubt is None


def test_the_limit_flags_at_most_the_given_share_of_the_positive_decisions():
    heat = np.array([*np.linspace(0.5, 0.995, 100), 0.01, np.nan])
    decisions = [Decision.PNEUMONIA] * 100 + [Decision.NORMAL, Decision.PNEUMONIA]
    limit = chosen_least_heat_inside(heat, decisions, [ROW] * 102, flagged_share=0.05)
    flagged = [map_trust(one, Decision.PNEUMONIA, least_heat_inside=limit).doubt for one in heat[:100]]
    assert limit == 0.52  # 0.525 rounded down
    assert 3 <= sum(doubt is not None for doubt in flagged) <= 5


def test_the_test_split_chooses_nothing():
    with pytest.raises(UnusableData, match="test split"):
        chosen_least_heat_inside(np.array([0.5]), [Decision.PNEUMONIA], [replace(ROW, split=Split.TEST)])


def test_without_a_positive_decision_no_limit_can_be_chosen():
    with pytest.raises(UnusableData, match="positive decision"):
        chosen_least_heat_inside(np.array([0.5]), [Decision.NORMAL], [ROW])
