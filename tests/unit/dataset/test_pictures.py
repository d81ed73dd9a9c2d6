import numpy as np
import pytest
from PIL import Image

from pneumoscope.dataset.manifest import read_kermany
from pneumoscope.dataset.pictures import decoded_lung_masks, decoded_pictures
from pneumoscope.radiograph.preprocessing import Preprocessing
from support.phantom import chest_phantom


@pytest.fixture
def data(tmp_path, generator):
    for label in ("NORMAL", "PNEUMONIA"):
        folder = tmp_path / "data" / "train" / label
        folder.mkdir(parents=True)
        Image.fromarray(chest_phantom(90, 120, generator)).save(folder / f"IM-0001-{label}.png")
    return tmp_path / "data"


def test_pictures_are_those_that_predicting_sees_and_are_decoded_once(data, tmp_path):
    rows = read_kermany(data)
    preprocessing = Preprocessing(64)
    pictures = decoded_pictures(rows, data, preprocessing, cache=tmp_path / "cache")
    expected = preprocessing.sample(np.asarray(Image.open(data / rows[0].path)))
    assert np.array_equal(pictures[0], expected)
    (data / rows[0].path).unlink()
    assert np.array_equal(decoded_pictures(rows, data, preprocessing, cache=tmp_path / "cache"), pictures)


def test_lung_masks_keep_lung_only_and_say_which_rows_have_none(data, tmp_path):
    rows = read_kermany(data)
    mask = np.zeros((90, 120), np.uint8)
    mask[:45] = 255
    mask[45:60] = 127
    path = (tmp_path / "masks" / rows[1].path).with_suffix(".png")
    path.parent.mkdir(parents=True)
    Image.fromarray(mask).save(path)
    masks, known = decoded_lung_masks(rows, tmp_path / "masks", Preprocessing(64), cache=tmp_path / "cache")
    assert known.tolist() == [False, True]
    assert not masks[0].any()
    assert set(np.unique(masks[1])) == {0, 255}
    assert masks[1][:32].all()
    assert not masks[1][32:].any()


def test_a_damaged_array_in_the_cache_is_made_anew(data, tmp_path):
    rows = read_kermany(data)
    pictures = np.array(decoded_pictures(rows, data, Preprocessing(64), cache=tmp_path / "cache"))
    (path,) = (tmp_path / "cache").iterdir()
    with path.open("r+b") as file:
        file.truncate(1000)
    assert np.array_equal(decoded_pictures(rows, data, Preprocessing(64), cache=tmp_path / "cache"), pictures)
