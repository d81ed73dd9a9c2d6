"""What is sent: radiographs from paths, bytes or open files, and the options of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from pneumoscope.errors import UnusableOption

Source: TypeAlias = str | Path | bytes | BinaryIO
"""A path, the bytes of a file, or a file that is open for reading bytes."""
FIELD = "file"
NAME = "radiograph"
"""The name that all files are sent under: a file's own name may be a patient's."""
Parts: TypeAlias = list[tuple[str, tuple[str, bytes | BinaryIO]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is asked about each radiograph; None leaves it to the server.

    `operating_point`: where the decision is made. `map`: drawn on the radiograph, as a transparent layer, as numbers, or
    not at all; made by `method` in the colours `color_map`. `similar`: so many similar training radiographs, 0 to 10.
    """

    operating_point: str | None = None
    method: str | None = None
    color_map: str | None = None
    map: Literal["png", "layer", "numbers", "none"] | None = None
    similar: int | None = None

    def query(self) -> dict[str, str]:
        """As query parameters."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


@contextmanager
def form_of(sources: Iterable[Source]) -> Iterator[Parts]:
    """The parts of a form, read while they are sent; files that were opened here are closed after.

    `UnusableOption` where there are no sources, or one cannot be opened.
    """
    if isinstance(sources, str | bytes | Path):
        raise UnusableOption(
            "one-source-given", "One radiograph was given where several are sent.", remedy="Give a list: [radiograph]."
        )
    with ExitStack() as opened:
        parts: Parts = [(FIELD, (NAME, _content(source, opened))) for source in sources]
        if not parts:
            raise UnusableOption("sources-empty", "There is nothing to send.", remedy="Give at least one radiograph.")
        yield parts


def _content(source: Source, opened: ExitStack) -> bytes | BinaryIO:
    if not isinstance(source, str | Path):
        return source
    try:
        return opened.enter_context(Path(source).open("rb"))
    except OSError as error:
        raise UnusableOption(
            "source-unreadable", f"{source} cannot be opened ({error.strerror}).", remedy="Check the path."
        ) from error
