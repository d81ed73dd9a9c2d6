"""Every error that Pneumoscope raises on purpose, in one tree.

PneumoscopeError                what is wrong (message), how to mend it (remedy), a stable reason code
├── RefusedRadiograph           one radiograph that the gate does not let through
├── UnusableBundle              a bundle that is missing, damaged or not ours
├── UnusableData                a data folder, manifest or score table that cannot be used
├── UnusableRecipe              a training recipe with unknown or impossible settings
├── UnusableOutput              a place that cannot be written to
├── UnusableOption              a command-line or API option with an impossible value
├── FailedTraining              a training run that cannot go on; the last good checkpoint is kept
├── FailedAudit                 a bundle that does not hold the limits of an audit; all results are written
└── MissingExtra                an optional part that is not installed
"""

from __future__ import annotations

from typing import ClassVar


class PneumoscopeError(Exception):
    """Base of the tree.

    `code` is a stable, machine-readable reason (kebab-case), `message` says what is wrong and where,
    `remedy` says how to mend it. `exit_code` is what a command ends with, `http_status` what the API answers.
    """

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, *, remedy: str) -> None:
        super().__init__(code, message, remedy)
        self.code = str(code)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} [{self.code}] {self.remedy}"

    def to_dict(self) -> dict[str, str]:
        """`{"code", "message", "remedy"}`, as results and the API carry it."""
        return {"code": self.code, "message": self.message, "remedy": self.remedy}


class RefusedRadiograph(PneumoscopeError):
    """One radiograph cannot be read, or is not what the model may be asked about."""

    exit_code = 3
    http_status = 422


class UnusableBundle(PneumoscopeError):
    """A bundle is missing, damaged, of another format, or not a bundle at all."""

    exit_code = 4


class UnusableData(PneumoscopeError):
    """A data folder, a manifest or a table of scores cannot be used as it is."""

    exit_code = 5
    http_status = 422


class UnusableRecipe(PneumoscopeError):
    """A recipe has an unknown key or a value that cannot be."""

    exit_code = 6


class UnusableOutput(PneumoscopeError):
    """Results cannot be written where they were asked for."""

    exit_code = 7


class UnusableOption(PneumoscopeError):
    """An option has a value that cannot be."""

    exit_code = 2
    http_status = 422


class FailedTraining(PneumoscopeError):
    """A training run cannot go on."""

    exit_code = 8


class MissingExtra(PneumoscopeError):
    """Something was asked for that needs an optional part of the installation."""

    exit_code = 9
    http_status = 501


class FailedAudit(PneumoscopeError):
    """Rows of an audit lie beyond their limits."""

    exit_code = 10
