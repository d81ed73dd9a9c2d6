"""`pneumoscope data import` and `audit` as a person runs them."""

import json
import re
from pathlib import Path

import pytest

from pneumoscope.cli.data import command
from pneumoscope.dataset.manifest import read_kermany, read_manifest
from support.labelled_folders import write_kermany

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def data(tmp_path, generator):
    return write_kermany(tmp_path / "films", generator)


def test_import_writes_the_manifest_that_training_would_read(run, data, tmp_path):
    status, out, _ = run("data", "import", data, "--output", tmp_path / "new" / "manifest.csv")
    assert status == 0
    assert "24 radiographs of 24 patients" in out
    assert read_manifest(tmp_path / "new" / "manifest.csv") == read_kermany(data)


def test_import_lists_what_cannot_be_read_and_ends_with_3(run, data, tmp_path):
    (data / "test" / "NORMAL" / "notes.txt").write_text("no picture")
    status, _, err = run("data", "import", data, "--output", tmp_path / "manifest.csv")
    assert status == 3
    assert "test/NORMAL/notes.txt" in err
    assert "[not-a-picture]" in err
    assert len(read_manifest(tmp_path / "manifest.csv")) == 24


def test_import_of_a_table_names_the_line_that_is_wrong(run, data, tmp_path):
    (data / "labels.csv").write_text("path,label\ntrain/NORMAL/IM-0000-0001.png,NORMAL\nx.png,FLU\n")
    status, _, err = run("data", "import", data / "labels.csv", "--layout", "csv", "--output", tmp_path / "m.csv")
    assert status == 5
    assert "labels.csv, line 3" in err
    assert "what to do" in err
    assert not (tmp_path / "m.csv").exists()


def test_audit_of_a_folder_and_of_its_manifest_find_the_same(run, data, tmp_path):
    run("data", "import", data, "--output", tmp_path / "manifest.csv")
    assert run("data", "audit", data, "--output", tmp_path / "folder.json")[0] == 0
    assert run("data", "audit", tmp_path / "manifest.csv", "--data", data, "--output", tmp_path / "table.json")[0] == 0
    folder, table = (json.loads((tmp_path / name).read_text()) for name in ("folder.json", "table.json"))
    assert {**folder, "made": ""} == {**table, "made": ""}
    assert folder["shortcuts"]["cues"]["width"]["test"]["auroc"] == 1
    assert folder["shortcuts"]["cues"]["height"]["test"] is None


def test_audit_says_where_the_paths_of_a_manifest_are_looked_for(run, data, tmp_path):
    run("data", "import", data, "--output", tmp_path / "manifest.csv")
    status, _, err = run("data", "audit", tmp_path / "manifest.csv")
    assert status == 5
    assert "None of 24 files can be read" in err
    assert "--data" in err


def test_audit_prints_what_a_person_needs_to_know(run, data):
    source = data / "train" / "PNEUMONIA" / "person2_bacteria_2.png"
    (data / "test" / "PNEUMONIA" / "person4_bacteria_99.png").write_bytes(source.read_bytes())
    status, out, _ = run("data", "audit", data)
    assert status == 0
    assert "1 patients in train and test\n    person4_bacteria\n" in out
    assert "1 groups of exact duplicates, 1 across splits, 0 across labels" in out
    assert "within train AUROC" in out


def test_every_option_of_every_subcommand_is_explained_below_its_name():
    text = (PROJECT / "docs/reference/command-line.md").read_text("utf-8")
    section = text.split("## pneumoscope data\n")[1].split("\n## ")[0]
    for name, subcommand in command.commands.items():
        own = section.split(f"`pneumoscope data {name}")[1].split("\n`pneumoscope data ")[0]
        options = [option for parameter in subcommand.params for option in parameter.opts if option.startswith("--")]
        assert options
        assert not [option for option in options if f"| `{option}`" not in own], name


def test_every_reason_code_that_the_data_room_raises_is_explained():
    text = (PROJECT / "docs/reference/reason-codes.md").read_text("utf-8")
    code = "".join(path.read_text("utf-8") for path in (PROJECT / "src/pneumoscope/dataset").glob("*.py"))
    codes = [*re.findall(r"(?:Unusable\w+|MissingExtra)\(\s*\"([a-z-]+)\"", code), "disk-full"]
    assert len(codes) > 15
    assert not [code for code in codes if f"`{code}`" not in text]
