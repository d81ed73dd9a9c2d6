"""The radiographs that a person names: files, folders (recursively) and standard input, each with a name for its results."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.gate import MOST_BYTES
from pneumoscope.radiograph.radiograph import Radiograph
from pneumoscope.radiograph.reading import radiograph_files, radiograph_from_bytes, read_radiograph

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Source:
    """One radiograph to read. `name` is a relative path, unique within a call, under which its results are kept."""

    path: Path | None
    name: PurePosixPath

    @property
    def label(self) -> str:
        return "standard input" if self.path is None else str(self.path)

    def read(self) -> Radiograph:
        """Read it now; `RefusedRadiograph` says why it cannot be."""
        if self.path is None:
            content = sys.stdin.buffer.read(MOST_BYTES + 1) if sys.stdin else b""
            return radiograph_from_bytes(content, self.label)
        return read_radiograph(self.path)


def sources_of(arguments: Sequence[str], *, leave_out: Sequence[Path] = ()) -> Iterator[Source]:
    """Every radiograph under `arguments`, in order; folders are walked as they are read, those of `leave_out` skipped."""
    for argument, name in zip(arguments, distinct_names(arguments), strict=True):
        if argument == STANDARD_INPUT:
            yield Source(None, PurePosixPath(name))
            continue
        path = Path(argument)
        if path.is_dir():
            for file in radiograph_files(path, leave_out=leave_out):
                yield Source(file, PurePosixPath(name) / file.relative_to(path).as_posix())
        else:
            yield Source(path, PurePosixPath(name))


def distinct_names(arguments: Sequence[str]) -> list[str]:
    """The last part of each argument; where two are alike, the folder's checksum tells them apart.

    The same arguments give the same names, whatever their order, so a second run finds what the first has done.
    """
    last_parts = [
        "standard-input" if argument == STANDARD_INPUT else Path(argument).resolve().name or "root"
        for argument in arguments
    ]
    alike = Counter(last_parts)
    names = []
    for argument, last in zip(arguments, last_parts, strict=True):
        parent = str(Path(argument).resolve().parent)
        suffix = f"~{hashlib.sha256(parent.encode()).hexdigest()[:8]}" if alike[last] > 1 else ""
        names.append(last + suffix)
    if len(set(names)) < len(names):
        raise RefusedRadiograph(
            "named-twice",
            "The same file or folder is named twice.",
            remedy="Name each file and folder once.",
        )
    return names
