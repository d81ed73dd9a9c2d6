"""The steps of a release are commands that there are, with options that they take."""

import argparse
import sys
from pathlib import Path

import click
import pytest

from pneumoscope.cli.main import command as program

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import release  # noqa: E402

PLACE = argparse.Namespace(
    name="efficientnet-lite0",
    **{name: Path(name) for name in ("run", "twin", "data", "lung_masks", "sizes", "originals")},
    seeds=[Path("runs/seed1"), Path("runs/seed2")],
)
STEPS = list(release.steps(PLACE))
OF_THE_PACKAGE = [step[3:] for step in STEPS if step[1:3] == ["-m", "pneumoscope.cli"]]
OF_BENCHMARKS = [step[1:] for step in STEPS if step[1:3] != ["-m", "pneumoscope.cli"]]


def command_called(name):
    found = program.get_command(click.Context(program), name)
    assert found is not None, f"there is no pneumoscope {name}"
    return found


@pytest.mark.parametrize("step", OF_THE_PACKAGE, ids=lambda step: step[0])
def test_every_option_of_a_step_is_one_of_its_command(step):
    known = {name for parameter in command_called(step[0]).params for name in parameter.opts}
    given = {word.partition("=")[0] for word in step[1:] if word.startswith("--")}
    assert given <= known


def test_every_script_of_a_step_is_there():
    assert {Path(step[0]).name for step in OF_BENCHMARKS} == {
        "balanced_threshold.py", "map_gallery.py", "quantised.py", "five_seeds.py", "tables.py"
    }  # fmt: skip
    assert all(Path(step[0]).is_file() for step in OF_BENCHMARKS)


def test_the_test_split_is_opened_once_for_each_seed_and_once_more_for_the_audit():
    openings = [step for step in OF_THE_PACKAGE if "--split=test" in step]
    assert [step[0] for step in openings] == ["evaluate", "audit", "evaluate", "evaluate"]
    assert all("--into-card" in step for step in openings)
    assert all("--into-card" not in step for step in OF_THE_PACKAGE if step not in openings)


def test_the_model_card_is_written_last():
    assert OF_THE_PACKAGE[-1][0] == "card"
    assert STEPS[-1][3:] == OF_THE_PACKAGE[-1]
