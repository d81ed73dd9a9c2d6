"""Results on disk: `NAME.json` and, where asked for, `NAME.overlay.png` or `NAME.npy`; each written whole or not at all.

A second run finds what the first has done: the same file content, bundle, operating point and drawing.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from pneumoscope.arrays import SaliencyMap
from pneumoscope.inference.result import SCHEMA_VERSION, Result
from pneumoscope.inference.sources import Source
from pneumoscope.whole_file import unusable, write_whole

LONGEST_NAME = 255
LONGEST_SUFFIX = len("~01234567.overlay.png")


@dataclass(frozen=True, slots=True)
class ResultStore:
    """A folder of results."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> ResultStore:
        """Make the folder; `UnusableOutput` where that cannot be."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(folder, error) from error
        return cls(folder)

    def place(self, source: Source, suffix: str) -> str:
        """Where a result of `source` is kept, relative to the folder; strings, since pathlib would cost more.

        A name that is no text, or too long for a suffix, is told by its digest.
        """
        name = str(source.name)
        last = name.rpartition("/")[2]
        if len(last) + LONGEST_SUFFIX > LONGEST_NAME or not name.isascii():
            name = told_by_digest(name)
        return name + suffix

    def file(self, source: Source, suffix: str) -> str:
        """Where a result of `source` is kept."""
        return f"{self.folder}/{self.place(source, suffix)}"

    def own(self, source: Source, label: str) -> Source:
        """The source under a name of its own, where a result of another file already stands under its name."""
        try:
            there = json.loads(Path(self.file(source, ".json")).read_bytes())
        except (OSError, ValueError, RecursionError):
            return source
        if not isinstance(there, dict) or there.get("file", label) == label:
            return source
        digest = hashlib.sha256(label.encode(errors="surrogateescape")).hexdigest()[:8]
        return Source(source.path, source.name.with_name(f"{source.name.name}~{digest}"))

    def finished(self, source: Source, expected: Result, *, suffixes: tuple[str, ...]) -> Result | None:
        """The result of an earlier run, if its files are there and `expected` (keys and values) and the content hold."""
        if source.path is None or not all(os.path.exists(self.file(source, end)) for end in suffixes):  # noqa: PTH110
            return None
        try:
            result = json.loads(Path(self.file(source, ".json")).read_bytes())
            with source.path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(result, dict) or result.get("error") is not None or result.get("sha256") != sha256:
            return None
        return result if all(result.get(key) == value for key, value in expected.items()) else None

    def write_result(self, source: Source, result: Result) -> None:
        """One line, as `--json` prints it."""
        content = (json.dumps(result, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
        write_whole(self.file(source, ".json"), content)

    def write_map(self, source: Source, saliency_map: SaliencyMap) -> str:
        """Write the map as float32 `.npy`; returns its place relative to the folder."""
        values = np.ascontiguousarray(saliency_map, np.float32)
        write_whole(self.file(source, ".npy"), npy_header(values.shape) + values.tobytes())
        return self.place(source, ".npy")

    def write_overlay(self, source: Source, png: bytes) -> str:
        """Write the overlay; returns its place relative to the folder."""
        write_whole(self.file(source, ".overlay.png"), png)
        return self.place(source, ".overlay.png")

    def results(self) -> Iterator[Result]:
        """Every result in the folder, in order of their names, one at a time."""
        for root, folders, files in os.walk(self.folder):
            folders.sort()
            for name in sorted(files):
                if not name.endswith(".json"):
                    continue
                try:
                    result = json.loads((Path(root) / name).read_bytes())
                except (OSError, ValueError, RecursionError):
                    continue
                if isinstance(result, dict) and result.get("schema_version") == SCHEMA_VERSION:
                    yield result


def told_by_digest(name: str) -> str:
    """A relative path whose parts fit into a file name and are text, told apart by a digest where they were changed."""
    parts = []
    for part in name.split("/"):
        content = part.encode(errors="surrogateescape")
        text = content.decode(errors="replace")
        if text != part or len(content) + LONGEST_SUFFIX > LONGEST_NAME:
            kept = content[: LONGEST_NAME - LONGEST_SUFFIX - 9].decode(errors="ignore")
            text = f"{kept}~{hashlib.sha256(content).hexdigest()[:8]}"
        parts.append(text)
    return "/".join(parts)


@lru_cache
def npy_header(shape: tuple[int, ...]) -> bytes:
    """What stands before the values of a float32 array in a `.npy` file."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(shape, np.float32))
    return buffer.getvalue()[: -4 * math.prod(shape)]
