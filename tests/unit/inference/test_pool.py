import threading
import time

import pytest

from pneumoscope.inference.pool import AHEAD_PER_WORKER, ordered_results, usable_cores


def test_results_come_in_the_order_of_the_items_though_the_first_is_slowest():
    def work(number: int) -> int:
        time.sleep(0.05 if number == 0 else 0)
        return number * number

    found = list(ordered_results(work, range(20), workers=4))
    assert found == [(number, number * number) for number in range(20)]


def test_items_are_taken_only_a_little_ahead_so_memory_is_bounded():
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = ordered_results(lambda number: number, items(), workers=2)
    next(results)
    assert len(taken) <= 2 * AHEAD_PER_WORKER + 1
    results.close()


def test_the_workers_run_side_by_side():
    barrier = threading.Barrier(3, timeout=10)
    assert len(list(ordered_results(lambda _: barrier.wait(), range(3), workers=3))) == 3


def test_an_error_in_the_work_reaches_the_caller():
    def work(number: int) -> int:
        return 1 // number

    with pytest.raises(ZeroDivisionError):
        list(ordered_results(work, [1, 0, 1], workers=2))


def test_there_is_at_least_one_core():
    assert usable_cores() >= 1
