"""What a person sees of a training (`pneumoscope.cli.training_display`)."""

import os
import signal
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from pneumoscope.cli import training_display
from pneumoscope.cli.training_display import TrainingDisplay, tensorboard_of
from pneumoscope.errors import MissingExtra
from pneumoscope.training.activations import Progress
from pneumoscope.training.checkpoint import EpochRecord
from pneumoscope.training.setting import StepReport

RECORD = EpochRecord(2, 64, 1e-3, 0.51234, 0.1, 0.4, 0.98765, 0.875, 123.4, 9.6)


def report(step=1, logits=(-1.0, 2.0), targets=(0.0, 1.0), epoch=0):
    return StepReport(epoch, 3, step, 10, 0.5, 99.6, np.array(logits, np.float32), np.array(targets, np.float32))


@pytest.fixture
def display(tmp_path):
    display = TrainingDisplay(tmp_path, silent=False)
    yield display
    display.close_bar()


@pytest.fixture
def ctrl_c_interrupts():
    """As in a terminal; a process started in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def watched(monkeypatch):
    """As if standard error were a terminal."""
    monkeypatch.setattr(training_display, "sys", SimpleNamespace(stderr=SimpleNamespace(isatty=lambda: True)))


def test_each_epoch_is_one_line_for_the_person_and_in_the_log(display, tmp_path, capsys):
    display.watchers.on_epoch(RECORD)
    display.watchers.on_epoch(RECORD)
    (first, second) = capsys.readouterr().out.splitlines()
    assert first == second
    assert first == (
        "epoch 2: 64 px, loss 0.5123, validation AUROC 0.9877, loss 0.4000, accuracy at logit 0 0.8750, "
        "123 radiographs/s, 10 s"
    )
    logged = (tmp_path / "train.log").read_text().splitlines()
    assert [line.partition(" ")[2] for line in logged] == [first, second]


def test_a_process_that_does_not_lead_says_nothing(tmp_path, capsys):
    display = TrainingDisplay(tmp_path, silent=True)
    display.watchers.on_step(report())
    display.watchers.on_epoch(RECORD)
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "train.log").exists()


def test_where_nobody_watches_there_is_no_bar(display, capsys):
    for step in range(1, 4):
        display.watchers.on_step(report(step))
    assert capsys.readouterr() == ("", "")


def test_the_bar_shows_epoch_loss_auroc_and_speed(display, watched):
    for step in range(1, 11):
        display.watchers.on_step(report(step))
    shown = str(display.bar)
    assert "epoch 1/3" in shown
    assert "10/10" in shown
    assert "loss 0.500, AUROC 1.000, 100 img/s" in shown


def test_a_resumed_epochs_bar_begins_where_the_epoch_was(display, watched):
    display.watchers.on_step(report(7))
    assert display.bar.n == 7


def test_each_epoch_has_a_bar_of_its_own(display, watched):
    display.watchers.on_step(report(10))
    first = display.bar
    display.watchers.on_step(report(1, epoch=1))
    assert display.bar is not first
    assert display.bar.n == 1


def test_the_activations_have_a_bar(display, watched):
    display.watchers.on_activations(Progress(16, 100))
    display.watchers.on_activations(Progress(48, 100))
    assert (display.bar.n, display.bar.total) == (48, 100)
    assert "activations of the frozen parts" in display.bar.desc


def test_decoding_has_a_bar_while_it_lasts_and_passes_everything_on(display, watched):
    shown = [(item, display.bar.n, display.bar.total, display.bar.desc) for item in display.decoding("abc", 3)]
    assert shown == [("a", 1, 3, "decoding: "), ("b", 2, 3, "decoding: "), ("c", 3, 3, "decoding: ")]
    assert display.bar is None


def test_the_auroc_is_of_the_latest_steps_and_a_dash_while_one_class_was_seen(display):
    display.latest.append((np.array([1.0, 2.0]), np.array([1.0, 1.0])))
    assert display.latest_auroc() == "-"
    display.latest.append((np.array([0.0, 1.5]), np.array([0.0, 0.0])))
    assert display.latest_auroc() == "0.750"


def test_the_first_ctrl_c_asks_and_the_second_ends(display, capsys):
    asked = []

    def interrupted_twice():
        with display.stopping(able=True):
            display.watchers.on_step(report())
            for _ in range(2):
                asked.append(display.watchers.wants_stop())
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted_twice()
    assert asked == [False, True]
    output = capsys.readouterr()
    assert "stopping soon" in output.err
    assert "--resume" in output.out


@pytest.mark.parametrize("steps", [[], [report(step=10, epoch=2)]])
def test_before_the_first_step_and_after_the_last_the_first_ctrl_c_ends_it(display, steps):
    def interrupted_once():
        with display.stopping(able=True):
            for step in steps:
                display.watchers.on_step(step)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted_once()
    assert not display.watchers.wants_stop()


def test_a_polite_kill_asks_too_and_the_handlers_are_given_back(display):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with display.stopping(able=True):
        display.watchers.on_step(report())
        os.kill(os.getpid(), signal.SIGTERM)
        assert display.watchers.wants_stop()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_where_several_processes_train_the_first_ctrl_c_ends_it(display, ctrl_c_interrupts):
    def interrupted_once():
        with display.stopping(able=False):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted_once()
    assert not display.watchers.wants_stop()


class Events:
    def __init__(self):
        self.written = {}

    def add_scalar(self, name, value, epoch):
        self.written[name, epoch] = value

    def flush(self):
        self.written["flushed"] = True


def test_a_logger_gets_the_numbers_of_each_epoch(tmp_path):
    events = Events()
    TrainingDisplay(tmp_path, silent=False, events=events).watchers.on_epoch(RECORD)
    assert events.written == {
        ("loss", 2): RECORD.loss,
        ("outside_share", 2): RECORD.outside_share,
        ("learning_rate", 2): RECORD.learning_rate,
        ("validation_loss", 2): RECORD.validation_loss,
        ("validation_auroc", 2): RECORD.validation_auroc,
        "flushed": True,
    }


def test_without_tensorboard_the_option_says_what_to_install(tmp_path, monkeypatch):
    assert tensorboard_of(None) is None
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtra, match=r"tensorboard-missing.*pip install tensorboard"):
        tensorboard_of(tmp_path)
