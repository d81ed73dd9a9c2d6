from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from pneumoscope.dataset.manifest import Split, in_split, read_kermany, read_manifest, write_manifest
from pneumoscope.errors import UnusableData, UnusableOutput
from pneumoscope.radiograph.preprocessing import Preprocessing
from pneumoscope.training.data import DataSource, decoded, divided
from pneumoscope.training.validation_design import ValidationDesign
from support.full_disk import files_of_at_most
from support.training_films import lung_mask, write_films

SIZE_PX = 64


@pytest.fixture
def source(tmp_path, generator):
    """Eight patients of each label, with masks."""
    folder = write_films(tmp_path / "data", generator, patients=8)
    return DataSource(folder / "films", None, folder / "masks", tmp_path / "cache")


def with_manifest(source, rows):
    path = source.data.parent / "manifest.csv"
    write_manifest(rows, path)
    return replace(source, manifest=path)


def all_of(source):
    return divided(source, share=0.25, seed=3)


def test_validation_is_split_off_by_patient_with_the_seed(source):
    first, again, other = (divided(source, share=0.25, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    parts = [{row.patient for row in first if row.split is split} for split in (Split.TRAIN, Split.VALIDATION)]
    assert not parts[0] & parts[1]
    assert [len(part) for part in parts] == [12, 4]


def test_atypical_normal_films_validate_whatever_the_seed_where_the_design_says_so(source):
    design = ValidationDesign.ATYPICAL_NORMALS
    parts = [divided(source, share=0.25, seed=seed, design=design) for seed in (3, 4)]
    normals = [{row.path for row in in_split(rows, Split.VALIDATION) if not row.has_finding} for rows in parts]
    assert normals[0] == normals[1]
    assert len({row.patient for row in in_split(parts[0], Split.VALIDATION)}) == 4


def test_as_many_seeds_as_folds_validate_each_radiograph_once(source):
    parts = [divided(source, share=0.25, seed=seed, design=ValidationDesign.FOLDS) for seed in range(5)]
    held = [[row.path for row in in_split(rows, Split.VALIDATION)] for rows in parts]
    assert sorted(path for part in held[:4] for path in part) == sorted(
        row.path for row in read_kermany(source.data, splits={Split.TRAIN})
    )
    assert held[4] == held[0]
    for rows in parts:
        learnt, validated = (
            {row.patient for row in in_split(rows, split)} for split in (Split.TRAIN, Split.VALIDATION)
        )
        assert not learnt & validated


def test_a_manifest_with_a_validation_part_of_its_own_keeps_it(source):
    rows = read_kermany(source.data)
    rows = [replace(row, split=Split.VALIDATION) if index in {2, 9} else row for index, row in enumerate(rows)]
    assert divided(with_manifest(source, rows), share=0.25, seed=3) == rows


def test_a_patient_on_both_sides_of_a_manifest_is_refused_by_name(source):
    rows = read_kermany(source.data)
    twin = replace(rows[0], path="train/NORMAL/another.png", split=Split.VALIDATION)
    with pytest.raises(UnusableData) as found:
        divided(with_manifest(source, [*rows, twin]), share=0.25, seed=3)
    assert (found.value.code, rows[0].patient in found.value.message) == ("patients-in-both-parts", True)


def test_a_manifest_without_one_gets_the_same_as_the_folder(source):
    assert divided(with_manifest(source, read_kermany(source.data)), share=0.25, seed=3) == all_of(source)


@pytest.mark.parametrize("split", [Split.TEST, Split.OFFICIAL_VAL])
def test_rows_of_another_split_are_left_out_and_never_opened(source, split):
    rows = read_kermany(source.data)
    shut = replace(rows[0], path="test/NORMAL/unreadable.png", patient="another", split=split)
    (source.data / "test" / "NORMAL").mkdir(parents=True)
    (source.data / shut.path).write_bytes(b"opening this is an error")
    source = with_manifest(source, [*rows, shut])
    found = all_of(source)
    assert shut.path not in {row.path for row in found}
    training, validation = decoded(found, source, size_px=SIZE_PX)
    assert len(training.rows) + len(validation.rows) == len(rows)


def test_in_a_folder_files_of_the_test_split_are_never_opened(source):
    for split in ("test", "val"):
        (source.data / split / "NORMAL").mkdir(parents=True)
        (source.data / split / "NORMAL" / "IM-1-1.png").write_bytes(b"opening this is an error")
    assert {row.split for row in all_of(source)} == {Split.TRAIN, Split.VALIDATION}


def test_rows_of_the_test_split_are_refused_when_given(source):
    rows = all_of(source)
    with pytest.raises(UnusableData, match="test-rows-refused"):
        decoded([*rows, replace(rows[0], split=Split.TEST)], source, size_px=SIZE_PX)


def test_a_manifest_without_train_is_refused(source):
    rows = [replace(row, split=Split.TEST) for row in read_kermany(source.data)]
    with pytest.raises(UnusableData, match="manifest-without-train"):
        all_of(with_manifest(source, rows))


def test_each_part_has_the_pictures_masks_and_targets_of_its_rows(source):
    rows = all_of(source)
    for part in decoded(rows, source, size_px=SIZE_PX):
        assert part.pictures.shape == part.lung_masks.shape == (len(part.rows), SIZE_PX, SIZE_PX)
        assert set(part.targets) == {0.0, 1.0}
        for index, row in enumerate(part.rows):
            gray = np.asarray(Image.open(source.data / row.path))
            assert np.array_equal(part.pictures[index], Preprocessing(SIZE_PX).sample(gray))
            assert part.targets[index] == ("PNEUMONIA" in row.path)
    wanted = Preprocessing(SIZE_PX).sample(lung_mask())
    assert (part.lung_masks == wanted).all()


def test_decoding_happens_once_and_may_be_watched(source):
    rows = all_of(source)
    totals = []

    def watch(items, total):
        totals.append(total)
        return items

    first, again = (decoded(rows, replace(source, watched=watch), size_px=SIZE_PX)[0] for _ in range(2))
    assert np.array_equal(first.pictures, again.pictures)
    assert totals == [16, 16]  # radiographs, then lung masks


def test_without_lung_masks_there_is_no_lung_anywhere(source):
    training, validation = decoded(all_of(source), replace(source, lung_masks=None), size_px=SIZE_PX)
    assert not training.lung_masks.any()
    assert validation.lung_masks.shape == validation.pictures.shape


def test_some_radiographs_may_be_without_a_mask(source):
    rows = all_of(source)
    (source.lung_masks / rows[0].path).unlink()
    parts = decoded(rows, source, size_px=SIZE_PX)
    without = [
        row.path for part in parts for row, mask in zip(part.rows, part.lung_masks, strict=True) if not mask.any()
    ]
    assert without == [rows[0].path]


def test_a_folder_of_masks_that_has_none_of_them_is_a_mistake(source, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnusableData, match=r"mask for none of the 16 radiographs.*lung-masks-none"):
        decoded(all_of(source), replace(source, lung_masks=tmp_path / "empty"), size_px=SIZE_PX)


def test_a_mask_that_is_no_picture_is_named(source):
    rows = all_of(source)
    (source.lung_masks / rows[3].path).write_bytes(b"no picture")
    with pytest.raises(UnusableData, match=f"{rows[3].path} is not a picture.*unreadable-picture"):
        decoded(rows, source, size_px=SIZE_PX)


@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [
        ("gone", "radiograph-gone", "there is no such file"),
        ("another", "radiograph-changed", "its SHA-256 is another"),
        ("folder", "radiograph-gone", "there is no such file"),
    ],
)
def test_a_file_that_is_not_the_one_of_the_manifest_is_named_with_what_to_do(source, damage, code, said):
    rows = all_of(source)
    path = source.data / rows[3].path
    content = (source.data / rows[4].path).read_bytes()
    path.unlink()
    if damage == "another":
        path.write_bytes(content)
    elif damage == "folder":
        path.mkdir()
    with pytest.raises(UnusableData, match=f"{path}.*{said}.*data import") as refused:
        decoded(rows, source, size_px=SIZE_PX)
    assert refused.value.code == code
    assert not list(source.cache.glob("pictures*"))


def test_a_file_that_was_never_a_radiograph_is_named(source):
    rows = read_kermany(source.data)
    path = source.data / rows[0].path
    Image.fromarray(np.full((90, 90), 80, np.uint8)).save(path)
    with pytest.raises(UnusableData, match=f"{path}.*unreadable-picture"):
        decoded(all_of(source), source, size_px=SIZE_PX)


def test_a_disk_too_full_for_the_decoded_radiographs_is_an_error_of_ours(source):
    rows = all_of(source)
    with files_of_at_most(10_000), pytest.raises(UnusableOutput, match="output-unwritable"):
        decoded(rows, source, size_px=SIZE_PX)
    assert not list(source.cache.iterdir())
    (source.cache / "in-the-way").touch()
    with pytest.raises(UnusableOutput, match="output-unwritable"):
        decoded(rows, replace(source, cache=source.cache / "in-the-way"), size_px=SIZE_PX)


@pytest.mark.parametrize(("label", "part"), [("NORMAL", "train"), ("PNEUMONIA", "validation")])
def test_a_part_of_one_class_only_is_refused(source, label, part):
    rows = [row for row in all_of(source) if row.split.value != part or row.label == label]
    with pytest.raises(UnusableData, match=f"The {part} part holds only {label} radiographs.*one-class-only"):
        decoded(rows, source, size_px=SIZE_PX)


@pytest.mark.parametrize("kept", [Split.TRAIN, Split.VALIDATION])
def test_a_part_without_radiographs_is_refused(source, kept):
    rows = [row for row in all_of(source) if row.split is kept]
    with pytest.raises(UnusableData, match=r"holds no radiographs.*one-class-only"):
        decoded(rows, source, size_px=SIZE_PX)


def test_a_data_folder_without_train_is_refused(tmp_path, source):
    (tmp_path / "only" / "test" / "NORMAL").mkdir(parents=True)
    source = replace(source, data=tmp_path / "only", lung_masks=None)
    with pytest.raises(UnusableData, match="one-class-only"):
        decoded(all_of(source), source, size_px=SIZE_PX)


def test_what_a_run_writes_of_its_rows_is_what_it_reads(source, tmp_path):
    rows = all_of(source)
    write_manifest(rows, tmp_path / "manifest.csv")
    assert read_manifest(tmp_path / "manifest.csv") == rows
