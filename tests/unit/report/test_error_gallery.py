"""The error gallery shows the most wrong first, each with what may explain it, and reads nothing outside the data."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.evaluation.columns import ScoreColumns, categories
from pneumoscope.report.error_gallery import (
    error_gallery,
    label_doubts,
    like_the_other_class,
    most_wrong,
    near_threshold,
)
from pneumoscope.report.error_pictures import inside, picture_of
from pneumoscope.report.twins import Twin, twins_of

EXAMPLES = Path(__file__).parents[3] / "examples/radiographs"


def columns(probabilities, labels, **more):
    names = [f"film-{number}.png" for number in range(len(labels))]
    return ScoreColumns(names, np.array(labels), np.array(probabilities, float), **more)


def test_the_farthest_on_the_wrong_side_comes_first_and_right_decisions_are_left_out():
    table = columns([0.4, 0.1, 0.9, 0.6, 0.95, 0.2, 0.5], [True, True, True, False, False, False, False])
    assert most_wrong(table, 0.5, missed=True) == [1, 0]
    assert most_wrong(table, 0.5, missed=False) == [4, 3, 6]


def test_logits_order_where_probabilities_round_to_one():
    table = columns([1.0, 1.0], [False, False], logits=np.array([40.0, 50.0]))
    assert most_wrong(table, 0.5, missed=False) == [1, 0]


def test_missed_pneumonias_come_first_and_no_more_than_asked_of_a_kind(tmp_path):
    table = columns([0.1, 0.2, 0.3, 0.9, 0.8, 0.7], [True] * 3 + [False] * 3)
    gallery = error_gallery(table, 0.5, tmp_path, bundle=None, each=2)
    assert [wrong.path for wrong in gallery] == ["film-0.png", "film-1.png", "film-3.png", "film-4.png"]
    assert [wrong.kind for wrong in gallery] == ["missed", "missed", "false alarm", "false alarm"]
    assert all("not in the data folder" in wrong.reasons[0] for wrong in gallery)


def test_without_errors_the_gallery_is_empty(tmp_path):
    assert error_gallery(columns([0.9, 0.1], [True, False]), 0.5, tmp_path, bundle=None) == []


def test_each_error_shows_film_and_overlay_in_a_small_picture(example_columns, shipped_bundle):
    missed, alarm = error_gallery(example_columns, 0.5, EXAMPLES, bundle=shipped_bundle)
    assert missed.has_finding
    assert missed.reference == "PNEUMONIA (viral)"
    assert alarm.reference == "NORMAL"
    for wrong in (missed, alarm):
        with Image.open(io.BytesIO(wrong.picture.jpeg)) as sheet:
            assert sheet.format == "JPEG"
            assert sheet.width <= 2 * 320 + 6
            assert sheet.height <= 320
        assert wrong.picture.has_overlay


def test_without_a_bundle_the_film_alone_is_shown(example_columns):
    picture, _ = picture_of(EXAMPLES, example_columns.paths[0], None)
    assert not picture.has_overlay
    assert max(picture.width_px, picture.height_px) <= 320


def test_a_name_that_leads_out_of_the_data_is_not_opened(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "film.png").write_bytes(b"")
    (tmp_path / "secret.png").write_bytes(b"")
    assert inside(data, "film.png") == data / "film.png"
    for name in ("../secret.png", str(tmp_path / "secret.png"), "", "a/../../secret.png", "film.png\0"):
        assert inside(data, name) is None


def test_links_inside_the_data_are_followed(tmp_path):
    (tmp_path / "film.png").write_bytes(b"")
    data = tmp_path / "data"
    data.mkdir()
    (data / "linked.png").symlink_to(tmp_path / "film.png")
    assert inside(data, "linked.png")


def test_a_file_that_cannot_be_read_is_said_to_be_so(tmp_path):
    (tmp_path / "film-0.png").write_bytes(b"no picture")
    picture, reasons = picture_of(tmp_path, "film-0.png", None)
    assert picture is None
    assert reasons[0].startswith("the file cannot be shown:")


def test_equal_files_and_nearly_equal_pictures_are_twins(tmp_path, example_paths):
    normal = next(path for path in example_paths if "NORMAL" in path)
    other = next(path for path in example_paths if "PNEUMONIA" in path)
    for number in (0, 1):
        shutil.copy(EXAMPLES / normal, tmp_path / f"film-{number}.png")
    with Image.open(EXAMPLES / normal) as picture:
        picture.resize((200, 200)).save(tmp_path / "film-2.png")
    shutil.copy(EXAMPLES / other, tmp_path / "film-3.png")
    table = columns([0.9, 0.9, 0.9, 0.9], [False, False, True, True])
    assert twins_of(table, [0], tmp_path) == {0: [Twin(1, identical=True), Twin(2, identical=False)]}


def test_a_twin_of_the_other_label_puts_the_label_in_doubt():
    table = columns([0.9, 0.9, 0.1], [False, True, False])
    told = list(label_doubts(table, 0, [Twin(1, identical=True), Twin(2, identical=False)]))
    assert told[0] == "the label is in doubt: the same file content as film-1.png, which is labelled otherwise"
    assert told[1] == "nearly the same picture as film-2.png"


def test_a_patient_with_both_labels_puts_the_label_in_doubt():
    table = columns([0.9, 0.9, 0.1], [False, True, False], patients=categories(["a", "a", "b"]))
    assert list(label_doubts(table, 0, [])) == [
        "the label may be in doubt: 1 other radiograph of this patient labelled otherwise"
    ]
    assert list(label_doubts(table, 2, [])) == []


@pytest.mark.parametrize(("probability", "near"), [(0.6, True), (0.4, True), (0.63, False), (1.0, False), (0.0, False)])
def test_near_the_threshold_is_half_a_logit(probability, near):
    assert bool(list(near_threshold(probability, 0.5))) is near


def test_a_number_like_that_of_the_other_class_is_told_with_both_medians():
    sharpness = np.array([150.0, 250.0, 250.0, 140.0, 150.0, 160.0])
    table = columns([0.9] * 6, [False] * 3 + [True] * 3, extras={"sharpness": sharpness})
    assert list(like_the_other_class(table, 0)) == [
        "sharpness 150: nearer the radiographs with pneumonia (median 150) than its own class (250)"
    ]
    assert list(like_the_other_class(table, 1)) == []


def test_an_unknown_number_explains_nothing():
    table = columns([0.9, 0.9], [False, True], extras={"sharpness": np.array([np.nan, np.nan])})
    assert list(like_the_other_class(table, 0)) == []
    gallery_row = replace(table, extras={"sharpness": np.array([np.nan, 3.0])})
    assert list(like_the_other_class(gallery_row, 0)) == []
