"""A progress bar for what is done in many small steps."""

from __future__ import annotations

import sys

from pneumoscope.explanation.masking import Watch


class Bar:
    """On standard error, for a person who watches; gone when all is done."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __enter__(self) -> Watch:
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
