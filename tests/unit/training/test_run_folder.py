import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pneumoscope.dataset.manifest import Split, read_manifest
from pneumoscope.errors import FailedTraining, UnusableOutput
from pneumoscope.training.data import DataSource
from pneumoscope.training.run_folder import rows_of_run, sole_writer
from support.training_films import write_films

HOLDS_THE_FOLDER = """
import fcntl, sys
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def source(tmp_path, generator):
    folder = write_films(tmp_path / "data", generator, patients=6)
    return DataSource(folder / "films", None, folder / "masks", tmp_path / "cache")


@pytest.fixture
def asked(recipe, source, tmp_path):
    """Ask for the rows of the run in `tmp_path/run`, as a training does."""

    def asked(recipe=recipe, source=source, *, seed=3, weights="random", resume=False, teachers=()):
        output = tmp_path / "run"
        return rows_of_run(recipe, source, output=output, seed=seed, weights=weights, resume=resume, teachers=teachers)

    return asked


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_new_run_writes_its_settings_and_its_rows(asked, recipe, tmp_path):
    rows = asked()
    assert read_manifest(tmp_path / "run" / "manifest.csv") == rows
    assert {row.split for row in rows} == {Split.TRAIN, Split.VALIDATION}
    settings = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert settings["recipe"] == json.loads(json.dumps(recipe.to_dict()))
    assert (settings["seed"], settings["weights"]) == (3, "random")
    assert re.fullmatch("SHA-256 [0-9a-f]{64}", settings["lung_masks"])


def test_a_run_that_is_gone_on_with_keeps_its_rows_though_the_folder_has_changed(asked, source, tmp_path):
    rows = asked()
    (tmp_path / "run" / "checkpoint.pt").touch()
    (source.data / rows[0].path).unlink()
    assert asked(resume=True) == rows


def test_a_run_is_not_gone_on_with_unless_asked(asked, tmp_path):
    asked()
    (tmp_path / "run" / "checkpoint.pt").touch()
    with pytest.raises(FailedTraining, match=r"run-exists.*--resume"):
        asked()


def test_a_run_of_an_earlier_version_is_gone_on_with_where_the_keys_that_came_since_are_off(asked, tmp_path):
    rows = asked()
    (tmp_path / "run" / "checkpoint.pt").touch()
    settings = json.loads((tmp_path / "run" / "recipe.json").read_text())
    del settings["recipe"]["mixup"]
    del settings["recipe"]["stages"][0]["lung_segmentation"]
    (tmp_path / "run" / "recipe.json").write_text(json.dumps(settings))
    assert asked(resume=True) == rows
    del settings["recipe"]["label_smoothing"]
    del settings["recipe"]["batch_size"]
    (tmp_path / "run" / "recipe.json").write_text(json.dumps(settings))
    with pytest.raises(FailedTraining, match=r"recipe\.batch_size is nothing there"):
        asked(resume=True)


def test_a_run_without_a_checkpoint_yet_may_simply_be_started_again(asked):
    assert asked() == asked()


@pytest.mark.parametrize("others", [(), ("2222",), ("1111", "2222")])
def test_a_run_is_gone_on_with_under_the_same_teachers_only(asked, tmp_path, others):
    rows = asked(teachers=("1111",))
    (tmp_path / "run" / "checkpoint.pt").touch()
    assert asked(teachers=("1111",), resume=True) == rows
    with pytest.raises(FailedTraining, match="other settings: teachers"):
        asked(teachers=others, resume=True)


@pytest.mark.parametrize("damage", ["no manifest", "no settings", "empty settings", "other settings"])
def test_a_checkpoint_whose_run_is_not_known_is_neither_taken_over_nor_overwritten(asked, tmp_path, damage):
    asked()
    run = tmp_path / "run"
    (run / "checkpoint.pt").touch()
    if damage.startswith("no "):
        (run / {"manifest": "manifest.csv", "settings": "recipe.json"}[damage.removeprefix("no ")]).unlink()
    else:
        (run / "recipe.json").write_text("" if damage.startswith("empty") else "[1]")
    with pytest.raises(FailedTraining, match="run-incomplete"):
        asked(resume=True)
    with pytest.raises(FailedTraining, match="run-exists"):
        asked()


def test_even_with_other_settings(asked, tmp_path):
    asked()
    asked(weights="abc")
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["weights"] == "abc"


def test_resume_in_a_new_folder_begins_there(asked):
    assert asked(resume=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 4}, "seed is 3 there and 4 here"),
        ({"weights": "abc"}, "weights is random there and abc here"),
        ({"dropout": 0.5}, r"recipe\.dropout is 0\.0 there and 0\.5 here"),
        ({"noise": 0.9}, r"recipe\.augmentation\.noise is 0\.05 there and 0\.9 here"),
        ({"epochs": 9}, r"recipe\.stages\.1\.epochs is 2 there and 9 here"),
        ({"second stage": True}, r"recipe\.stages\.2 is nothing there and "),
        ({"lung masks": None}, "lung_masks is SHA-256 [0-9a-f]+ there and none here"),
    ],
)
def test_a_run_of_other_settings_names_the_key_and_is_left_as_it_is(asked, recipe, source, tmp_path, changes, said):
    asked()
    (tmp_path / "run" / "checkpoint.pt").touch()
    before = files_of(tmp_path / "run")
    (key, value), *_ = changes.items()
    if key in {"seed", "weights"}:
        wanted = {key: value}
    elif key == "lung masks":
        wanted = {"source": replace(source, lung_masks=None)}
    elif key == "noise":
        wanted = {"recipe": replace(recipe, augmentation=replace(recipe.augmentation, noise=value))}
    elif key == "epochs":
        wanted = {"recipe": replace(recipe, stages=(replace(recipe.stages[0], epochs=value),))}
    elif key == "second stage":
        wanted = {"recipe": replace(recipe, stages=recipe.stages * 2)}
    else:
        wanted = {"recipe": replace(recipe, **{key: value})}
    with pytest.raises(FailedTraining, match=f"other settings: {said}.*run-differs"):
        asked(resume=True, **wanted)
    assert files_of(tmp_path / "run") == before


def test_a_run_is_not_gone_on_with_after_a_lung_mask_was_changed_but_the_folder_may_have_moved(asked, source, tmp_path):
    rows = asked()
    (tmp_path / "run" / "checkpoint.pt").touch()
    moved = replace(source, lung_masks=source.lung_masks.rename(tmp_path / "moved"))
    assert asked(source=moved, resume=True) == rows
    (moved.lung_masks / rows[0].path).write_bytes((moved.lung_masks / rows[0].path).read_bytes() + b"0")
    with pytest.raises(FailedTraining, match=r"lung_masks is SHA-256 \w+ there and SHA-256 \w+ here.*run-differs"):
        asked(source=moved, resume=True)


def test_a_folder_is_one_trainings_at_a_time(tmp_path):
    with sole_writer(tmp_path / "run"):
        pass
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_THE_FOLDER, str(tmp_path / "run" / ".lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(FailedTraining, match="run-in-use"), sole_writer(tmp_path / "run"):
            pass
        other.kill()
        other.wait()
        with sole_writer(tmp_path / "run"):
            pass


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UnusableOutput, match="output-unwritable"), sole_writer(tmp_path / "file" / "run"):
        pass
