import numpy as np
import pytest
from PIL import Image

from pneumoscope.dataset.manifest import read_kermany
from pneumoscope.dataset.pictures import decoded_lung_masks, decoded_pictures, lung_masks_digest
from pneumoscope.errors import UnusableData
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
    watched = []

    def watch(items, total):
        for item in items:
            watched.append((item.shape, total))
            yield item

    first, again = (
        decoded_pictures(rows, data, preprocessing, cache=tmp_path / "cache", watched=watch) for _ in range(2)
    )
    expected = preprocessing.sample(np.asarray(Image.open(data / rows[0].path)))
    assert np.array_equal(first[0], expected)
    assert np.array_equal(first, again)
    assert watched == [((64, 64), 2)] * 2  # each of both once, though asked for twice


@pytest.mark.parametrize(("damage", "code"), [("gone", "radiograph-gone"), ("another", "radiograph-changed")])
def test_a_file_that_is_gone_or_changed_is_told_though_it_was_decoded_before(data, tmp_path, damage, code):
    rows = read_kermany(data)
    decoded_pictures(rows, data, Preprocessing(64), cache=tmp_path / "cache")
    path = data / rows[1].path
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes((data / rows[0].path).read_bytes())
    with pytest.raises(UnusableData, match=str(path)) as refused:
        decoded_pictures(rows, data, Preprocessing(64), cache=tmp_path / "cache")
    assert refused.value.code == code


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


def test_the_digest_of_lung_masks_is_of_their_content_and_of_which_radiographs_have_one(data, tmp_path):
    rows = read_kermany(data)
    for folder in ("masks", "elsewhere"):
        for row in rows:
            path = tmp_path / folder / row.path
            path.parent.mkdir(parents=True)
            Image.new("L", (12, 9), 255).save(path)
    first = lung_masks_digest(rows, tmp_path / "masks")
    assert first == lung_masks_digest(rows, tmp_path / "elsewhere")
    Image.new("L", (12, 9), 0).save(tmp_path / "elsewhere" / rows[1].path)
    changed = lung_masks_digest(rows, tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / rows[1].path).unlink()
    assert len({first, changed, lung_masks_digest(rows, tmp_path / "elsewhere")}) == 3


def test_a_lung_mask_that_was_changed_is_decoded_anew(data, tmp_path):
    rows = read_kermany(data)
    path = tmp_path / "masks" / rows[0].path
    path.parent.mkdir(parents=True)
    for level in (255, 0):
        Image.new("L", (120, 90), level).save(path)
        masks, _ = decoded_lung_masks(rows, tmp_path / "masks", Preprocessing(64), cache=tmp_path / "cache")
        assert (masks[0] == level).all()


def test_a_damaged_array_in_the_cache_is_made_anew(data, tmp_path):
    rows = read_kermany(data)
    pictures = np.array(decoded_pictures(rows, data, Preprocessing(64), cache=tmp_path / "cache"))
    (path,) = (tmp_path / "cache").iterdir()
    with path.open("r+b") as file:
        file.truncate(1000)
    assert np.array_equal(decoded_pictures(rows, data, Preprocessing(64), cache=tmp_path / "cache"), pictures)
