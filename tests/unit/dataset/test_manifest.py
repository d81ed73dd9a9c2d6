from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.dataset.manifest import (
    Label,
    Split,
    in_split,
    patient_of,
    read_kermany,
    read_manifest,
    refuse_test_rows,
    write_manifest,
)
from pneumoscope.errors import UnusableData


@pytest.fixture
def kermany(tmp_path: Path) -> Path:
    files = {
        "train/NORMAL/IM-0115-0001.jpeg": 10,
        "train/NORMAL/NORMAL2-IM-0115-0001.jpeg": 20,
        "train/PNEUMONIA/person7_bacteria_24.jpeg": 30,
        "val/PNEUMONIA/person8_virus_1.jpeg": 40,
        "test/NORMAL/IM-0001-0001.jpeg": 50,
    }
    for name, gray in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((66, 80), gray, np.uint8)).save(path)
    return tmp_path


@pytest.mark.parametrize(
    ("file_name", "patient", "subtype"),
    [
        ("person12_bacteria_46.jpeg", "person12_bacteria", "bacterial"),
        ("person12_virus_46.jpeg", "person12_virus", "viral"),
        ("IM-0115-0001.jpeg", "IM-0115", ""),
        ("IM-0501-0001-0002.jpeg", "IM-0501", ""),
        ("NORMAL2-IM-0115-0001.jpeg", "NORMAL2-IM-0115", ""),
        ("somebody.png", "somebody", ""),
    ],
)
def test_the_file_name_tells_the_patient_and_prefixes_are_kept(file_name, patient, subtype):
    assert patient_of(file_name) == (patient, subtype)


def test_a_kermany_folder_becomes_rows_with_label_split_and_size(kermany):
    rows = read_kermany(kermany)
    assert [(row.path, row.split) for row in rows] == [
        ("train/NORMAL/IM-0115-0001.jpeg", Split.TRAIN),
        ("train/NORMAL/NORMAL2-IM-0115-0001.jpeg", Split.TRAIN),
        ("train/PNEUMONIA/person7_bacteria_24.jpeg", Split.TRAIN),
        ("val/PNEUMONIA/person8_virus_1.jpeg", Split.OFFICIAL_VAL),
        ("test/NORMAL/IM-0001-0001.jpeg", Split.TEST),
    ]
    assert {(row.width_px, row.height_px, row.mode) for row in rows} == {(80, 66, "L")}
    assert rows[2].label is Label.PNEUMONIA
    assert rows[2].has_finding
    assert len({row.sha256 for row in rows}) == 5


def test_another_layout_is_refused_with_where_to_point(tmp_path):
    with pytest.raises(UnusableData, match="layout-unknown"):
        read_kermany(tmp_path)


def test_a_file_that_is_no_picture_is_named(kermany):
    (kermany / "train/NORMAL/notes.txt").write_text("no picture")
    with pytest.raises(UnusableData, match=r"notes\.txt"):
        read_kermany(kermany)


def test_a_manifest_survives_writing_and_reading(kermany, tmp_path):
    rows = read_kermany(kermany)
    write_manifest(rows, tmp_path / "manifest.csv")
    assert read_manifest(tmp_path / "manifest.csv") == rows


def test_an_unknown_label_is_refused_with_its_line(kermany, tmp_path):
    path = tmp_path / "manifest.csv"
    write_manifest(read_kermany(kermany), path)
    path.write_text(path.read_text().replace(",PNEUMONIA,bacterial", ",FLU,bacterial"))
    with pytest.raises(UnusableData, match="line 4"):
        read_manifest(path)


def test_a_missing_column_is_named(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,label\na,NORMAL\n")
    with pytest.raises(UnusableData, match="sha256"):
        read_manifest(tmp_path / "manifest.csv")


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\xff\xfe", b"\xff" * 100])
def test_something_that_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(UnusableData, match="table-unreadable"):
        read_manifest(tmp_path / "manifest.csv")


def test_a_line_that_was_cut_off_is_refused_with_its_number(kermany, tmp_path):
    path = tmp_path / "manifest.csv"
    write_manifest(read_kermany(kermany), path)
    path.write_text(path.read_text().rstrip().rsplit(",", 3)[0])
    with pytest.raises(UnusableData, match="line 6"):
        read_manifest(path)


def test_functions_that_choose_refuse_rows_of_the_test_split(kermany):
    rows = read_kermany(kermany)
    refuse_test_rows(in_split(rows, Split.TRAIN), purpose="a choice")
    with pytest.raises(UnusableData, match="test-rows-refused"):
        refuse_test_rows(rows, purpose="a choice")


def test_no_file_of_a_split_that_is_not_asked_for_is_opened(kermany):
    (kermany / "test/NORMAL/IM-0001-0001.jpeg").write_bytes(b"not to be opened")
    rows = read_kermany(kermany, splits={Split.TRAIN})
    assert {row.split for row in rows} == {Split.TRAIN}
    assert len(rows) == 3


@pytest.mark.parametrize("twin", ["{}", "./{}"])
def test_a_radiograph_that_stands_in_a_manifest_twice_is_refused_by_its_path(kermany, tmp_path, twin):
    rows = read_kermany(kermany)
    other = replace(rows[2], path=twin.format(rows[2].path), split=Split.TEST)
    write_manifest([*rows, other], tmp_path / "manifest.csv")
    with pytest.raises(UnusableData, match=f"names {rows[2].path} 2 times.*row-twice.*one line for each radiograph"):
        read_manifest(tmp_path / "manifest.csv")
