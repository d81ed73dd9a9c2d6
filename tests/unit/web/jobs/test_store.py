import json
import signal
import subprocess
import sys
import threading
import time

import pytest

from pneumoscope.web.jobs.job import Answered, JobLimits, JobState
from pneumoscope.web.jobs.refusal import JobsFull, JobTooLarge, JobUnknown
from pneumoscope.web.jobs.store import JobStore
from pneumoscope.web.refusal import RefusedRequest

from .conftest import HOUR, MODEL, MOST_BYTES, found_in


def answer_next(store, **answer):
    item = store.next_item()
    store.answer(item, json.dumps(answer))
    return item


def test_a_job_is_queued_then_running_then_done(store, submit):
    job = submit(b"a", b"b")
    assert (job.state, job.total, job.done, job.model, job.results_until) == (JobState.QUEUED, 2, 0, MODEL, None)
    answer_next(store)
    assert (store.job(job.id).state, store.job(job.id).done) == (JobState.RUNNING, 1)
    answer_next(store)
    assert (store.job(job.id).state, store.job(job.id).done) == (JobState.DONE, 2)


def test_radiographs_are_handed_out_in_the_order_they_came_with_the_options_of_their_job(store, submit):
    submit(b"a", b"b", similar=1)
    submit(b"c", similar=2)
    items = [answer_next(store) for _ in range(3)]
    assert [(item.content, item.options) for item in items] == [
        (b"a", {"similar": 1}),
        (b"b", {"similar": 1}),
        (b"c", {"similar": 2}),
    ]
    assert store.next_item() is None


def test_a_radiograph_that_was_not_answered_is_handed_out_again_and_the_tries_are_counted(store, submit):
    submit(b"a")
    assert [store.next_item().begun for _ in range(3)] == [1, 2, 3]


def test_a_second_answer_to_the_same_radiograph_changes_nothing(store, submit):
    job = submit(b"a", b"b")
    item = answer_next(store, logit=1)
    store.answer(item, '{"logit": 2}')
    assert store.answers(job.id, after=-1, most=10) == [Answered(0, {"logit": 1})]


def test_answers_come_page_by_page_in_order(store, submit):
    job = submit(b"a", b"b", b"c")
    for number in range(3):
        answer_next(store, logit=number)
    assert [answered.index for answered in store.answers(job.id, after=-1, most=2)] == [0, 1]
    assert store.answers(job.id, after=1, most=2) == [Answered(2, {"logit": 2})]
    assert store.answers(job.id, after=2, most=2) == []


def test_a_page_ends_early_where_answers_are_long(store, submit, monkeypatch):
    monkeypatch.setattr("pneumoscope.web.jobs.store.MOST_PAGE_BYTES", 1500)
    job = submit(b"a", b"b", b"c")
    for _ in range(3):
        answer_next(store, png="x" * 1000)
    assert [answered.index for answered in store.answers(job.id, after=-1, most=10)] == [0, 1]


def test_an_id_is_192_bits_of_chance(submit):
    ids = {submit(b"a").id for _ in range(20)}
    assert len(ids) == 20
    assert {len(job_id) for job_id in ids} == {32}  # base64 of 24 bytes


@pytest.mark.parametrize("job_id", ["", "1", "%", "' OR 1=1 --", "\0", "x" * 32])
def test_no_other_text_finds_a_job(store, submit, job_id):
    submit(b"a")
    for ask in (store.job, store.cancelled, store.forget, lambda job: store.answers(job, after=-1, most=1)):
        with pytest.raises(JobUnknown):
            ask(job_id)


def test_a_cancelled_job_keeps_its_answers_and_is_read_no_further(store, submit):
    job = submit(b"a", b"b", b"c")
    answer_next(store, logit=0)
    item = store.next_item()
    assert store.cancelled(job.id).state is JobState.CANCELLED
    store.answer(item, '{"logit": 1}')  # it was being read when the job was cancelled
    assert store.next_item() is None
    assert [answered.index for answered in store.answers(job.id, after=-1, most=10)] == [0]
    assert store.job(job.id).done == 1


def test_cancelling_a_job_that_is_done_leaves_it_done(store, submit):
    job = submit(b"a")
    answer_next(store)
    assert store.cancelled(job.id).state is JobState.DONE


def test_a_forgotten_job_is_gone_even_while_it_is_read(store, submit):
    job = submit(b"a")
    item = store.next_item()
    store.forget(job.id)
    store.answer(item, "{}")
    with pytest.raises(JobUnknown):
        store.job(job.id)
    assert store.next_item() is None
    assert sum(store.counts().values()) == 0


def test_a_failed_job_says_why_and_keeps_its_answers(store, submit):
    job = submit(b"a", b"b")
    answer_next(store)
    store.fail(store.next_item(), {"code": "job-of-another-model"})
    found = store.job(job.id)
    assert (found.state, found.done, found.problem) == (JobState.FAILED, 1, {"code": "job-of-another-model"})
    assert store.next_item() is None


def test_results_are_kept_24_hours_from_the_end_of_the_job(store, submit, clock):
    job = submit(b"a")
    clock.seconds += 100 * HOUR  # it waited
    answer_next(store)
    assert store.job(job.id).results_until == clock.seconds + 24 * HOUR
    clock.seconds += 24 * HOUR - 1
    store.sweep()
    assert store.job(job.id).done == 1
    clock.seconds += 1
    with pytest.raises(JobUnknown):  # before any sweep
        store.job(job.id)
    store.sweep()
    assert sum(store.counts().values()) == 0


def test_a_job_that_has_not_ended_is_never_swept(store, submit, clock):
    job = submit(b"a")
    clock.seconds += 1000 * HOUR
    store.sweep()
    assert store.job(job.id).state is JobState.QUEUED


