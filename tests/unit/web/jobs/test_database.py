import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pneumoscope.errors import PneumoscopeError
from pneumoscope.web.jobs.database import FILE_NAME, Database
from pneumoscope.web.jobs.job import JobLimits, JobState
from pneumoscope.web.jobs.refusal import JobsDiskFull, UnusableJobs
from pneumoscope.web.jobs.store import JobStore
from support.full_disk import files_of_at_most

from .conftest import MODEL, found_in

HOLDING = """
import sys, time
from pathlib import Path
from pneumoscope.web.jobs.database import Database
database = Database.open(Path(sys.argv[1]))
print("open", flush=True)
time.sleep(60)
"""


def refusal_of(folder: Path) -> PneumoscopeError:
    with pytest.raises(UnusableJobs) as refused:
        Database.open(folder)
    assert refused.value.exit_code == 7
    return refused.value


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folder_and_files_are_private_whatever_the_umask(folder):
    before = os.umask(0)
    try:
        database = Database.open(folder)
    finally:
        os.umask(before)
    assert mode_of(folder) == 0o700
    assert {file.name: mode_of(file) for file in folder.iterdir()} == {FILE_NAME: 0o600, f"{FILE_NAME}-wal": 0o600}
    database.close()
    assert [file.name for file in folder.iterdir()] == [FILE_NAME]


def test_a_file_that_others_could_read_becomes_private(folder):
    Database.open(folder).close()
    (folder / FILE_NAME).chmod(0o644)
    Database.open(folder).close()
    assert mode_of(folder / FILE_NAME) == 0o600


def test_a_folder_that_everyone_may_write_is_refused(folder):
    folder.mkdir()
    folder.chmod(0o777)
    assert refusal_of(folder).code == "jobs-not-private"


def test_a_link_in_place_of_the_file_is_refused_and_what_it_points_to_left_alone(folder, tmp_path):
    folder.mkdir(mode=0o700)
    (tmp_path / "other").write_bytes(b"kept")
    (folder / FILE_NAME).symlink_to(tmp_path / "other")
    assert refusal_of(folder).code == "jobs-not-private"
    assert (tmp_path / "other").read_bytes() == b"kept"


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert refusal_of(tmp_path / "file").code == "jobs-unwritable"
    assert refusal_of(tmp_path / "file" / "below").code == "jobs-unwritable"


@pytest.fixture
def as_other_user():
    """Root may write everywhere, so tests of rights run as a user who may not."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


def test_a_folder_that_cannot_be_written_is_told(tmp_path, request):
    for folder in [tmp_path, *tmp_path.parents[:3]]:
        if folder.stat().st_uid == os.geteuid() and folder.name.startswith(("pytest-", "popen-", "test_")):
            folder.chmod(0o755)
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    request.getfixturevalue("as_other_user")
    for folder in (closed, closed / "below"):
        refusal = refusal_of(folder)
        assert refusal.code == "jobs-unwritable"
        assert "Permission denied" in refusal.message


def test_a_second_server_is_kept_out_and_let_in_once_the_first_was_killed(folder):
    first = subprocess.Popen([sys.executable, "-c", HOLDING, folder], stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "open\n"
    refusal = refusal_of(folder)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert refusal.code == "jobs-in-use"
    assert str(folder) in refusal.message
    Database.open(folder).close()


def test_a_second_opening_in_this_process_is_kept_out_and_does_not_let_others_in(folder):
    first = Database.open(folder)
    assert refusal_of(folder).code == "jobs-in-use"
    others = subprocess.run([sys.executable, "-c", HOLDING, folder], capture_output=True, text=True, check=False)
    assert "jobs-in-use" in others.stderr
    first.close()


@pytest.mark.parametrize("where", [0, 100, 131_072, 200_000])
def test_a_damaged_file_is_told_and_left_as_it_is(folder, where):
    store = JobStore.open(folder, JobLimits())
    store.submitted([b"a" * 50_000], {}, model=MODEL)
    store.close()
    path = folder / FILE_NAME
    content = bytearray(path.read_bytes())
    content[where : where + 4096] = os.urandom(len(content[where : where + 4096]))
    if where == 200_000:
        del content[200_000:]
    path.write_bytes(content)
    refusal = refusal_of(folder)
    assert refusal.code == "jobs-damaged"
    assert FILE_NAME in refusal.remedy
    assert path.read_bytes() == content


def test_a_file_that_was_cut_off_to_nothing_is_begun_anew(folder):
    Database.open(folder).close()
    (folder / FILE_NAME).write_bytes(b"")
    Database.open(folder).close()


def test_the_database_of_another_program_is_told_and_left_as_it_is(folder):
    folder.mkdir(mode=0o700)
    other = sqlite3.connect(folder / FILE_NAME)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = (folder / FILE_NAME).read_bytes()
    assert refusal_of(folder).code == "jobs-foreign"
    assert (folder / FILE_NAME).read_bytes() == before


def test_the_database_of_another_version_is_told(folder):
    Database.open(folder).close()
    later = sqlite3.connect(folder / FILE_NAME)
    later.execute("PRAGMA user_version = 2")
    later.close()
    assert refusal_of(folder).code == "jobs-foreign"


def test_a_full_disk_refuses_the_job_as_a_whole_and_keeps_what_was_there(store, submit):
    first = submit(b"a" * 10_000)
    with store._database.reading() as sql:
        pages = sql.execute("PRAGMA page_count").fetchone()[0]
        sql.execute(f"PRAGMA max_page_count = {pages + 2}")  # SQLITE_FULL, as a disk without space gives
    with pytest.raises(JobsDiskFull) as refused:
        submit(b"b" * 10_000, b"c" * 1_000_000)
    assert (refused.value.code, refused.value.http_status) == ("jobs-disk-full", 507)
    assert store.job(first.id).state is JobState.QUEUED
    assert store.counts()["queued"] == 1
    with store._database.reading() as sql:
        sql.execute("PRAGMA max_page_count = 100000")
    submit(b"b" * 10_000, b"c" * 1_000_000)


def test_a_disk_that_fails_while_writing_refuses_the_job_as_a_whole(store, submit):
    first = submit(b"a" * 10_000)
    with files_of_at_most(1_000_000), pytest.raises(UnusableJobs) as refused:
        submit(b"b" * 2_000_000)
    assert refused.value.code == "jobs-unwritable"
    assert str(Path.cwd()) not in refused.value.message
    assert store.counts()["queued"] == 1
    assert store.job(first.id).state is JobState.QUEUED
    submit(b"b" * 500_000)


def test_of_a_job_that_did_not_fit_nothing_is_left_in_any_file(folder, store, submit):
    with files_of_at_most(2_000_000), pytest.raises(UnusableJobs):
        submit(b"RadiographBytes." * 150_000)
    assert found_in(folder, b"RadiographBytes.") == {}
    assert (folder / f"{FILE_NAME}-wal").stat().st_size == 0


def test_a_disk_that_fails_at_the_start_is_told(folder):
    with files_of_at_most(100_000):
        refusal = refusal_of(folder)
    assert refusal.code in {"jobs-unwritable", "jobs-disk-full"}
    Database.open(folder).close()
