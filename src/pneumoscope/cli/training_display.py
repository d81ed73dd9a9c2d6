"""What a person sees of a training: a bar for each epoch, a line for each that is over, the same line in `train.log`."""

from __future__ import annotations

import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import click
import numpy as np
from tqdm import tqdm

from pneumoscope.errors import MissingExtra
from pneumoscope.evaluation.metrics import area_under_roc
from pneumoscope.training.activations import Progress
from pneumoscope.training.checkpoint import EpochRecord
from pneumoscope.training.setting import StepReport, Watchers

LOG_FILE = "train.log"
BAR = "{desc}{percentage:.0f}% |{bar}| {n_fmt}/{total_fmt}, {remaining} left{postfix}"
"""Without tqdm's own rate, so that loss, AUROC and radiographs a second fit into 80 columns."""
LATEST = 50
"""Steps whose radiographs the shown AUROC is of."""


class TrainingDisplay:
    """Bars on standard error where a person watches, lines on standard output and in the run's log."""

    def __init__(self, output: Path, *, silent: bool, events: Any = None) -> None:
        self.log = output / LOG_FILE
        self.silent = silent
        self.events = events
        self.bar: Any = None
        self.title = ""
        self.latest: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=LATEST)
        self.stop = self.stepping = False
        self.watchers = Watchers(self.show_step, self.show_epoch, self.show_activations, lambda: self.stop)

    def show_step(self, report: StepReport) -> None:
        """Move the epoch's bar: loss, AUROC of the latest radiographs, radiographs a second, time left."""
        self.stepping = (report.epoch + 1, report.step) != (report.epochs, report.steps)
        self.latest.append((report.logits, report.targets))
        bar = self.bar_for(f"epoch {report.epoch + 1}/{report.epochs}", report.steps, report.step - 1, "step")
        if bar.disable:
            return
        rate = f"{report.pictures_per_second:.0f}"
        bar.set_postfix_str(f"loss {report.loss:.3f}, AUROC {self.latest_auroc()}, {rate} img/s", refresh=False)
        bar.update()

    def decoding(self, items: Iterable[Any], total: int) -> Iterator[Any]:
        """Pass on what is decoded (radiographs, then lung masks), and move a bar."""
        for item in items:
            self.bar_for("decoding", total, 0, "picture").update()
            yield item
        self.close_bar()

    def show_activations(self, progress: Progress) -> None:
        """Move the bar of the frozen parts' activations."""
        if self.stop:
            raise KeyboardInterrupt  # whole pieces are kept
        bar = self.bar_for("activations of the frozen parts", progress.total, 0, "radiograph")
        bar.update(progress.done - bar.n)

    def show_epoch(self, record: EpochRecord) -> None:
        """One line."""
        self.close_bar()
        self.tell(
            f"epoch {record.epoch}: {record.size_px} px, loss {record.loss:.4f}, "
            f"validation AUROC {record.validation_auroc:.4f}, loss {record.validation_loss:.4f}, "
            f"accuracy at logit 0 {record.validation_accuracy:.4f}, {record.pictures_per_second:.0f} radiographs/s, "
            f"{record.seconds:.0f} s"
        )
        if self.events:
            for name in ("loss", "outside_share", "learning_rate", "validation_loss", "validation_auroc"):
                self.events.add_scalar(name, getattr(record, name), record.epoch)
            self.events.flush()

    def tell(self, text: str) -> None:
        """A line for the person and the log."""
        if self.silent:
            return
        self.close_bar()
        click.echo(text)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {text}\n")

    def bar_for(self, title: str, total: int, begun: int, unit: str) -> Any:
        """The bar of that title; the one before it is closed."""
        if self.bar is None or self.title != title:
            self.close_bar()
            self.title = title
            hidden = self.silent or not sys.stderr.isatty()
            self.bar = tqdm(
                desc=f"{title}: ",
                total=total,
                initial=begun,
                unit=unit,
                disable=hidden,
                leave=False,
                dynamic_ncols=True,
                bar_format=BAR,
            )
        return self.bar

    def close_bar(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def latest_auroc(self) -> str:
        """Of the radiographs of the latest steps, as augmented; a dash while only one class was seen."""
        logits, targets = (np.concatenate(parts) for parts in zip(*self.latest, strict=True))
        found = targets > 0.5
        return f"{area_under_roc(logits, found):.3f}" if 0 < found.sum() < len(found) else "-"

    @contextmanager
    def stopping(self, *, able: bool) -> Iterator[None]:
        """Let Ctrl-C (or a polite kill) end the run after the step it is at; a second one ends it at once, as does the
        first one before the first step and after the last.

        Several processes would wait for each other, so there the first one ends it at once (`able` false).
        """

        def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the interface of signal
            if self.stop or not self.stepping:
                raise KeyboardInterrupt
            self.stop = True
            click.echo("\nstopping soon (again: at once)", err=True)

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM) if able}
        try:
            yield
        except KeyboardInterrupt:
            self.tell("stopped; the same command with --resume goes on from the checkpoint")
            raise
        finally:
            self.close_bar()
            for number, handler in before.items():
                signal.signal(number, handler)


def tensorboard_of(folder: Path | None) -> Any:
    """A writer of event files, or None; `MissingExtra` where TensorBoard is not installed."""
    if folder is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtra(
            "tensorboard-missing", "--tensorboard needs TensorBoard.", remedy="pip install tensorboard"
        ) from error
    return SummaryWriter(str(folder))
