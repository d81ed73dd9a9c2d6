import numpy as np
import pytest

from pneumoscope.dataset.cues import cue_features, cue_medians, read_original_sizes, sizes_of, training_folds
from pneumoscope.dataset.examination import examine_files
from pneumoscope.dataset.layouts import Layout, labelled_files
from pneumoscope.dataset.manifest import Split
from pneumoscope.errors import UnusableData
from support.labelled_folders import write_kermany

HEADER = "split,label,file,original_width_px,original_height_px\n"


@pytest.fixture
def seen(tmp_path, generator):
    data = write_kermany(tmp_path / "data", generator)
    _, files = labelled_files(data, Layout.KERMANY)
    return examine_files(data, files, workers=2, watched=lambda items, total: items)[0]


def sizes_table(path, seen, size):
    lines = [f"{one.row.path.replace('/', ',')},{size(one)}\n" for one in seen]
    path.write_text(HEADER + "".join(lines))
    return path


def test_medians_are_by_split_and_label(seen):
    medians = cue_medians(seen, sizes_of(seen, None))
    assert medians["width_px"]["train"] == {"NORMAL": 82.5, "PNEUMONIA": 102.5}
    assert medians["aspect_ratio"]["train"] == {"NORMAL": 1.0312, "PNEUMONIA": 1.2812}
    assert set(medians["border_gray"]) == {"all", "train", "test"}


def test_original_sizes_take_the_place_of_those_of_the_copies(seen, tmp_path):
    table = sizes_table(tmp_path / "sizes.csv", seen, lambda one: "1490,1000" if one.row.has_finding else "1230,1000")
    medians = cue_medians(seen, sizes_of(seen, read_original_sizes(table)))
    assert medians["aspect_ratio"]["all"] == {"NORMAL": 1.23, "PNEUMONIA": 1.49}


def test_empty_cells_mean_that_a_size_is_not_known(seen, tmp_path):
    table = sizes_table(tmp_path / "sizes.csv", seen, lambda one: "," if one is seen[0] else "1200,1000")
    features = cue_features(seen, sizes_of(seen, read_original_sizes(table)))
    assert np.isnan(features["aspect_ratio"][0]).all()
    assert np.isfinite(features["aspect_ratio"][1:]).all()
    assert np.isfinite(features["thumbnail"]).all()


@pytest.mark.parametrize("cells", ["wide,1000", "0,1000", "1200,", "12.5,100"])
def test_a_size_that_is_none_is_refused_with_its_line(tmp_path, cells):
    (tmp_path / "sizes.csv").write_text(f"{HEADER}train,NORMAL,a.png,{cells}\n")
    with pytest.raises(UnusableData, match=r"line 2.*sizes-row"):
        read_original_sizes(tmp_path / "sizes.csv")


def test_a_table_without_the_columns_is_refused(tmp_path):
    (tmp_path / "sizes.csv").write_text("file,width\n")
    with pytest.raises(UnusableData, match="sizes-columns"):
        read_original_sizes(tmp_path / "sizes.csv")


def test_sizes_that_lack_a_radiograph_are_refused_with_its_name(seen, tmp_path):
    table = sizes_table(tmp_path / "sizes.csv", seen[1:], lambda one: "1200,1000")
    with pytest.raises(UnusableData, match=r"lacks 1 radiographs, the first is train/NORMAL/IM-0000-0001\.png"):
        sizes_of(seen, read_original_sizes(table))


def test_folds_number_train_only_and_keep_patients_whole(seen, generator):
    rows = [one.row for one in seen]
    folds = training_folds(rows, generator)
    assert all((number >= 0) == (row.split is Split.TRAIN) for number, row in zip(folds, rows, strict=True))
    assert set(folds) == {-1, 0, 1, 2, 3, 4}


def test_too_few_patients_make_one_fold(seen, generator):
    rows = [one.row for one in seen if one.row.split is Split.TRAIN][:4]
    assert training_folds(rows, generator).tolist() == [0, 0, 0, 0]
