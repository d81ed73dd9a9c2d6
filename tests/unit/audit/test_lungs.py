import numpy as np
import pytest
from PIL import Image

from pneumoscope.audit.lungs import EstimatedMasks, MaskFolder, filled
from pneumoscope.dataset.manifest import Label, ManifestRow, Split
from pneumoscope.errors import UnusableData
from pneumoscope.radiograph.reading import read_radiograph

ROW = ManifestRow("train/NORMAL/a.b.jpeg", "", Label.NORMAL, "", "a", Split.TRAIN, 8, 8, "L")


def write_mask(folder, levels):
    path = folder / "train/NORMAL/a.b.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(levels, np.uint8)).save(path)


def test_only_255_is_lung_and_the_mask_takes_the_size_of_the_radiograph(tmp_path):
    write_mask(tmp_path, [[255, 127], [0, 255]])
    mask = MaskFolder(tmp_path).mask_of(ROW, np.zeros((4, 6), np.uint8))
    assert mask.shape == (4, 6)
    assert mask[:2].astype(int).tolist() == [[1, 1, 1, 0, 0, 0]] * 2
    assert mask[2:].astype(int).tolist() == [[0, 0, 0, 1, 1, 1]] * 2


@pytest.mark.parametrize("level", [0, 255])
def test_a_mask_without_any_outline_is_none(tmp_path, level):
    write_mask(tmp_path, [[level, level]])
    assert MaskFolder(tmp_path).mask_of(ROW, np.zeros((2, 2), np.uint8)) is None


def test_a_radiograph_without_a_mask_has_none(tmp_path):
    assert MaskFolder(tmp_path).mask_of(ROW, np.zeros((2, 2), np.uint8)) is None


def test_a_missing_folder_and_a_broken_mask_are_told(tmp_path):
    with pytest.raises(UnusableData, match="masks-not-found"):
        MaskFolder(tmp_path / "nowhere")
    write_mask(tmp_path, [[0, 255]])
    (tmp_path / "train/NORMAL/a.b.png").write_bytes(b"no picture")
    with pytest.raises(UnusableData, match="mask-unreadable") as raised:
        MaskFolder(tmp_path).mask_of(ROW, np.zeros((2, 2), np.uint8))
    assert "a.b.png" in raised.value.message


def test_the_region_is_filled_and_nothing_else():
    gray = np.array([[10, 20], [30, 40]], np.uint8)
    region = np.array([[True, False], [False, True]])
    assert filled(gray, region, "black").tolist() == [[0, 20], [30, 0]]
    assert filled(gray, region, "mean").tolist() == [[25, 20], [30, 25]]
    assert gray.tolist() == [[10, 20], [30, 40]]


def test_without_given_masks_the_bundle_says_where_the_lungs_are(shipped_bundle, example_radiographs):
    masks, gray = EstimatedMasks(shipped_bundle), read_radiograph(example_radiographs[0]).gray
    mask = masks.mask_of(ROW, gray)
    assert mask.shape == gray.shape
    columns = gray.shape[1]
    assert 0.1 < mask.mean() < 0.6
    sides = mask[:, : columns // 2].mean(), mask[:, columns // 2 :].mean()
    assert min(sides) > 0.5 * max(sides)
    assert masks.mask_of(ROW, np.zeros((64, 64), np.uint8)) is None
