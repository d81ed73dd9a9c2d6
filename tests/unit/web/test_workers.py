"""A bounded queue: so many at work, so many waiting, the rest told at once; who waits too long is dropped unread."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pneumoscope.web.refusal import DeadlinePassed, Overloaded
from pneumoscope.web.workers import Workers


@pytest.fixture
def workers():
    opened = Workers(threads=1, waiting=2, deadline_seconds=0.05)
    yield opened
    opened.close()


def test_there_are_places_for_what_runs_and_what_waits_and_no_more(workers):
    with workers.place(), workers.place(), workers.place():
        assert workers.taken == workers.places == 3
        with pytest.raises(Overloaded) as caught, workers.place():
            pass

    assert (caught.value.code, caught.value.http_status) == ("overloaded", 503)
    assert workers.taken == 0


def test_work_is_done_in_another_thread_and_its_answer_or_error_comes_back(workers):
    assert asyncio.run(workers.run(lambda: threading.current_thread().name)).startswith("pneumoscope")
    with pytest.raises(ZeroDivisionError):
        asyncio.run(workers.run(lambda: 1 // 0))


def test_who_waits_past_the_deadline_is_told_then_and_never_begun(workers):
    release, begun = threading.Event(), []

    async def crowd():
        running = asyncio.create_task(workers.run(lambda: release.wait(20)))
        late = asyncio.create_task(workers.run(lambda: begun.append("late")))
        done, _ = await asyncio.wait((running, late), timeout=10, return_when=asyncio.FIRST_COMPLETED)
        assert done == {late}  # told while the other still runs
        release.set()
        return await running, late.exception()

    finished, refusal = asyncio.run(crowd())

    assert finished is True
    assert isinstance(refusal, DeadlinePassed)
    assert (refusal.code, refusal.http_status) == ("deadline-passed", 503)
    assert "0.05 seconds" in refusal.message
    workers.close()
    assert begun == []


def test_work_that_began_in_time_is_finished_after_the_deadline(workers):
    slow = threading.Event()

    assert asyncio.run(workers.run(lambda: slow.wait(0.2) or "finished")) == "finished"


def test_work_is_dropped_when_nobody_waits_for_it_any_more():
    workers = Workers(threads=1, waiting=1, deadline_seconds=20)
    release, begun = threading.Event(), []

    async def gone():
        running = asyncio.create_task(workers.run(lambda: release.wait(20)))
        waiting = asyncio.create_task(workers.run(lambda: begun.append("waiting")))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait((waiting,))
        release.set()
        await running

    asyncio.run(gone())
    workers.close()

    assert begun == []
