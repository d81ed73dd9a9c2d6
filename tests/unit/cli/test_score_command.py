"""`pneumoscope score` as a person runs it."""

import csv
import json

import pytest

from pneumoscope.dataset.manifest import read_kermany, write_manifest
from pneumoscope.evaluation.read_columns import read_score_columns
from pneumoscope.inference import pool
from support.labelled_folders import write_kermany, write_phantom


@pytest.fixture
def data(tmp_path, generator):
    return write_kermany(tmp_path / "films", generator, patients=3)


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_labelled_folder_becomes_a_table_that_can_be_evaluated(run, data, tmp_path):
    status, out, err = run("score", "--data", data, "--output", tmp_path / "out")
    assert status == 0, err
    assert "12 radiographs are scored" in out
    assert "opens the test split (6 radiographs)" in err
    table = read_score_columns(tmp_path / "out" / "scores.csv")
    assert (len(table), int(table.labels.sum())) == (12, 6)
    assert set(table.extras["split"].names) == {"train", "test"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"scores.csv", "scores.origin.json"}


def test_files_without_labels_are_scored_too(run, tmp_path, generator):
    write_phantom(tmp_path / "films" / "a.png", generator)
    output = tmp_path / "films" / "mine.csv"
    for _ in range(2):  # its own results are no radiographs
        status, _, err = run("score", "--data", tmp_path / "films", "--output", output)
        assert status == 0, err
    assert [(row["path"], row["label"]) for row in rows_of(output)] == [("a.png", "")]
    assert "test split" not in err


def test_unreadable_rows_are_listed_and_the_others_scored_with_status_3(run, data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    gone = next((data / "test" / "NORMAL").iterdir())
    content = gone.read_bytes()
    gone.unlink()
    arguments = ("score", "--data", data, "--manifest", tmp_path / "manifest.csv", "--output", tmp_path / "s.csv")
    status, _, err = run(*arguments)
    assert status == 3
    assert f"{gone.name}: There is no such file. [not-found]" in err
    assert [(row["path"].split("/")[-1], row["code"]) for row in rows_of(tmp_path / "s.unreadable.csv")] == [
        (gone.name, "not-found")
    ]
    assert len(rows_of(tmp_path / "s.csv")) == 11
    gone.write_bytes(content)
    status, _, err = run(*arguments, "--resume")
    assert status == 0
    assert "11 of 12 radiographs are scored already" in err
    assert len(rows_of(tmp_path / "s.csv")) == 12
    assert not (tmp_path / "s.unreadable.csv").exists()


def test_an_interrupted_run_goes_on_to_the_same_table(run, data, tmp_path, monkeypatch):
    run("score", "--data", data, "--output", tmp_path / "whole.csv")
    whole = (tmp_path / "whole.csv").read_text()
    real, seen = pool.ordered_results, []

    def interrupted(work, items, *, workers):
        for item, result in real(work, items, workers=workers):
            if len(seen) == 5:
                raise KeyboardInterrupt
            seen.append(item)
            yield item, result

    monkeypatch.setattr("pneumoscope.inference.scoring.ordered_results", interrupted)
    arguments = ("score", "--data", data, "--output", tmp_path / "s.csv")
    status, _, err = run(*arguments)
    assert status == 130
    assert "what was done is kept" in err
    assert not (tmp_path / "s.csv").exists()
    partial = tmp_path / "s.partial.csv"
    assert len(rows_of(partial)) == 5
    monkeypatch.setattr("pneumoscope.inference.scoring.ordered_results", real)
    status, _, err = run(*arguments)
    assert status == 7
    assert "--resume" in err
    with partial.open("a") as file:
        file.write("train/PNEUM")
    status, _, err = run(*arguments, "--resume")
    assert status == 0
    assert "5 of 12" in err
    assert (tmp_path / "s.csv").read_text() == whole


def test_a_wrong_folder_is_one_clear_error(run, data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    status, _, err = run(
        "score", "--data", tmp_path, "--manifest", tmp_path / "manifest.csv", "--output", tmp_path / "s.csv"
    )
    assert status == 5
    assert "None of 12 radiographs can be read" in err
    assert "--data" in err


def test_the_origin_says_what_made_the_scores(run, data, tmp_path, shipped_bundle):
    run("score", "--data", data, "--split", "test", "--output", tmp_path)
    origin = json.loads((tmp_path / "scores.origin.json").read_text())
    assert origin["bundle"]["name"] == shipped_bundle.card.name
    assert origin["slope"] == shipped_bundle.card.calibration.slope
    assert (origin["data"], origin["split"], origin["manifest_sha256"]) == ("films", "test", None)
    assert str(tmp_path) not in json.dumps(origin)


@pytest.mark.parametrize("content", ["path,label\n", ""])
def test_a_table_that_is_no_manifest_names_its_columns(run, data, tmp_path, content):
    (tmp_path / "m.csv").write_text(content)
    status, _, err = run("score", "--data", data, "--manifest", tmp_path / "m.csv", "--output", tmp_path / "s.csv")
    assert status == 5
    assert "[manifest-columns]" in err
