"""What the audit lets pass: one TOML file, a limit a row, unknown rows refused."""

from __future__ import annotations

import difflib
import hashlib
import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pneumoscope.errors import UnusableOption

KEYS = ("at_least", "at_most", "whole_interval")


@dataclass(frozen=True, slots=True)
class Limit:
    """A measured value passes between `at_least` and `at_most`; with `whole_interval` its 95 % interval must too."""

    at_least: float | None = None
    at_most: float | None = None
    whole_interval: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value lies inside."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        ends = [f">= {self.at_least:g}"] if self.at_least is not None else []
        ends += [f"<= {self.at_most:g}"] if self.at_most is not None else []
        return " and ".join(ends) + " (whole interval)" * self.whole_interval

    def to_dict(self) -> dict[str, float | bool | None]:
        return {"at_least": self.at_least, "at_most": self.at_most, "whole_interval": self.whole_interval}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits by `SECTION.ROW`, with the file's name and checksum for the record."""

    by_row: Mapping[str, Limit]
    file: str
    sha256: str


def read_limits(path: Path | None, known: Collection[str], *, room: str = "pneumoscope.audit") -> Limits:
    """The limits of a file, or those that ship in `room`; `UnusableOption` names what is wrong and what was meant.

    A row that the file leaves out is measured, but has no limit.
    """
    name = "shipped" if path is None else path.name
    try:
        content = (resources.files(room) / "limits.toml" if path is None else path).read_bytes()
    except OSError as error:
        raise unusable_limits(
            "limits-unreadable", f"{path} cannot be read ({error.strerror}).", "Check the path."
        ) from error
    try:
        tables = tomllib.loads(content.decode("utf-8"))
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise unusable_limits(
            "limits-syntax",
            f"{path} is not TOML: {error}.",
            "Write [section] tables of lines such as metadata = { at_least = 0.0 }, in UTF-8.",
        ) from error
    return Limits(limits_from(tables, known), name, hashlib.sha256(content).hexdigest())


def limits_from(tables: Mapping[str, Any], known: Collection[str]) -> dict[str, Limit]:
    """Checked limits from parsed TOML."""
    sections = sorted({row.split(".")[0] for row in known})
    limits = {}
    for section, rows in tables.items():
        if section not in sections:
            raise unknown_key(section, sections)
        if not isinstance(rows, dict):
            raise not_a_limit(section, "a table of rows")
        for row, settings in rows.items():
            if f"{section}.{row}" not in known:
                raise unknown_key(f"{section}.{row}", known)
            limits[f"{section}.{row}"] = limit_from(f"{section}.{row}", settings)
    return limits


def limit_from(row: str, settings: Any) -> Limit:
    """One limit; a number at one end at least, the ends in order."""
    if not isinstance(settings, dict):
        raise not_a_limit(row, "a table such as { at_most = 0.05 }")
    for key in settings:
        if key not in KEYS:
            raise unknown_key(f"{row}.{key}", [f"{row}.{name}" for name in KEYS])
    ends = [settings[key] for key in KEYS[:2] if key in settings]
    if not ends or not all(is_number(end) for end in ends) or ends != sorted(ends):
        raise not_a_limit(row, "at_least or at_most, or both in this order of size, each a number")
    whole_interval = settings.get("whole_interval", False)
    if not isinstance(whole_interval, bool):
        raise not_a_limit(f"{row}.whole_interval", "true or false")
    at_least, at_most = (float(settings[key]) if key in settings else None for key in KEYS[:2])
    return Limit(at_least, at_most, whole_interval)


def is_number(value: Any) -> bool:
    """A finite number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def unknown_key(key: str, known: Collection[str]) -> UnusableOption:
    """The error for a key that no row has, with the nearest that one has."""
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0)
    return unusable_limits("limits-unknown-key", f"The limits have an unknown key {key}.", f"Did you mean {near[0]}?")


def not_a_limit(where: str, wanted: str) -> UnusableOption:
    """The error for a value that is no limit."""
    return unusable_limits("limits-value", f"The limits give {where} something that is no limit.", f"Write {wanted}.")


def unusable_limits(code: str, message: str, remedy: str) -> UnusableOption:
    """All that may be wrong with a limits file is the option's fault."""
    return UnusableOption(code, message, remedy=remedy)
