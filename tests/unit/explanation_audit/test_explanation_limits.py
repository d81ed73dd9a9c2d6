"""The limits that ship are of rows that there are, and the targets stand in them."""

from pneumoscope.audit.limits import read_limits
from pneumoscope.explanation_audit.question import ROWS, SECTIONS


def test_the_targets_are_the_limits_that_ship():
    by_row = read_limits(None, ROWS, room="pneumoscope.explanation_audit").by_row
    assert by_row["lungs.energy"].at_least == 0.60
    assert by_row["against.correlation"].at_least == 0.98
    assert by_row["against.hottest-cell"].at_least == 0.90
    assert by_row["sanity.all-weights"].at_most == 0.3
    games = [limit for row, limit in by_row.items() if row.startswith(("deletion", "insertion"))]
    assert len(games) == 8
    assert all(limit.at_least == 0 and limit.whole_interval for limit in games)


def test_every_row_stands_in_a_section():
    assert {row.partition(".")[0] for row in ROWS} == set(SECTIONS)
