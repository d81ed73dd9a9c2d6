from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pneumoscope.dataset.audit import audit
from pneumoscope.dataset.examination import examine_files
from pneumoscope.dataset.layouts import Layout, labelled_files
from support.labelled_folders import write_kermany


def examined(data):
    _, files = labelled_files(data, Layout.KERMANY)
    return examine_files(data, files, workers=2, watched=lambda items, total: items)


@pytest.fixture
def data(tmp_path, generator):
    return write_kermany(tmp_path, generator)


def test_counts_are_by_split_label_and_subtype(data):
    findings = audit(*examined(data))
    assert (findings["radiographs"], findings["patients"]) == (24, 24)
    assert list(findings["splits"]) == ["train", "test"]
    assert findings["splits"]["train"] == {
        "radiographs": 12,
        "patients": 12,
        "labels": {"NORMAL": 6, "PNEUMONIA": 6},
        "subtypes": {"bacterial": 3, "viral": 3},
        "share_with_finding": 0.5,
    }


def test_unreadable_files_are_counted_apart(data):
    (data / "train" / "NORMAL" / "IM-0000-0001.png").write_bytes(b"")
    findings = audit(*examined(data))
    assert findings["radiographs"] == 23
    assert [file["code"] for file in findings["unreadable"]] == ["empty-file"]


def test_the_same_pixels_in_two_splits_are_an_exact_duplicate_whatever_the_file(data):
    with Image.open(data / "train" / "NORMAL" / "IM-0002-0001.png") as picture:
        picture.save(data / "test" / "PNEUMONIA" / "person900_virus_1.png", compress_level=0)
    exact = audit(*examined(data))["exact_duplicates"]
    assert (exact["groups"], exact["across_splits"], exact["across_labels"], exact["across_patients"]) == (1, 1, 1, 1)
    assert exact["listed"] == [["train/NORMAL/IM-0002-0001.png", "test/PNEUMONIA/person900_virus_1.png"]]


def test_a_scaled_copy_in_another_split_is_a_near_duplicate(tmp_path):
    for split, size in (("train", (200, 160)), ("test", (150, 120))):
        path = tmp_path / split / "NORMAL" / f"IM-{len(split)}-0001.png"
        path.parent.mkdir(parents=True)
        blocks = np.random.default_rng(1).integers(0, 256, (8, 10)).astype(np.uint8)
        Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC).save(path)
    findings = audit(*examined(tmp_path))
    assert findings["exact_duplicates"]["groups"] == 0
    near = findings["near_duplicates"]
    assert (near["pairs"], near["across_splits"], near["across_labels"]) == (1, 1, 0)


def test_a_patient_in_train_and_test_is_leakage(data, generator):
    source = data / "train" / "PNEUMONIA" / "person2_bacteria_2.png"
    source.rename(data / "test" / "PNEUMONIA" / "person3_virus_77.png")
    assert audit(*examined(data))["patients_in_two_splits"] == {"train and test": ["person3_virus"]}


def test_a_file_that_changed_since_the_import_is_named(data):
    seen, unreadable = examined(data)
    rows = [one.row for one in seen]
    rows[3] = replace(rows[3], sha256="another")
    assert audit(seen, unreadable, imported=rows)["changed_since_import"] == [rows[3].path]
    assert audit(seen, unreadable)["changed_since_import"] == []


def test_nothing_readable_is_an_audit_too(data):
    for path in data.rglob("*.png"):
        path.write_bytes(b"")
    findings = audit(*examined(data))
    assert findings["radiographs"] == 0
    assert len(findings["unreadable"]) == 24
