"""Faults of ours: the client learns nothing of the inside, the log nothing of the radiograph."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from pneumoscope.errors import PneumoscopeError

DEEPEST_FRAMES: Final = 6
log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Fault(PneumoscopeError):
    """Something that nobody foresaw."""

    http_status = 500


def fault() -> Fault:
    """What a client is told."""
    return Fault(
        "internal-error",
        "Something went wrong inside Pneumoscope.",
        remedy="Try again; if it happens again, report it with the last lines of the server's log.",
    )


def without_faults(work: Callable[[], Answer]) -> Answer:
    """Do the work; what nobody foresaw becomes a `Fault`.

    The log gets the error's kind and where it happened, never its text, which might quote a DICOM header.
    """
    try:
        return work()
    except PneumoscopeError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is
        frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_FRAMES:]
        where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        log.error("a radiograph could not be answered: %s at %s", type(error).__name__, where)  # noqa: TRY400
        raise fault() from None
