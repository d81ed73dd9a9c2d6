"""Results on disk: `NAME.json` and, where asked for, `NAME.overlay.png` or `NAME.npy`; each written whole or not at all.

A second run finds what the first has done: the same file content, bundle, operating point and drawing.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pneumoscope.arrays import SaliencyMap
from pneumoscope.errors import UnusableOutput
from pneumoscope.inference.result import SCHEMA_VERSION, Result
from pneumoscope.inference.sources import Source


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

    def file(self, source: Source, suffix: str) -> Path:
        return self.folder / source.name.with_name(source.name.name + suffix)

    def relative(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def finished(self, source: Source, expected: Result, *, suffixes: tuple[str, ...]) -> Result | None:
        """The result of an earlier run, if its files are there and `expected` (keys and values) and the content hold."""
        if source.path is None or not all(self.file(source, suffix).is_file() for suffix in suffixes):
            return None
        try:
            result = json.loads(self.file(source, ".json").read_bytes())
            with source.path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError):
            return None
        if not isinstance(result, dict) or result.get("error") is not None or result.get("sha256") != sha256:
            return None
        return result if all(result.get(key) == value for key, value in expected.items()) else None

    def write_result(self, source: Source, result: Result) -> None:
        write_whole(self.file(source, ".json"), (json.dumps(result, ensure_ascii=False, indent=1) + "\n").encode())

    def write_map(self, source: Source, saliency_map: SaliencyMap) -> Path:
        buffer = io.BytesIO()
        np.save(buffer, saliency_map.astype(np.float32, copy=False))
        return write_whole(self.file(source, ".npy"), buffer.getvalue())

    def write_overlay(self, source: Source, png: bytes) -> Path:
        return write_whole(self.file(source, ".overlay.png"), png)

    def results(self) -> Iterator[Result]:
        """Every result in the folder, in order of their names, one at a time."""
        for root, folders, files in os.walk(self.folder):
            folders.sort()
            for name in sorted(files):
                if not name.endswith(".json"):
                    continue
                try:
                    result = json.loads((Path(root) / name).read_bytes())
                except ValueError:
                    continue
                if isinstance(result, dict) and result.get("schema_version") == SCHEMA_VERSION:
                    yield result


def write_whole(path: Path, content: bytes) -> Path:
    """Write aside and rename, so that a file is whole or not there; `UnusableOutput` where it cannot be written."""
    aside = path.with_name(f".{threading.get_ident():x}.partial")
    try:
        try:
            aside.write_bytes(content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(content)
        aside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise unusable(path, error) from error
    return path


def unusable(path: Path, error: OSError) -> UnusableOutput:
    """The error for a place that cannot be written to."""
    return UnusableOutput(
        "output-unwritable",
        f"{path} cannot be written ({error.strerror}).",
        remedy="Free space or choose another folder; what is done is kept and a second run goes on from there.",
    )
