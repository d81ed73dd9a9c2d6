"""What the server takes on and what it allows; `pneumoscope serve` makes it of its options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEADLINE_SECONDS: Final = 60.0
MOST_FILES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`threads` radiographs are read at a time and `waiting` requests wait; what comes on top is told to come again.

    A request that has waited `deadline_seconds` is dropped. `jobs` is the folder of the jobs' database (None: no jobs),
    `api_key` what clients must show (None: nothing), `requests_per_minute` what one client may send (None: any number),
    `cors_origins` the pages of other sites that may call, `host_names` the names that it answers to besides `localhost` and
    addresses in numbers. One request is answered at once for up to `most_files` files.
    """

    upload_bytes: int
    threads: int
    waiting: int
    deadline_seconds: float = DEADLINE_SECONDS
    allow_url: bool = False
    jobs: Path | None = None
    api_key: str | None = None
    requests_per_minute: int | None = None
    cors_origins: tuple[str, ...] = ()
    host_names: tuple[str, ...] = ()
    most_files: int = MOST_FILES

    @property
    def explaining_seconds(self) -> float:
        """What the slow methods of one request may take: half of the deadline, so that the answer still comes."""
        return self.deadline_seconds / 2
