"""The line under a figure: on what, and on how many, it was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """What a figure was drawn from. `part` as a reader knows it ("official test"), `model` may be empty, `patients` None
    where they are not known.
    """

    part: str
    radiographs: int
    patients: int | None
    with_finding: int
    model: str = ""

    def line(self, *more: str) -> str:
        """`official test: 624 radiographs of 428 patients, 390 with pneumonia · efficientnet-lite0 0.1.0 · ...`"""
        of_patients = "(patients unknown)" if self.patients is None else f"of {counted(self.patients, 'patient')}"
        first = (
            f"{self.part}: {counted(self.radiographs, 'radiograph')} {of_patients}, {self.with_finding} with pneumonia"
        )
        return " · ".join(text for text in (first, self.model, *more) if text)


def counted(number: int, noun: str) -> str:
    """`1 patient`, `1,024 patients`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
