"""`pneumoscope train` as a person runs it: real processes, killed at random, resumed, and the same weights at the end.

One line of `recipe` for all: the tiny network, six steps an epoch, a checkpoint after each step.
"""

import csv
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pneumoscope.bundle.bundle import open_bundle
from pneumoscope.cli.main import main
from pneumoscope.cli.training_start import ALLOCATOR_SETTINGS
from support.full_disk import files_of_at_most
from support.training_films import write_films

EPOCHS = 12
LAYOUT_UNKNOWN = "{} holds none of the folders train/, val/, test/ of the Kermany data set. [layout-unknown]"
KILLED_AFTER_EPOCHS = (1, 4, 8)
OPTIONS = (
    *("--recipe", "tiny", "--seed", "3", "--checkpoint-minutes", "0.00001"),
    *("--set", "batch_size=8", "--set", "validation_share=0.3", "--set", f"stages.epochs={EPOCHS}"),
    *("--set", "mixup=0.2", "--set", "weights_average=0.9", "--set", "keep=validation_loss"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_films(tmp_path_factory.mktemp("data"), np.random.default_rng(5), patients=36)


def arguments(data: Path, output: Path, *more: str) -> list[str]:
    where = ("--data", data / "films", "--lung-masks", data / "masks", "--cache", data / "cache", "--output", output)
    return [*map(str, where), *OPTIONS, *more]


def started(data: Path, output: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pneumoscope.cli", "train", *arguments(data, output, *more)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


def history(output: Path) -> list[dict[str, str]]:
    if not (output / "history.csv").is_file():
        return []
    with (output / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def wait_for_epoch(process: subprocess.Popen[str], output: Path, epoch: int) -> None:
    deadline = time.monotonic() + 200
    while len(history(output)) < epoch:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """A run that nobody stopped."""
    output = tmp_path_factory.mktemp("straight") / "run"
    status, told, errors = finished(started(data, output))
    assert status == 0, errors
    return output, told


@pytest.fixture(scope="module")
def interrupted(data, tmp_path_factory):
    """A run that Ctrl-C stopped in its second epoch or a little later."""
    output = tmp_path_factory.mktemp("interrupted") / "run"
    process = started(data, output)
    wait_for_epoch(process, output, 1)
    process.send_signal(signal.SIGINT)
    return output, *finished(process)


@pytest.fixture
def here(monkeypatch, capsys):
    """Run the program in this process; returns exit status and standard error."""
    for name, value in ALLOCATOR_SETTINGS.items():
        monkeypatch.setenv(name, value)  # else it would start itself anew

    def here(*given):
        monkeypatch.setattr(sys, "argv", ["pneumoscope", "train", *given])
        try:
            main()
        except SystemExit as stopped:
            return stopped.code, capsys.readouterr().err
        return 0, capsys.readouterr().err

    return here


def test_a_run_ends_with_a_bundle_curves_and_one_line_an_epoch(straight):
    output, told = straight
    assert open_bundle(output / "bundle").card.name == "tiny"
    with Image.open(output / "curves.png") as curves:
        assert curves.format == "PNG"
    epochs = [f"epoch {number}: 64 px" for number in range(1, EPOCHS + 1)]
    for text in (told, (output / "train.log").read_text()):
        assert re.findall(r"epoch \d+: 64 px", text) == epochs
    assert len(history(output)) == EPOCHS


def test_a_run_killed_again_and_again_ends_in_the_same_weights_byte_for_byte(straight, data, tmp_path):
    output, chance = tmp_path / "run", np.random.default_rng(20261123)
    for epoch in KILLED_AFTER_EPOCHS:
        process = started(data, output, "--resume")
        wait_for_epoch(process, output, epoch)
        time.sleep(chance.uniform(0, 0.2))
        process.kill()
        assert finished(process)[0] == -signal.SIGKILL
        position = torch.load(output / "checkpoint.pt", weights_only=True)["position"]
        assert epoch - 1 <= position["epoch"] < EPOCHS  # perhaps before that epoch was saved, but whole
    status, _, errors = finished(started(data, output, "--resume"))
    assert status == 0, errors
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (straight[0], output)]
    assert weights[0] == weights[1]
    for first, second in zip(history(straight[0]), history(output), strict=True):
        assert {name for name in first if first[name] != second[name]} <= {"seconds", "pictures_per_second"}
    assert not list(output.glob("*.partial"))


def test_ctrl_c_stops_after_a_step_keeps_everything_and_says_how_to_go_on(interrupted):
    output, status, told, errors = interrupted
    assert status == 130
    assert "stopping soon" in errors
    assert "Traceback" not in errors
    assert "--resume goes on" in told
    assert "--resume goes on" in (output / "train.log").read_text()
    position = torch.load(output / "checkpoint.pt", weights_only=True)["position"]
    assert 1 <= position["epoch"] < EPOCHS
    assert not (output / "bundle").exists()


def test_an_existing_run_is_not_gone_on_with_unless_asked(interrupted, data, here):
    before = (interrupted[0] / "checkpoint.pt").read_bytes()
    status, errors = here(*arguments(data, interrupted[0]))
    assert (status, "run-exists" in errors, "--resume" in errors) == (8, True, True)
    assert (interrupted[0] / "checkpoint.pt").read_bytes() == before


def test_an_existing_run_is_not_gone_on_with_by_another_recipe(interrupted, data, here):
    status, errors = here(*arguments(data, interrupted[0], "--resume", "--set", "label_smoothing=0.1"))
    assert (status, "recipe.label_smoothing is 0.0 there and 0.1 here" in errors) == (8, True)


def test_a_run_learns_from_a_teacher_and_its_card_names_the_teachers_weights(straight, data, tmp_path):
    lesson = ("--teacher", str(straight[0]), "--set", "teachers_share=0.5", "--set", "stages.epochs=3", "--seed", "4")
    status, _, errors = finished(started(data, tmp_path / "student", *lesson))
    assert status == 0, errors
    digest = hashlib.sha256((straight[0] / "weights.safetensors").read_bytes()).hexdigest()
    assert open_bundle(tmp_path / "student/bundle").card.provenance["teachers"] == [digest]


def test_a_teacher_that_nobody_listens_to_is_refused_before_anything_is_made(straight, data, tmp_path, here):
    status, errors = here(*arguments(data, tmp_path / "student", "--teacher", str(straight[0])))
    assert (status, "teachers-and-share" in errors) == (2, True)
    assert not (tmp_path / "student").exists()


def test_a_full_disk_ends_the_run_with_what_to_do_and_keeps_the_checkpoint(interrupted, data, here):
    before = (interrupted[0] / "checkpoint.pt").read_bytes()
    with files_of_at_most(len(before) // 2):
        status, errors = here(*arguments(data, interrupted[0], "--resume"))
    assert (status, "checkpoint.pt cannot be written" in errors, "what to do: Free space" in errors) == (7, True, True)
    assert (interrupted[0] / "checkpoint.pt").read_bytes() == before
    assert not list(interrupted[0].glob("*.partial"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--recipe", "resnet"), "Shipped recipes: densenet121"),
        (("--set", "bach_size=8"), "Did you mean batch_size?"),
        (("--set", "backbone=vgg61"), "the nearest to 'vgg61' is vgg16"),
        (("--set", "batch_size"), "key=value"),
    ],
)
def test_an_unknown_recipe_or_key_is_refused_before_anything_is_made(data, tmp_path, here, given, said):
    status, errors = here("--data", str(data / "films"), "--output", str(tmp_path / "run"), *given)
    assert (status, said in errors) == (6, True)
    assert not (tmp_path / "run").exists()


def test_data_in_another_layout_is_refused(tmp_path, here):
    status, errors = here("--data", str(tmp_path), "--output", str(tmp_path / "run"), "--recipe", "tiny")
    assert (status, "layout-unknown" in errors) == (5, True)


def two_processes(*given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-addr", "127.0.0.1"),
            *("--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", "-m", "pneumoscope.cli", "train", *given),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_where_two_processes_cannot_train_one_of_them_says_why_once(data, tmp_path):
    run = two_processes(*arguments(data, tmp_path / "run", "--data", str(tmp_path)))
    told, _, of_torchrun = run.stderr.partition("torch/distributed")
    assert re.findall("error: (.*)", told) == [LAYOUT_UNKNOWN.format(tmp_path)]
    assert not re.search("gloo|Connection closed", run.stderr)
    assert "exitcode  : 5" in of_torchrun.partition("Root Cause")[2]


def test_two_processes_train_one_model_and_one_of_them_talks(data, tmp_path):
    run = two_processes(*arguments(data, tmp_path / "run", "--set", "stages.epochs=4"))
    assert run.returncode == 0, run.stderr
    for text in (run.stdout, (tmp_path / "run" / "train.log").read_text()):
        assert re.findall(r"epoch \d+: 64 px", text) == [f"epoch {number}: 64 px" for number in range(1, 5)]
    assert open_bundle(tmp_path / "run" / "bundle").card.name == "tiny"
