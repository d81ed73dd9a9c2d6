from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pneumoscope.dataset.manifest import Label, ManifestRow, Split, in_split
from pneumoscope.dataset.split import split_off_validation
from pneumoscope.errors import UnusableData
from pneumoscope.training.validation_design import atypicality, ranks, resemblance

PATIENTS = 60


def row(number: int, label: Label, patient: str) -> ManifestRow:
    return ManifestRow(f"{number}.png", f"sha-{number}", label, "", patient, Split.TRAIN, 64, 64, "L")


@pytest.fixture
def films(generator):
    """60 dark normal films and 60 bright pneumonias; normal film 3 is blurred, normal film 5 as bright as pneumonia."""
    rows = [row(number, Label.NORMAL, f"IM-{number:04}") for number in range(PATIENTS)]
    rows += [row(PATIENTS + number, Label.PNEUMONIA, f"person{number}_virus") for number in range(PATIENTS)]
    noise = generator.integers(-20, 21, (2 * PATIENTS, 64, 64))
    level = np.repeat([60, 180], PATIENTS)
    level[5] = 180
    pictures = (level[:, np.newaxis, np.newaxis] + noise).astype(np.uint8)
    pictures[3] = np.asarray(Image.fromarray(pictures[3]).filter(ImageFilter.GaussianBlur(2)))
    return rows, pictures


def test_the_blurred_normal_film_and_the_one_that_looks_like_pneumonia_are_least_typical(films):
    found = atypicality(*films)
    assert set(found[:PATIENTS].argsort()[-2:]) == {3, 5}
    assert (found[PATIENTS:] == 0).all()


def test_resemblance_is_judged_by_a_fit_that_has_not_seen_the_film(films):
    rows, pictures = films
    logits = resemblance(rows, pictures)
    assert logits[5] > 0
    assert (np.delete(logits[:PATIENTS], 5) < 0).all()
    assert (logits[PATIENTS:] > 0).all()


def test_without_enough_patients_for_folds_resemblance_tells_nothing(films):
    rows, pictures = films
    few = [0, 1, PATIENTS, PATIENTS + 1]
    assert (resemblance([rows[index] for index in few], pictures[few]) == 0).all()


def test_ranks_go_from_0_to_1_among_the_chosen():
    values = np.array([5.0, 1.0, 9.0, 3.0])
    assert ranks(values, np.array([True, True, False, True])).tolist() == [1.0, 0.0, 0.0, 0.5]


def test_a_film_of_the_test_split_is_refused(films):
    rows, pictures = films
    with pytest.raises(UnusableData, match="test-rows-refused"):
        atypicality([replace(rows[0], split=Split.TEST), *rows[1:]], pictures)


def test_the_least_typical_normal_patients_validate_and_pneumonias_are_drawn_at_random(films):
    rows, pictures = films
    strange = atypicality(rows, pictures)
    first, other = (
        in_split(
            split_off_validation(rows, share=0.1, generator=np.random.default_rng(seed), atypicality=strange),
            Split.VALIDATION,
        )
        for seed in (0, 1)
    )
    normals = [{entry.patient for entry in part if not entry.has_finding} for part in (first, other)]
    assert normals[0] == normals[1]
    assert {"IM-0003", "IM-0005"} <= normals[0]
    assert len(normals[0]) == 6
    assert first != other


def test_a_patient_goes_by_the_median_of_the_films(films):
    rows, _ = films
    strange = np.where(np.arange(len(rows)) < PATIENTS, 0.1, 0.0)
    rows = [replace(entry, patient="IM-0000") if index in {0, 1, 2} else entry for index, entry in enumerate(rows)]
    strange[0] = 1.0
    strange[[7, 8, 9]] = 0.5
    split = split_off_validation(rows, share=0.05, generator=np.random.default_rng(0), atypicality=strange)
    held_out = {entry.patient for entry in in_split(split, Split.VALIDATION) if not entry.has_finding}
    assert held_out == {"IM-0007", "IM-0008", "IM-0009"}
