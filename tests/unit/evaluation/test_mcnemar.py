import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from pneumoscope.evaluation.mcnemar import mcnemar, two_sided_sign_test

repeatable = settings(deadline=None, derandomize=True, max_examples=60, database=None)


@repeatable
@given(st.integers(0, 300), st.integers(0, 300))
def test_the_p_value_is_that_of_the_exact_binomial_test(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1
    assert two_sided_sign_test(first, second) == pytest.approx(expected, rel=1e-9)


def test_only_radiographs_on_which_one_system_alone_is_right_count():
    labels = np.array([1, 1, 1, 0, 0, 0], bool)
    first = np.array([1, 1, 0, 0, 0, 1], bool)
    second = np.array([0, 1, 0, 1, 0, 0], bool)
    found = mcnemar(first, second, labels)
    assert (found.only_first_right, found.only_second_right, found.p_value) == (2, 1, 1)


def test_ten_to_none_has_a_p_value_of_two_in_1024():
    assert two_sided_sign_test(10, 0) == pytest.approx(2 / 1024)


def test_many_radiographs_do_not_overflow():
    assert 0.3 < two_sided_sign_test(250_000, 250_500) < 0.7
