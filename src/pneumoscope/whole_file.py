"""Files that are whole or not there: written aside and renamed, with one of our errors where that cannot be."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path

from pneumoscope.errors import UnusableOutput

NAME_IMPOSSIBLE = "output-name-impossible"
NAME_IS_THE_REASON = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EILSEQ, errno.EINVAL, errno.ENOTEMPTY}


def write_whole(path: str | Path, content: bytes) -> None:
    """Write aside and rename, so that a file is whole or not there; `UnusableOutput` where it cannot be written."""
    folder = os.path.dirname(path)  # noqa: PTH120 - pathlib would cost more than the writing
    aside = os.path.join(folder, f".{os.getpid():x}-{threading.get_ident():x}.partial")  # noqa: PTH118
    try:
        try:
            write_bytes(aside, content)
        except FileNotFoundError:
            Path(folder).mkdir(parents=True, exist_ok=True)
            write_bytes(aside, content)
        os.replace(aside, path)  # noqa: PTH105
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(aside).unlink()
        if error.errno in NAME_IS_THE_REASON:
            raise UnusableOutput(
                NAME_IMPOSSIBLE,
                f"{path} cannot be written under that name ({error.strerror}).",
                remedy="Rename the radiograph, or write to another folder.",
            ) from error
        raise unusable(Path(path), error) from error


def write_bytes(path: str, content: bytes) -> None:
    """Without Python's buffer, which would only copy what is written in one piece."""
    with open(path, "wb", buffering=0) as file:  # noqa: PTH123
        view = memoryview(content)
        while view:
            view = view[file.write(view) :]


def unusable(path: Path, error: OSError) -> UnusableOutput:
    """The error for a place that cannot be written to."""
    return UnusableOutput(
        "output-unwritable",
        f"{path} cannot be written ({error.strerror}).",
        remedy="Free space or choose another folder; what is done is kept and a second run goes on from there.",
    )
