import hashlib
from dataclasses import replace

import pytest

from pneumoscope.dataset.manifest import Label, Split, read_kermany, write_manifest
from pneumoscope.errors import UnusableData
from pneumoscope.inference.listing import listed_radiographs
from support.labelled_folders import write_kermany, write_phantom


@pytest.fixture
def data(tmp_path, generator):
    return write_kermany(tmp_path / "films", generator, patients=3)


def test_a_manifest_and_its_folder_list_the_same_radiographs(data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    of_manifest = listed_radiographs(data, tmp_path / "manifest.csv", None)
    assert [replace(row, sha256=None, extras={}) for row in of_manifest] == listed_radiographs(data, None, None)
    assert of_manifest[0].sha256 == hashlib.sha256((data / of_manifest[0].path).read_bytes()).hexdigest()
    assert of_manifest[0].extras == {"mode": "L"}


def with_column(manifest, name, cells):
    first, *lines = manifest.read_text().splitlines()
    joined = [f"{line},{cells[number % len(cells)]}" for number, line in enumerate(lines)]
    manifest.write_text("\n".join([f"{first},{name}", *joined]) + "\n")


def test_further_columns_of_a_manifest_are_kept_on_one_line(data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    with_column(tmp_path / "manifest.csv", " Site ", ['"east\nwing"', "west", ""])
    rows = listed_radiographs(data, tmp_path / "manifest.csv", None)
    assert [row.extras["site"] for row in rows[:3]] == ["east wing", "west", ""]


def test_two_columns_of_one_name_are_refused(data, tmp_path):
    write_manifest(read_kermany(data), tmp_path / "manifest.csv")
    with_column(tmp_path / "manifest.csv", "Mode", ["L"])
    with pytest.raises(UnusableData, match="column mode twice"):
        listed_radiographs(data, tmp_path / "manifest.csv", None)


def test_only_the_split_that_was_asked_for_is_listed(data):
    rows = listed_radiographs(data, None, Split.TEST)
    assert len(rows) == 6
    assert {row.split for row in rows} == {Split.TEST}
    assert {(row.label, row.subtype) for row in rows} >= {(Label.NORMAL, ""), (Label.PNEUMONIA, "viral")}


def test_a_split_without_rows_says_which_there_are(data):
    with pytest.raises(UnusableData, match=r"split-empty.*--split") as refused:
        listed_radiographs(data, None, Split.VALIDATION)
    assert "6 of train, 6 of test" in refused.value.message


def test_class_folders_are_labelled(tmp_path, generator):
    write_phantom(tmp_path / "normal" / "a.png", generator)
    write_phantom(tmp_path / "PNEUMONIA" / "a.png", generator)
    rows = listed_radiographs(tmp_path, None, None)
    assert [(row.path, row.label, row.split) for row in rows] == [
        ("PNEUMONIA/a.png", Label.PNEUMONIA, None),
        ("normal/a.png", Label.NORMAL, None),
    ]
    assert len({row.patient for row in rows}) == 2
    assert {row.split for row in listed_radiographs(tmp_path, None, Split.VALIDATION)} == {Split.VALIDATION}


def test_class_folders_below_splits_keep_them(tmp_path, generator):
    write_phantom(tmp_path / "Validation" / "normal" / "a.png", generator)
    write_phantom(tmp_path / "test" / "normal" / "b.png", generator)
    rows = listed_radiographs(tmp_path, None, None)
    assert {row.path: row.split for row in rows} == {
        "Validation/normal/a.png": Split.VALIDATION,
        "test/normal/b.png": Split.TEST,
    }


def test_other_files_have_no_label_and_own_results_are_no_radiographs(tmp_path, generator):
    write_phantom(tmp_path / "ward" / "b.png", generator)
    write_phantom(tmp_path / "a.png", generator)
    (tmp_path / "scores.csv").write_text("path\n")
    rows = listed_radiographs(tmp_path, None, None, leave_out=[tmp_path / "scores.csv"])
    assert [(row.path, row.patient, row.label, row.split) for row in rows] == [
        ("a.png", "a", None, None),
        ("ward/b.png", "ward/b", None, None),
    ]


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(UnusableData, match="data-empty"):
        listed_radiographs(tmp_path, None, None)


def test_a_manifest_that_names_a_radiograph_twice_is_refused(data, tmp_path):
    rows = read_kermany(data)
    write_manifest([*rows, rows[2]], tmp_path / "manifest.csv")
    with pytest.raises(UnusableData, match="row-twice") as refused:
        listed_radiographs(data, tmp_path / "manifest.csv", None)
    assert rows[2].path in refused.value.message
