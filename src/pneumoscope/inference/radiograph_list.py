"""The list of radiographs that a table of scores is of, as one checksum: what tells two evaluations of the same films."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pneumoscope.evaluation.read_columns import IDENTITY, csv_lines

CHECKSUM = "sha256"
LENGTH = hashlib.sha256().digest_size


def radiograph_list_sha256(scores: Path, paths: Sequence[str]) -> str | None:
    """SHA-256 over the lines that `sha256sum` would print of these radiographs, by path; None where one has no checksum.

    `scores` is a table with the columns `path` (or `id`) and `sha256`; rows that `paths` does not name are passed over.
    """
    lines = csv_lines(scores)
    _, names = next(lines, (0, []))
    place = {name.strip().lower(): index for index, name in enumerate(names)}
    identity = next((place[name] for name in IDENTITY if name in place), None)
    if identity is None or CHECKSUM not in place:
        return None
    rows = {path: row for row, path in enumerate(paths)}
    found, known = bytearray(LENGTH * len(paths)), 0
    for _, cells in lines:
        row = rows.get(cells[identity].strip())
        checksum = None if row is None else bytes_of(cells[place[CHECKSUM]])
        if row is not None and checksum is not None:
            found[LENGTH * row : LENGTH * (row + 1)] = checksum
            known += 1
    if known < len(paths):
        return None
    digest = hashlib.sha256()
    for path in sorted(rows):
        start = LENGTH * rows[path]
        digest.update(f"{found[start : start + LENGTH].hex()}  {path}\n".encode())
    return digest.hexdigest()


def bytes_of(cell: str) -> bytes | None:
    """None for what is no SHA-256."""
    try:
        checksum = bytes.fromhex(cell.strip())
    except ValueError:
        return None
    return checksum if len(checksum) == LENGTH else None
