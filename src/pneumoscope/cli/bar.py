"""Progress bars on standard error, for a person who watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def with_bar(
    items: Iterable[Item], total: int, *, unit: str = "radiograph", stage: str | None = None
) -> Iterable[Item]:
    """The items as they come, counted in a bar that bears the name of the stage."""
    from tqdm import tqdm

    bar: Iterable[Item] = tqdm(
        items,
        desc=stage,
        total=total,
        unit=unit,
        file=sys.stderr,
        dynamic_ncols=True,
        disable=not sys.stderr.isatty(),
    )
    return bar


class Bar:
    """For what is done in many small steps; gone when all is done."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __enter__(self) -> Callable[[int, int], None]:
        from tqdm import tqdm

        self.bar = tqdm(
            unit=self.unit, file=sys.stderr, dynamic_ncols=True, disable=not sys.stderr.isatty(), leave=False
        )
        return self.watch

    def watch(self, done: int, planned: int) -> None:
        """So much of so much."""
        self.bar.total = planned
        self.bar.update(done - self.bar.n)

    def __exit__(self, *_: object) -> None:
        self.bar.close()
