"""The one SQLite file that keeps jobs: private, held by one process, durable, wiped of what is deleted.

- Held: exclusive locking (sqlite.org/pragma.html#pragma_locking_mode) keeps a second server out, and keeps the index of
  the write-ahead log in memory.
- Durable: with a write-ahead log and `synchronous = FULL` a transaction that has ended survives a power cut.
- Wiped: `secure_delete` overwrites deleted content with zeros, and `wipe` empties the write-ahead log, which still holds
  what was written before. `shrink` gives free pages back to the disk.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

from pneumoscope.web.jobs.refusal import JobsDiskFull, UnusableJobs

FILE_NAME: Final = "jobs.sqlite3"
APPLICATION_ID: Final = 0x506E6A62
"""Marks the file as ours, with the version of its tables in `user_version`."""
VERSION: Final = 1
NAME: Final = "The jobs' database"
LAYOUT: Final = """
PRAGMA page_size = 65536;
PRAGMA auto_vacuum = INCREMENTAL;
"""
"""Of a new file, before its first page is there. Large pages: uploads are large, and go in 5 times faster."""
EMPTY_LOG: Final = "PRAGMA wal_checkpoint(TRUNCATE)"
SETTINGS: Final = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA secure_delete = ON;
PRAGMA temp_store = MEMORY;
PRAGMA foreign_keys = ON;
PRAGMA synchronous = FULL;
BEGIN EXCLUSIVE;
COMMIT;
"""
TABLES: Final = f"""
PRAGMA journal_mode = WAL;
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE job (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    created REAL NOT NULL,
    finished REAL,
    model TEXT NOT NULL,
    options TEXT NOT NULL,
    total INTEGER NOT NULL,
    problem TEXT
);
CREATE TABLE item (
    key INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    begun INTEGER NOT NULL DEFAULT 0,
    answer TEXT,
    UNIQUE (job, position)
);
CREATE INDEX unanswered ON item (job, position) WHERE answer IS NULL;
CREATE TABLE upload (
    item INTEGER PRIMARY KEY REFERENCES item (key) ON DELETE CASCADE,
    sha256 BLOB NOT NULL,
    content BLOB NOT NULL
);
COMMIT;
"""


@final
class Database:
    """An open file of jobs. Threads take turns."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._turn = threading.Lock()

    @classmethod
    def open(cls, folder: Path) -> Database:
        """The database in the folder, made where it is not there; `UnusableJobs` says why it cannot be used."""
        path = _private_file(folder)
        with _told(str(path)):
            # autocommit, so that transactions are where they are written; a held file is told at once
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
            try:
                _prepare(connection, path)
            except BaseException:
                connection.close()
                raise
        database = cls(connection)
        database.wipe()  # a server that was killed may have left uploads in the write-ahead log
        return database

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; what it deletes is in no file any more after `wipe`."""
        with self._turn, _told(NAME):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    self._connection.execute(EMPTY_LOG)  # a part of what is taken back may stand in it
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """To look, not to change."""
        with self._turn, _told(NAME):
            yield self._connection

    def wipe(self) -> None:
        """Write the write-ahead log into the database, zeros over deleted content included, and empty it."""
        with self.reading() as connection:
            connection.execute(EMPTY_LOG)

    def shrink(self) -> None:
        """Give pages that hold nothing back to the disk."""
        with self.reading() as connection:
            if _number(connection, "freelist_count"):
                connection.executescript("PRAGMA incremental_vacuum")  # `execute` would free a single page
        self.wipe()

    def close(self) -> None:
        with self._turn:
            self._connection.close()


def bytes_held(connection: sqlite3.Connection) -> int:
    """The bytes of all pages that hold something."""
    pages = _number(connection, "page_count") - _number(connection, "freelist_count")
    return pages * _number(connection, "page_size")


def _private_file(folder: Path) -> Path:
    """The path of a file that only its owner, who we are, may read and write."""
    path = folder / FILE_NAME
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and folder.stat().st_mode & stat.S_IWOTH:
            raise _not_private(folder, "may be written by every user of this machine")
        if not os.path.lexists(path):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            raise _not_private(path, "is not a file")
        if os.name == "posix" and found.st_uid != os.geteuid():
            raise _not_private(path, "belongs to another user")
        for file in (path, path.with_name(f"{FILE_NAME}-wal")):
            if file.exists():
                file.chmod(0o600)
    except OSError as error:
        raise _unwritable(str(path), error.strerror or str(error)) from error
    return path


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Hold it, look it through without writing, and make the tables in a new one."""
    if not path.stat().st_size:
        connection.executescript(LAYOUT)
    connection.executescript(SETTINGS)
    if connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
        raise _damaged(str(path))
    marks = (_number(connection, "application_id"), _number(connection, "user_version"))
    if marks == (0, 0) and not connection.execute("SELECT 1 FROM sqlite_schema").fetchall():
        connection.executescript(TABLES)
    elif marks != (APPLICATION_ID, VERSION):
        raise UnusableJobs(
            "jobs-foreign",
            f"{path} was not made by this version of Pneumoscope.",
            remedy="Give another folder with --jobs, or move the file away.",
        )


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


@contextmanager
def _told(where: str) -> Iterator[None]:
    """SQLite's errors (sqlite.org/rescode.html) as ours; `where` is what the message calls the file."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise JobsDiskFull(
                "jobs-disk-full",
                f"{where} cannot grow: the disk is full.",
                remedy="Free space on the disk of --jobs; jobs then go on by themselves.",
            ) from error
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise UnusableJobs(
                "jobs-in-use",
                f"{where} is in use by another program.",
                remedy="Stop the other server, or give this one another folder with --jobs.",
            ) from error
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise _damaged(where) from error
        if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
            raise _unwritable(where, str(error)) from error
        raise


def _damaged(where: str) -> UnusableJobs:
    return UnusableJobs(
        "jobs-damaged",
        f"{where} is damaged.",
        remedy=f"Move {FILE_NAME} and {FILE_NAME}-wal away and start again; jobs in them must be submitted again.",
    )


def _unwritable(where: str, reason: str) -> UnusableJobs:
    return UnusableJobs(
        "jobs-unwritable",
        f"{where} cannot be read or written ({reason}).",
        remedy="Check the rights of the folder and its disk, or give another folder with --jobs.",
    )


def _not_private(path: Path, why: str) -> UnusableJobs:
    return UnusableJobs(
        "jobs-not-private",
        f"{path} {why}; uploads would not be safe there.",
        remedy="Give a folder of its own with --jobs, and take others' rights from it (chmod 700).",
    )
