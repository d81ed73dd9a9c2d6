"""Any text in Markdown shows as itself."""

import pytest

from pneumoscope.report.markdown import escaped, section_lines, table_lines
from pneumoscope.report.section import Section, Table


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain words, 0.986 (0.976 to 0.994)", "plain words, 0.986 (0.976 to 0.994)"),
        ("a_b*c|d", r"a\_b\*c\|d"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("# title", r"\# title"),
        ("[x](javascript:1)", r"\[x\](javascript:1)"),
        ("see http://a.example or www.b.example", "see http:&#47;/a.example or www&#46;b.example"),
        ("two\n\nlines", "two lines"),
        ("half \ud800", "half ?"),
    ],
)
def test_signs_lose_their_meaning(text, written):
    assert escaped(text) == written


def test_a_number_with_a_sign_stays_as_it_is_in_a_cell():
    assert list(table_lines(Table(("a", "b"), (("-2.7", "x|y"),)))) == ["| a | b |", "|---|---|", r"| -2.7 | x\|y |"]


def test_a_row_of_another_width_is_refused():
    with pytest.raises(ValueError, match="another number of cells"):
        Table(("a", "b"), (("1",),))


def test_a_section_holds_everything_in_order():
    section = Section("x", "Title", ("Words.",), (Table(("a",), (("1",),)),), (), ("Note.",))
    text = "\n".join(section_lines(section, [("figures/x.png", "an x")]))
    places = [text.index(part) for part in ("## Title", "Words.", "| 1 |", "![an x](figures/x.png)", "Note.")]
    assert places == sorted(places)