def test_more_files_or_bytes_than_a_job_may_have_are_refused(store, submit):
    with pytest.raises(JobTooLarge) as refused:
        submit(*[b"a"] * 6)
    assert refused.value.code == "job-too-many-files"
    with pytest.raises(JobTooLarge) as refused:
        submit(b"a" * MOST_BYTES, b"a")
    assert refused.value.code == "job-too-large"
    with pytest.raises(RefusedRequest) as refused:
        submit()
    assert refused.value.code == "job-empty"


def test_jobs_that_wait_leave_no_room_until_they_are_answered(store, submit):
    submit(b"a" * 1_500_000)
    with pytest.raises(JobsFull) as refused:
        submit(b"b" * 1_500_000)
    assert (refused.value.http_status, refused.value.retry_after_seconds) == (503, 60)
    answer_next(store)
    submit(b"b" * 1_500_000)


def test_results_that_are_kept_take_room_until_they_are_deleted(store, submit):
    job = submit(b"a")
    answer_next(store, png="x" * 1_500_000)
    with pytest.raises(JobsFull):
        submit(b"b" * 1_500_000)
    store.forget(job.id)
    submit(b"b" * 1_500_000)


def test_jobs_are_counted_by_state(store, submit):
    submit(b"a")
    submit(b"b")
    answer_next(store)
    assert store.counts() == {"queued": 1, "running": 0, "done": 1, "cancelled": 0, "failed": 0}


def test_a_store_that_is_opened_again_has_everything(folder, store, submit, clock):
    job = submit(b"a", b"b")
    answer_next(store, logit=1)
    before = store.job(job.id)
    store.close()
    again = JobStore.open(folder, JobLimits(), now=clock)
    assert again.job(job.id) == before
    assert again.answers(job.id, after=-1, most=10) == [Answered(0, {"logit": 1})]
    assert again.next_item().content == b"b"
    again.close()


@pytest.mark.parametrize("size", [100, 3000, 50_000, 200_000])
@pytest.mark.parametrize("way", ["answered", "cancelled", "forgotten"])
def test_of_an_upload_nothing_is_left_in_any_file(folder, store, submit, size, way):
    mark = b"RadiographBytes."
    job = submit(mark * (size // 16), b"other", b"others")
    assert found_in(folder, mark)
    if way == "answered":
        answer_next(store)
    elif way == "cancelled":
        store.cancelled(job.id)
    else:
        store.forget(job.id)
    assert found_in(folder, mark) == {}


def test_of_one_answered_upload_nothing_is_left_between_others_that_wait(folder, store, submit):
    submit(*[b"Radiograph no. %d;" % number * 300 for number in range(5)])
    answer_next(store)
    answer_next(store)
    assert [bool(found_in(folder, b"Radiograph no. %d;" % number)) for number in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_of_forgotten_and_of_old_results_nothing_is_left_in_any_file(folder, store, submit, clock):
    for forget in (store.forget, lambda _: (setattr(clock, "seconds", clock.seconds + 25 * HOUR), store.sweep())):
        job = submit(b"a")
        answer_next(store, finding="WordOfTheResult" * 1000)
        assert found_in(folder, b"WordOfTheResult")
        forget(job.id)
        assert found_in(folder, b"WordOfTheResult") == {}


def test_a_job_that_was_accepted_survives_a_kill_and_half_a_job_is_not_there(folder):
    script = """
import sys
from pathlib import Path
from pneumoscope.web.jobs.job import JobLimits
from pneumoscope.web.jobs.store import JobStore
store = JobStore.open(Path(sys.argv[1]), JobLimits())
while True:
    print(store.submitted([b"a" * 100_000] * 5, {}, model={"name": "tiny"}).id, flush=True)
"""
    submitting = subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE, text=True)
    accepted = [submitting.stdout.readline().strip() for _ in range(4)]
    time.sleep(0.01)
    submitting.kill()
    accepted += submitting.communicate()[0].split()
    again = JobStore.open(folder, JobLimits())
    assert [again.job(job).total for job in accepted] == [5] * len(accepted)
    taken = 0
    while (item := again.next_item()) is not None:
        assert len(item.content) == 100_000
        again.answer(item, "{}")
        taken += 1
    assert taken == 5 * again.counts()["done"]
    assert again.counts()["done"] in {len(accepted), len(accepted) + 1}  # the last may have been kept, but not told
    again.close()


def test_what_a_killed_server_left_in_the_write_ahead_log_is_gone_after_the_next_start(folder):
    script = """
import os, signal, sys
from pathlib import Path
from pneumoscope.web.jobs.job import JobLimits
from pneumoscope.web.jobs.store import JobStore
store = JobStore.open(Path(sys.argv[1]), JobLimits())
store.submitted([b"RadiographBytes." * 5000], {}, model={"name": "tiny"})
with store._database.transaction() as sql:
    sql.execute("DELETE FROM upload")
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script, folder], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert found_in(folder, b"RadiographBytes.")
    JobStore.open(folder, JobLimits()).close()
    assert found_in(folder, b"RadiographBytes.") == {}


def test_the_file_shrinks_when_jobs_are_gone(folder, store, submit):
    size = (folder / "jobs.sqlite3").stat().st_size
    job = submit(b"a" * 900_000)
    answer_next(store)
    assert (folder / "jobs.sqlite3").stat().st_size > 900_000
    store.forget(job.id)
    store.sweep()
    assert (folder / "jobs.sqlite3").stat().st_size == size


def test_threads_take_turns(store, submit):
    jobs = []

    def work(name):
        for _ in range(5):
            job = submit(name.encode())
            assert store.job(job.id).total == 1
            jobs.append(job.id)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(jobs)) == 20
    assert store.counts()["queued"] == 20
