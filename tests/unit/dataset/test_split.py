from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.dataset.manifest import Label, ManifestRow, Split, in_split
from pneumoscope.dataset.split import k_folds, patients_joined_by_duplicates, split_off_validation
from pneumoscope.errors import UnusableData


def row(number: int, label: Label, subtype: str, patient: str) -> ManifestRow:
    return ManifestRow(f"{number}.jpeg", f"sha-{number}", label, subtype, patient, Split.TRAIN, 100, 100, "L")


@pytest.fixture
def rows() -> list[ManifestRow]:
    normal = [row(number, Label.NORMAL, "", f"IM-{number // 2}") for number in range(200)]
    bacterial = [row(200 + number, Label.PNEUMONIA, "bacterial", f"p{number // 3}_b") for number in range(300)]
    viral = [row(500 + number, Label.PNEUMONIA, "viral", f"p{number}_v") for number in range(100)]
    return normal + bacterial + viral


def test_no_patient_is_on_both_sides(rows, generator):
    split = split_off_validation(rows, share=0.2, generator=generator)
    train = {entry.patient for entry in in_split(split, Split.TRAIN)}
    validation = {entry.patient for entry in in_split(split, Split.VALIDATION)}
    assert train | validation == {entry.patient for entry in rows}
    assert not train & validation


@pytest.mark.parametrize(("label", "subtype", "count"), [("NORMAL", "", 200), ("PNEUMONIA", "bacterial", 300)])
def test_each_stratum_gives_about_its_share(rows, generator, label, subtype, count):
    chosen = in_split(split_off_validation(rows, share=0.2, generator=generator), Split.VALIDATION)
    found = sum(entry.label == label and entry.subtype == subtype for entry in chosen)
    assert 0.2 * count <= found <= 0.2 * count + 3


def test_the_same_seed_gives_the_same_split_and_another_seed_another(rows):
    first, again, other = (
        split_off_validation(rows, share=0.2, generator=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_patients_who_share_a_picture_count_as_one(rows):
    rows[10] = replace(rows[10], sha256=rows[0].sha256)
    joined = patients_joined_by_duplicates(rows)
    assert joined[rows[10].patient] == joined[rows[0].patient]
    assert joined[rows[20].patient] == rows[20].patient


def test_rows_of_the_test_split_are_refused(rows, generator):
    rows[0] = replace(rows[0], split=Split.TEST)
    with pytest.raises(UnusableData, match="test-rows-refused"):
        split_off_validation(rows, share=0.2, generator=generator)


def test_each_row_is_validation_in_one_fold_of_k(rows, generator):
    folds = k_folds(rows, k=5, generator=generator)
    held = np.array([[entry.split is Split.VALIDATION for entry in fold] for fold in folds])
    assert held.shape == (5, 600)
    assert (held.sum(axis=0) == 1).all()


def test_no_patient_and_no_picture_is_in_two_folds(rows, generator):
    rows[10] = replace(rows[10], sha256=rows[0].sha256)
    for fold in k_folds(rows, k=5, generator=generator):
        train, validation = in_split(fold, Split.TRAIN), in_split(fold, Split.VALIDATION)
        assert not {entry.patient for entry in train} & {entry.patient for entry in validation}
        assert not {entry.sha256 for entry in train} & {entry.sha256 for entry in validation}


@pytest.mark.parametrize(("subtype", "count"), [("", 200), ("bacterial", 300), ("viral", 100)])
def test_folds_are_stratified_to_within_one_patient(rows, generator, subtype, count):
    for fold in k_folds(rows, k=5, generator=generator):
        found = sum(entry.subtype == subtype for entry in in_split(fold, Split.VALIDATION))
        assert abs(found - count / 5) <= 3


def test_folds_come_again_from_the_same_seed_and_differ_for_another(rows):
    first, again, other = (k_folds(rows, k=4, generator=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_folds_refuse_rows_of_the_test_split(rows, generator):
    rows[0] = replace(rows[0], split=Split.TEST)
    with pytest.raises(UnusableData, match="test-rows-refused"):
        k_folds(rows, k=5, generator=generator)


@pytest.mark.parametrize("k", [1, 7])
def test_folds_that_cannot_be_are_refused(rows, generator, k):
    with pytest.raises(UnusableData, match="folds-impossible"):
        k_folds(rows[:12], k=k, generator=generator)
