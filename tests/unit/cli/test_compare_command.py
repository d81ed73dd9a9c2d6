"""`pneumoscope compare` as a person runs it."""

import json

import numpy as np
import pytest


@pytest.fixture
def tables(tmp_path):
    """Two systems on the same 60 radiographs of 30 patients; the first is the better one."""
    generator = np.random.default_rng(3)
    labels = np.arange(60) // 2 % 2
    for name, strength in (("a", 2.0), ("b", 0.8)):
        logits = generator.normal(strength * (2 * labels - 1), 1.0)
        rows = [
            f"{number}.png,{labels[number]},{1 / (1 + np.exp(-logits[number])):.6f},p{number // 2}"
            for number in range(60)
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join(["path,label,probability,patient", *rows]) + "\n")
    return tmp_path / "a.csv", tmp_path / "b.csv"


@pytest.fixture
def compared(run, tmp_path):
    def compared(*arguments):
        output = tmp_path / "compare.json"
        status, out, err = run("compare", *arguments, "--output", output, "--resamples", 100)
        return status, out, err, json.loads(output.read_text()) if status == 0 else None

    return compared


def evaluated(run, tables, tmp_path, monkeypatch, *settings):
    monkeypatch.setattr("pneumoscope.report.evaluation_report.write_evaluation_report", lambda *_, **__: None)
    folders = []
    for table, setting in zip(tables, settings, strict=True):
        folder = tmp_path / table.stem
        run("evaluate", "--scores", table, "--output", folder, "--resamples", 100, "--split", "test", *setting)
        folders.append(folder)
    return folders


def test_two_tables_are_compared_at_one_half(compared, tables):
    status, out, err, document = compared(*tables)
    assert status == 0, err
    assert document["thresholds"] == {"half": {"first": 0.5, "second": 0.5}}
    assert document["difference"]["metrics"]["auroc"]["value"] > 0
    assert [system["scores"] for system in document["systems"].values()] == ["a.csv", "b.csv"]
    assert "60 radiographs of 30 patients; A less B with paired 95 % intervals by patient" in out
    assert "McNemar p = " in out
    auroc = next(line for line in out.splitlines() if line.strip().startswith("auroc"))
    assert f"{document['first']['metrics']['auroc']['value']:.4f}" in auroc
    assert f"[{document['difference']['metrics']['auroc']['low']:.4f}" in auroc


def test_a_system_is_no_better_than_itself(compared, tables):
    _, _, _, document = compared(tables[0], tables[0])
    assert document["difference"]["metrics"]["auroc"] == {"value": 0, "low": 0, "high": 0}
    assert document["mcnemar"]["half"]["p_value"] == 1


def test_each_system_is_taken_at_its_own_threshold(compared, tables):
    _, _, _, document = compared(*tables, "--threshold-a", 0.7, "--threshold-b", 0.4)
    assert document["thresholds"] == {"given": {"first": 0.7, "second": 0.4}}


def test_folders_bring_their_operating_points(run, compared, tables, tmp_path, monkeypatch):
    folders = evaluated(
        run,
        tables,
        tmp_path,
        monkeypatch,
        ("--threshold", "low=0.2", "--threshold", "own=0.6"),
        ("--threshold", "low=0.3", "--threshold", "other=0.6"),
    )
    status, _, err, document = compared(*folders)
    assert status == 0, err
    assert document["thresholds"] == {"low": {"first": 0.2, "second": 0.3}}
    assert document["split"] == "test"


def test_one_given_threshold_is_not_enough(compared, tables):
    status, _, err, _ = compared(*tables, "--threshold-a", 0.7)
    assert status == 2
    assert "[threshold-missing]" in err


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text.replace("\n0.png", "\nx.png"), "pictures-differ"),
        (lambda text: text.replace("\n0.png,0", "\n0.png,1"), "labels-differ"),
        (lambda text: text.replace(",p1\n", ",p0\n"), "patients-differ"),
    ],
)
def test_other_radiographs_labels_or_patients_are_refused(compared, tables, change, code):
    tables[1].write_text(change(tables[1].read_text()))
    status, _, err, _ = compared(*tables)
    assert status == 5
    assert f"[{code}]" in err


def test_fewer_than_a_hundred_resamples_tell_no_interval(run, tables, tmp_path):
    status, _, err = run("compare", *tables, "--output", tmp_path / "compare.json", "--resamples", 99)
    assert status == 2
    assert "x>=100" in err


def test_a_folder_without_an_evaluation_says_what_to_name(compared, tables, tmp_path):
    status, _, err, _ = compared(tmp_path, tables[1])
    assert status == 5
    assert "[evaluation-unreadable]" in err
