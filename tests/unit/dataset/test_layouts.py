import os

import pytest

from pneumoscope.dataset.layouts import Layout, labelled_files
from pneumoscope.dataset.manifest import Label, Split, manifest_csv, read_kermany
from pneumoscope.dataset.reading import manifest_rows
from pneumoscope.errors import UnusableData
from support.dicom_makers import dicom_bytes
from support.labelled_folders import write_kermany, write_phantom
from support.phantom import chest_phantom


def unwatched(items, total):
    return items


def imported(source, layout):
    data, files = labelled_files(source, layout)
    return manifest_rows(data, files, workers=2, watched=unwatched)


def test_the_kermany_layout_gives_the_rows_that_training_reads(tmp_path, generator):
    data = write_kermany(tmp_path, generator)
    rows, unreadable = imported(data, Layout.KERMANY)
    assert rows == read_kermany(data)
    assert not unreadable


def test_class_folders_without_splits_are_all_train(tmp_path, generator):
    write_phantom(tmp_path / "NORMAL" / "a.png", generator)
    write_phantom(tmp_path / "pneumonia" / "ward" / "a.png", generator)
    rows, _ = imported(tmp_path, Layout.CLASS_FOLDERS)
    assert [(row.path, row.label, row.split) for row in rows] == [
        ("NORMAL/a.png", Label.NORMAL, Split.TRAIN),
        ("pneumonia/ward/a.png", Label.PNEUMONIA, Split.TRAIN),
    ]
    assert rows[0].patient != rows[1].patient, "files of one name in two folders are two patients"


@pytest.mark.parametrize(
    ("folder", "split"),
    [("train", Split.TRAIN), ("val", Split.VALIDATION), ("Validation", Split.VALIDATION), ("test", Split.TEST)],
)
def test_class_folders_below_split_folders_keep_their_split(tmp_path, generator, folder, split):
    write_phantom(tmp_path / folder / "PNEUMONIA" / "person3_virus_1.png", generator)
    rows, _ = imported(tmp_path, Layout.CLASS_FOLDERS)
    assert [(row.split, row.patient, row.subtype) for row in rows] == [(split, "person3_virus", "viral")]


def test_unreadable_files_are_listed_with_their_reason_and_left_out(tmp_path, generator):
    whole = write_phantom(tmp_path / "NORMAL" / "whole.jpeg", generator)
    (tmp_path / "NORMAL" / "cut.jpeg").write_bytes(whole.read_bytes()[:900])
    (tmp_path / "NORMAL" / "notes.txt").write_text("no picture")
    (tmp_path / "NORMAL" / "void.png").write_bytes(b"")
    rows, unreadable = imported(tmp_path, Layout.CLASS_FOLDERS)
    assert [row.path for row in rows] == ["NORMAL/whole.jpeg"]
    assert [(file.path, file.code) for file in unreadable] == [
        ("NORMAL/cut.jpeg", "truncated"),
        ("NORMAL/notes.txt", "not-a-picture"),
        ("NORMAL/void.png", "empty-file"),
    ]
    assert not any(str(tmp_path) in file.message for file in unreadable)


HEADER = {"PatientName": "Doe^Jane", "PatientID": "secret-7"}


def test_dicom_files_are_rows_too_and_nothing_of_their_header_is_taken(tmp_path, generator):
    pixels = chest_phantom(96, 80, generator)
    (tmp_path / "NORMAL").mkdir()
    (tmp_path / "NORMAL" / "film.dcm").write_bytes(dicom_bytes(pixels, header=HEADER))
    rows, unreadable = imported(tmp_path, Layout.CLASS_FOLDERS)
    assert not unreadable
    assert "secret" not in manifest_csv(rows)
    assert [(row.mode, row.width_px, row.height_px, row.patient) for row in rows] == [("DICOM", 80, 96, "NORMAL/film")]


def test_names_that_are_not_utf8_are_refused_with_how_to_mend_them(tmp_path, generator):
    film = write_phantom(tmp_path / "NORMAL" / "film.png", generator)
    film.rename(os.fsdecode(os.fsencode(film.parent) + b"/f\xe4lm.png"))
    with pytest.raises(UnusableData, match="name-not-utf8"):
        labelled_files(tmp_path, Layout.CLASS_FOLDERS)


def table(folder, text):
    path = folder / "labels.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_table_may_name_patient_split_and_subtype(tmp_path, generator):
    write_phantom(tmp_path / "films" / "a b.png", generator)
    write_phantom(tmp_path / "films" / "c.png", generator)
    source = table(
        tmp_path,
        "\ufefflabel,path,patient,split,subtype\nnormal,films/a b.png,P1,test,\nPNEUMONIA,films/c.png,P2,val,Viral\n",
    )
    rows, _ = imported(source, Layout.CSV)
    assert [(row.path, row.label, row.patient, row.split, row.subtype) for row in rows] == [
        ("films/a b.png", Label.NORMAL, "P1", Split.TEST, ""),
        ("films/c.png", Label.PNEUMONIA, "P2", Split.VALIDATION, "viral"),
    ]


def test_a_table_of_path_and_label_is_enough(tmp_path, generator):
    write_phantom(tmp_path / "a.png", generator)
    rows, unreadable = imported(table(tmp_path, "path,label\na.png,NORMAL\nlost.png,NORMAL\n"), Layout.CSV)
    assert [(row.patient, row.split) for row in rows] == [("a", Split.TRAIN)]
    assert [(file.path, file.code) for file in unreadable] == [("lost.png", "not-found")]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("a.png,FLU,,", "the label is 'FLU'"),
        ("a.png,NORMAL,,holdout", "the split is 'holdout'"),
        (",NORMAL,,", "the path is empty"),
        ("../a.png,NORMAL,,", "outside"),
        ("/etc/a.png,NORMAL,,", "outside"),
        ("first.png,NORMAL,,", "stands in line 2 already"),
        ("a.png,PNEUMONIA,,,fungal", "the subtype is 'fungal'"),
        ("a.png,NORMAL,,,,,", "more cells"),
        ('"a.png,NORMAL,,', "end of data"),
    ],
)
def test_a_wrong_line_of_a_table_is_named_with_what_is_wrong(tmp_path, line, what):
    source = table(tmp_path, f"path,label,patient,split,subtype\nfirst.png,NORMAL,,,\n{line}\n")
    with pytest.raises(UnusableData, match=r"line 3.*table-row") as raised:
        labelled_files(source, Layout.CSV)
    assert what in raised.value.message


@pytest.mark.parametrize(
    ("text", "code"), [("file,label\n", "lacks the column path"), ("", "lacks the columns path, label")]
)
def test_missing_columns_of_a_table_are_named(tmp_path, text, code):
    with pytest.raises(UnusableData, match=code):
        labelled_files(table(tmp_path, text), Layout.CSV)


def test_a_table_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"path,label\n\xff\xfe,NORMAL\n")
    with pytest.raises(UnusableData, match="table-unreadable"):
        labelled_files(path, Layout.CSV)


@pytest.mark.parametrize("layout", [Layout.KERMANY, Layout.CLASS_FOLDERS, Layout.CSV])
def test_a_folder_of_another_layout_is_refused_with_what_to_name(tmp_path, layout):
    with pytest.raises(UnusableData, match="layout-unknown"):
        labelled_files(tmp_path, layout)


def test_empty_class_folders_are_refused(tmp_path):
    (tmp_path / "NORMAL").mkdir()
    with pytest.raises(UnusableData, match="data-empty"):
        labelled_files(tmp_path, Layout.CLASS_FOLDERS)
