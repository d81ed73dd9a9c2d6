import re
from pathlib import Path

import pytest

from pneumoscope.audit.limits import Limit, read_limits
from pneumoscope.audit.question import ROWS
from pneumoscope.errors import UnusableOption

DOCUMENT = Path(__file__).parents[3] / "docs/explanation/the-shortcut-audit.md"


def limits_of(tmp_path, text):
    path = tmp_path / "limits.toml"
    path.write_text(text, "utf-8")
    return read_limits(path, ROWS)


def test_a_limit_holds_between_its_ends_and_at_them():
    limit = Limit(at_least=0.25, at_most=0.75)
    assert [limit.holds(value) for value in (0.2, 0.25, 0.5, 0.75, 0.8)] == [False, True, True, True, False]


def test_the_limits_that_the_issue_asks_for_ship():
    by_row = read_limits(None, ROWS).by_row
    assert by_row["lungs-removed.black"].at_most == by_row["lungs-removed.mean"].at_most == 0.75
    assert by_row["only-lungs.black-auroc"] == by_row["only-lungs.mean-auroc"] == Limit(at_least=-0.005)
    assert by_row["heat.inside-lungs"] == Limit(at_least=0.80)


def test_every_row_but_the_floor_has_a_limit_that_ships():
    assert set(ROWS) - set(read_limits(None, ROWS).by_row) == {"lungs-removed.mask-outline"}


def test_a_row_that_a_file_leaves_out_has_no_limit(tmp_path):
    limits = limits_of(tmp_path, "[heat]\ninside-lungs = { at_least = 0.5 }\n")
    assert limits.by_row == {"heat.inside-lungs": Limit(at_least=0.5)}
    assert limits.file == "limits.toml"


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("[appearence]\njpeg-90 = { at_most = 0.1 }", "limits-unknown-key", "Did you mean appearance?"),
        ("[appearance]\njpeg-91 = { at_most = 0.1 }", "limits-unknown-key", "Did you mean appearance.jpeg-90?"),
        ("[heat]\ninside-lungs = { atleast = 0.1 }", "limits-unknown-key", "Did you mean heat.inside-lungs.at_least?"),
        ("[heat]\ninside-lungs = 0.8", "limits-value", "at_most = 0.05"),
        ("heat = 0.8", "limits-value", "a table of rows"),
        ("[heat]\ninside-lungs = {}", "limits-value", "at_least or at_most"),
        ("[heat]\ninside-lungs = { at_least = nan }", "limits-value", "each a number"),
        ("[heat]\ninside-lungs = { at_least = true }", "limits-value", "each a number"),
        ("[heat]\ninside-lungs = { at_least = 0.9, at_most = 0.1 }", "limits-value", "order of size"),
        ("[heat]\ninside-lungs = { at_least = 0.9, whole_interval = 1 }", "limits-value", "true or false"),
        ("[heat\n", "limits-syntax", "at_least = 0.0"),
    ],
)
def test_a_wrong_limit_is_refused_with_what_was_meant(tmp_path, text, code, told):
    with pytest.raises(UnusableOption) as raised:
        limits_of(tmp_path, text)
    assert raised.value.code == code
    assert told in raised.value.remedy


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path):
    with pytest.raises(UnusableOption, match="limits-unreadable"):
        read_limits(tmp_path / "none.toml", ROWS)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UnusableOption, match="limits-syntax"):
        read_limits(tmp_path / "bytes.toml", ROWS)


def test_the_document_names_every_row_with_its_limit():
    explained = DOCUMENT.read_text("utf-8").partition("<!-- numbers: audit -->")[0]
    told = dict(re.findall(r"^\| `([\w.-]+)` \| ([^|]+) \|", explained, re.MULTILINE))
    by_row = read_limits(None, ROWS).by_row
    assert told == {row: str(by_row.get(row, "none")) for row in ROWS}
