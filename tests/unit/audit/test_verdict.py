import numpy as np
import pytest

from pneumoscope.audit.limits import Limit, Limits
from pneumoscope.audit.question import Question
from pneumoscope.audit.ranked import mean_of
from pneumoscope.audit.verdict import Measured, Verdict, judged, verdict_of


@pytest.mark.parametrize(
    ("measured", "limit", "verdict", "certain"),
    [
        ((0.70, 0.65, 0.74), Limit(at_most=0.75), Verdict.PASS, True),
        ((0.70, 0.65, 0.80), Limit(at_most=0.75), Verdict.PASS, False),
        ((0.80, 0.70, 0.90), Limit(at_most=0.75), Verdict.FAIL, False),
        ((0.90, 0.85, 0.95), Limit(at_most=0.75), Verdict.FAIL, True),
        ((0.20, 0.10, 0.24), Limit(at_least=0.25, at_most=0.75), Verdict.FAIL, True),
        ((0.05, -0.01, 0.10), Limit(at_least=0.0), Verdict.PASS, False),
        ((0.05, -0.01, 0.10), Limit(at_least=0.0, whole_interval=True), Verdict.FAIL, False),
        ((0.05, 0.01, 0.10), Limit(at_least=0.0, whole_interval=True), Verdict.PASS, True),
        ((0.05, 0.01, 0.10), None, Verdict.NO_LIMIT, None),
        ((None, None, None), Limit(at_least=0.0), Verdict.NOT_MEASURED, None),
    ],
)
def test_a_verdict_follows_the_value_and_says_whether_the_interval_agrees(measured, limit, verdict, certain):
    assert verdict_of(Measured(*measured), limit) == (verdict, certain)


def question(values: np.ndarray, **settings) -> Question:
    return Question("heat.inside-lungs", "", "", lambda rows: mean_of(values, rows), len(values), **settings)


def rows_of(asked: Question, generator, by_row=None):
    limits = Limits(by_row or {}, "", "")
    return judged([asked], limits, [f"p{n}" for n in range(40)], resamples=200, generator=generator)[0]


def test_a_row_carries_value_interval_and_what_is_beside_it(generator):
    values = generator.random(40)
    also = {"twice": lambda rows: 2 * mean_of(values, rows)}
    row = rows_of(question(values, also=also), generator, {"heat.inside-lungs": Limit(at_least=0.9)})
    assert row.measured.value == pytest.approx(values.mean())
    assert row.measured.low < row.measured.value < row.measured.high
    assert row.also["twice"].low == pytest.approx(2 * row.measured.low)  # on the same resamples
    assert (row.verdict, row.certain) == (Verdict.FAIL, True)


def test_what_is_not_defined_is_not_measured_and_says_so(generator):
    row = rows_of(question(np.full(40, np.nan)), generator)
    assert row.verdict is Verdict.NOT_MEASURED
    assert "not defined" in row.why_not


def test_what_cannot_be_measured_says_why(generator):
    row = rows_of(Question("heat.inside-lungs", "", "", None, why_not="no lung masks"), generator)
    assert (row.verdict, row.why_not) == (Verdict.NOT_MEASURED, "no lung masks")
