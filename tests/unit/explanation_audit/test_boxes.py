"""Boxes in pixels of the file, on the model's grid."""

import re

import numpy as np
import pytest

from pneumoscope.errors import UnusableData
from pneumoscope.explanation_audit.boxes import Box, box_measures, read_boxes, unmatched_boxes

HEAD = "path,x,y,width,height,label\n"


@pytest.fixture
def table(tmp_path):
    def table(text):
        path = tmp_path / "boxes.csv"
        path.write_text(text)
        return path

    return table


def test_boxes_are_read_by_radiograph_and_the_label_may_be_left_out(table):
    assert read_boxes(table(HEAD + "a.png,1,2,3,4,opacity\na.png,5,6,7,8,\n")) == {
        "a.png": [Box("a.png", 1, 2, 3, 4, "opacity"), Box("a.png", 5, 6, 7, 8, "")]
    }
    assert read_boxes(table("path,x,y,width,height\nb.png,1.5,2,3,4\n"))["b.png"][0].x == 1.5


def test_a_missing_column_is_told(table):
    with pytest.raises(UnusableData, match="lacks the columns width, height"):
        read_boxes(table("path,x,y\na.png,1,2\n"))


@pytest.mark.parametrize(
    "line", ["a.png,1,2,0,4,", "a.png,1,2,3,-4,", "a.png,one,2,3,4,", "a.png,1,nan,3,4,", "a.png,1"]
)
def test_a_line_that_is_no_box_is_told_with_its_number(table, line):
    with pytest.raises(UnusableData, match="line 3"):
        read_boxes(table(HEAD + "a.png,1,2,3,4,\n" + line + "\n"))


def test_a_box_is_scaled_from_the_file_to_the_models_grid():
    # the right half and the lower quarter of a file of 400 x 200 pixels
    mask = Box("a.png", 200, 150, 200, 50, "").mask((200, 400), 8)
    wanted = np.zeros((8, 8), bool)
    wanted[6:, 4:] = True
    np.testing.assert_array_equal(mask, wanted)


def test_pointing_overlap_and_energy_of_each_box_by_hand():
    saliency_map = np.array([[4, 0], [0, 1]], np.float32)
    saliency_map = np.kron(saliency_map, np.ones((4, 4), np.float32))  # on the grid itself, so nothing is interpolated
    boxes = [Box("a.png", 0, 0, 4, 8, "left half"), Box("a.png", 4, 4, 4, 4, "")]
    measured, by_box = box_measures(boxes, (8, 8), {"map": saliency_map}, 8)
    assert by_box[0] == {"path": "a.png", "label": "left half", "pointing": 1, "iou": 0.5, "energy": pytest.approx(0.8)}
    assert by_box[1] == {"path": "a.png", "label": "", "pointing": 0, "iou": 0, "energy": pytest.approx(0.2)}
    assert measured["boxes/iou/map"] == pytest.approx(0.25)
    assert measured["boxes/area"] == pytest.approx((0.5 + 0.25) / 2)


def test_a_map_with_nothing_for_the_finding_has_no_hot_region():
    measured, by_box = box_measures([Box("a.png", 0, 0, 4, 4, "")], (8, 8), {"map": np.full((2, 2), -1, np.float32)}, 8)
    assert measured["boxes/iou/map"] == 0
    assert by_box[0]["pointing"] is None


@pytest.mark.parametrize(
    "place", [(500, 0, 10, 10), (-1.5, 0, 10, 10), (0, -1.5, 10, 10), (380, 0, 21.5, 10), (0, 180, 10, 21.5)]
)
def test_a_box_in_pixels_of_another_size_is_told_with_its_path_and_place(place):
    x, y, width, height = place
    told = f"a.png (x {x}, y {y}, width {width}, height {height}) reaches beyond its 400 x 200 pixels. [boxes-outside]"
    with pytest.raises(UnusableData, match=re.escape(told)):
        box_measures([Box("a.png", *place, "")], (200, 400), {"map": np.ones((2, 2), np.float32)}, 8)


def test_a_box_may_reach_beyond_its_radiograph_by_what_rounding_does():
    box = Box("a.png", -1, -1, 402, 202, "")
    measured, _ = box_measures([box], (200, 400), {"map": np.ones((2, 2), np.float32)}, 8)
    assert measured["boxes/area"] == 1


def test_a_box_that_no_pixel_of_the_model_shows_is_told():
    with pytest.raises(UnusableData, match="lies between two pixels of the model's 8 x 8"):
        box_measures([Box("a.png", 1, 1, 2, 2, "")], (200, 400), {"map": np.ones((2, 2), np.float32)}, 8)


def test_boxes_of_no_radiograph_are_counted_and_refused_where_all_are():
    boxes = {name: [Box(name, 1, 1, 2, 2, "")] * 2 for name in ("a.png", "b.png", "c.png")}
    assert unmatched_boxes(boxes, {"b.png", "d.png"}) == 4
    assert unmatched_boxes({}, {"b.png"}) == 0
    with pytest.raises(UnusableData, match=r"first is of a\.png.*boxes-unmatched"):
        unmatched_boxes(boxes, {"d.png"})
