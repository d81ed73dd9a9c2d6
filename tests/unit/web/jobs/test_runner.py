import json
import logging
import threading
import time
from contextlib import contextmanager

import pytest

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.web.jobs.database import FILE_NAME
from pneumoscope.web.jobs.job import JobLimits, JobState
from pneumoscope.web.jobs.jobs import Jobs
from pneumoscope.web.jobs.runner import JobRunner
from pneumoscope.web.jobs.store import JobStore

from .conftest import MODEL

SECONDS = 20


def until(wanted):
    """Wait until it holds."""
    deadline = time.monotonic() + SECONDS
    while not wanted():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


@contextmanager
def running(store, read, *, model=MODEL):
    runner = JobRunner(store, read, model=model, retry_seconds=0.02)
    runner.start()
    try:
        yield runner
    finally:
        runner.close()


def length(content, options):
    return {"length": len(content), **options}


def answers_of(store, job):
    return [answered.answer for answered in store.answers(job.id, after=-1, most=100)]


def test_what_waits_is_answered_in_order(store, submit):
    job = submit(b"a", b"bb", b"ccc", similar=3)
    with running(store, length):
        until(lambda: store.job(job.id).state is JobState.DONE)
    assert answers_of(store, job) == [{"length": number, "similar": 3} for number in (1, 2, 3)]


def test_a_sleeping_runner_is_woken_by_a_submission(folder):
    jobs = Jobs.open(folder, length, model=MODEL)
    time.sleep(0.1)
    job = jobs.submitted([b"a"], {})
    until(lambda: jobs.job(job.id).state is JobState.DONE)
    assert jobs.trouble is None
    jobs.close()


def test_a_refused_radiograph_gives_its_problem_and_the_next_is_read(store, submit):
    def refuse_first(content, options):
        if content == b"a":
            raise RefusedRadiograph("blank", "upload: It is blank.", remedy="Send another.")
        return length(content, options)

    job = submit(b"a", b"b")
    with running(store, refuse_first):
        until(lambda: store.job(job.id).state is JobState.DONE)
    first, second = answers_of(store, job)
    assert (first["problem"]["code"], first["problem"]["status"]) == ("blank", 422)
    assert first["problem"]["detail"] == "It is blank."
    assert second == {"length": 1}


@pytest.mark.parametrize("answer", [{"logit": float("nan")}, {"logit": object()}, None])
def test_a_fault_of_ours_is_told_as_such_and_the_next_is_read(store, submit, caplog, answer):
    def faulty(content, options):
        if content == b"a":
            if answer is None:
                raise ValueError("Doe^Jane")
            return answer
        return length(content, options)

    job = submit(b"a", b"b")
    with running(store, faulty), caplog.at_level(logging.WARNING):
        until(lambda: store.job(job.id).state is JobState.DONE)
    first, second = answers_of(store, job)
    assert (first["problem"]["code"], first["problem"]["status"]) == ("internal-error", 500)
    assert second == {"length": 1}
    assert len(caplog.records) == 1
    assert "Doe" not in caplog.text


def test_a_cancelled_job_is_read_no_further_than_the_radiograph_at_hand(store, submit):
    at_work, go_on, read = threading.Event(), threading.Event(), []

    def slow(content, options):
        read.append(content)
        at_work.set()
        go_on.wait(SECONDS)
        return {}

    job = submit(b"a", b"b")
    other = submit(b"c")
    with running(store, slow):
        assert at_work.wait(SECONDS)
        store.cancelled(job.id)
        go_on.set()
        until(lambda: store.job(other.id).state is JobState.DONE)
    assert read == [b"a", b"c"]
    assert answers_of(store, job) == []


def test_closing_finishes_the_radiograph_at_hand_and_leaves_the_rest(store, submit):
    at_work = threading.Event()

    def slow(content, options):
        at_work.set()
        time.sleep(0.1)
        return {}

    job = submit(b"a", b"b", b"c")
    with running(store, slow):
        assert at_work.wait(SECONDS)
    assert (store.job(job.id).state, store.job(job.id).done) == (JobState.RUNNING, 1)
    with running(store, length):
        until(lambda: store.job(job.id).state is JobState.DONE)
    assert answers_of(store, job) == [{}, {"length": 1}, {"length": 1}]


def test_a_job_of_another_model_fails_and_is_not_mixed(store, submit):
    job = submit(b"a", b"b")
    store.answer(store.next_item(), json.dumps({"logit": 0}))
    with running(store, length, model={**MODEL, "sha256": "1" * 64}):
        until(lambda: store.job(job.id).state is JobState.FAILED)
    assert store.job(job.id).problem["code"] == "job-of-another-model"
    assert answers_of(store, job) == [{"logit": 0}]


def test_a_radiograph_that_stopped_the_server_three_times_is_not_tried_again(store, submit):
    job = submit(b"bomb", b"b")
    for _ in range(3):
        store.next_item()  # and the process died
    with running(store, length):
        until(lambda: store.job(job.id).state is JobState.DONE)
    first, second = answers_of(store, job)
    assert first["problem"]["code"] == "reading-stopped-the-server"
    assert second == {"length": 1}


def test_an_upload_that_the_disk_has_changed_is_refused_not_read(folder):
    store = JobStore.open(folder, JobLimits())
    job = store.submitted([b"RadiographBytes." * 10_000, b"b"], {}, model=MODEL)
    store.close()
    path = folder / FILE_NAME
    content = path.read_bytes()
    path.write_bytes(content.replace(b"RadiographBytes.", b"RadiographBytez.", 1))
    store = JobStore.open(folder, JobLimits())
    with running(store, length):
        until(lambda: store.job(job.id).state is JobState.DONE)
    first, second = answers_of(store, job)
    store.close()
    assert first["problem"]["code"] == "upload-damaged"
    assert second == {"length": 1}


def test_on_a_full_disk_jobs_wait_and_go_on_by_themselves_without_reading_twice(store, submit, caplog):
    read = []

    def long_answer(content, options):
        read.append(content)
        return {"png": "x" * 1_000_000}

    job = submit(b"a", b"b")
    set_most_pages(store, 12)
    with running(store, long_answer) as runner:
        until(lambda: runner.trouble is not None)
        time.sleep(0.2)  # several tries
        assert runner.trouble.code == "jobs-disk-full"
        assert store.job(job.id).done == 0
        set_most_pages(store, 100_000)
        until(lambda: store.job(job.id).state is JobState.DONE)
        until(lambda: runner.trouble is None)
    assert read == [b"a", b"b"]
    assert len(caplog.records) == 1  # told once, not at every try


def set_most_pages(store, pages):
    with store._database.reading() as sql:
        sql.execute(f"PRAGMA max_page_count = {pages}")
