"""`scores.csv` as it grows: row by row into `scores.partial.csv`, renamed when all is done, so that nothing is done twice.

Beside it stand `scores.origin.json`, what it was made from, and `scores.unreadable.csv`, what could not be read.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from pneumoscope.errors import UnusableData, UnusableOutput
from pneumoscope.evaluation.read_columns import csv_lines
from pneumoscope.inference.score_origin import ScoreOrigin, read_origin
from pneumoscope.whole_file import unusable, write_whole

BLOCK = 2**16
UNREADABLE_COLUMNS = ("path", "code", "message", "remedy")


@dataclass(frozen=True, slots=True)
class ScoreFile:
    """Where the finished table goes, and its companions of the same name."""

    path: Path

    @property
    def partial(self) -> Path:
        return self.path.with_suffix(".partial.csv")

    @property
    def unreadable(self) -> Path:
        return self.path.with_suffix(".unreadable.csv")

    @property
    def origin(self) -> Path:
        return self.path.with_suffix(".origin.json")

    @property
    def partial_origin(self) -> Path:
        return self.path.with_suffix(".partial.origin.json")

    @property
    def companions(self) -> tuple[Path, ...]:
        """Every file that scoring writes."""
        return self.path, self.partial, self.unreadable, self.origin, self.partial_origin

    def begin(self, columns: Sequence[str], origin: ScoreOrigin, paths: Collection[str], *, resume: bool) -> set[str]:
        """Make the partial table ready for further rows; the paths that it holds already, which is none of a new one.

        `resume` takes up what an earlier run left, finished or not, if it was made from the same. Without it partial
        work is never thrown away: `UnusableOutput`.
        """
        if not resume and self.partial.exists():
            raise UnusableOutput(
                "scores-unfinished",
                f"{self.partial} holds the scores of a run that did not come to its end.",
                remedy="Go on with it by --resume, or delete it to begin anew.",
            )
        if resume and (self.partial.exists() or self.path.exists()):
            return self.taken_up(columns, origin, paths)
        write_whole(self.partial_origin, origin.to_json())
        write_whole(self.partial, csv_line(columns))
        return set()

    def taken_up(self, columns: Sequence[str], origin: ScoreOrigin, paths: Collection[str]) -> set[str]:
        """Check an earlier run's rows, drop a line that was cut off, and give the paths."""
        finished = not self.partial.exists()
        table, its_origin = (self.path, self.origin) if finished else (self.partial, self.partial_origin)
        before = read_origin(its_origin)
        if before is None or not origin.same_as(before):
            raise differing(table, "another model, calibration, manifest, split or table of sizes")
        drop_cut_off_line(table)
        done = paths_in(table, columns)
        if more := done - set(paths):
            raise differing(table, f"other radiographs, such as {min(more)}")
        if finished:
            self.partial_origin.write_bytes(self.origin.read_bytes())
            self.path.replace(self.partial)
        return done

    def finish(self) -> None:
        """The table is whole."""
        self.partial.replace(self.path)
        self.partial_origin.replace(self.origin)


class TableWriter:
    """Appends whole lines; what was written before a crash stays."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path, self.file = path, file

    def write(self, cells: Sequence[str]) -> None:
        """One row; `UnusableOutput` where the disk takes no more."""
        view = memoryview(csv_line(cells))
        try:
            while view:
                view = view[self.file.write(view) :]
        except OSError as error:
            raise unusable(self.path, error) from error


@contextmanager
def appending(path: Path) -> Iterator[TableWriter]:
    """A table that is open at its end."""
    try:
        file = path.open("ab", buffering=0)
    except OSError as error:
        raise unusable(path, error) from error
    with file:
        yield TableWriter(path, file)


@contextmanager
def unreadable_list(path: Path) -> Iterator[TableWriter]:
    """A new list of what could not be read; there is no file where the list stays empty."""
    write_whole(path, csv_line(UNREADABLE_COLUMNS))
    empty = path.stat().st_size
    try:
        with appending(path) as writer:
            yield writer
    finally:
        with contextlib.suppress(OSError):
            if path.stat().st_size == empty:
                path.unlink()


def csv_line(cells: Sequence[str]) -> bytes:
    """One row as it stands in the file."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode(errors="backslashreplace")


def drop_cut_off_line(table: Path) -> None:
    """Cut the file off behind its last whole line; no cell of ours holds a line break."""
    with table.open("r+b") as file:
        end = file.seek(0, io.SEEK_END)
        place = end
        while place:
            start = max(0, place - BLOCK)
            file.seek(start)
            if (found := file.read(place - start).rfind(b"\n")) >= 0:
                file.truncate(start + found + 1)
                return
            place = start
        file.truncate(0)


def paths_in(table: Path, columns: Sequence[str]) -> set[str]:
    """The first cell of each row under these very column names."""
    lines = csv_lines(table)
    _, names = next(lines, (0, []))
    if names != list(columns):
        raise differing(table, "another version, or was edited")
    return {cells[0] for _, cells in lines}


def differing(table: Path, what: str) -> UnusableData:
    """The error for scores that must not be mixed with new ones."""
    return UnusableData(
        "scores-differ",
        f"{table} cannot be gone on with: it was made with {what}.",
        remedy="Write to another --output, or delete it to begin anew.",
    )
