from dataclasses import replace

import numpy as np
import pytest

from pneumoscope.errors import UnusableOption
from pneumoscope.explanation.similar_cases import (
    PERHAPS_SAME_DISTANCE,
    CaseIndex,
    SimilarCase,
    agreement,
    case_index,
    with_thumbnails,
)

EMBEDDINGS = np.array([[4, 0, 1], [3, 1, 1], [0, 4, 1], [1, 3, 1]], np.float64)
"""Less their mean (2, 2, 1): two pairs on one line, in opposite directions."""


def made(embeddings=EMBEDDINGS, components: int = 2) -> CaseIndex:
    count = len(embeddings)
    return case_index(
        ids=np.array([f"case-{place}.jpeg" for place in range(count)]),
        labels=np.array(["PNEUMONIA", "PNEUMONIA", "NORMAL", "NORMAL"] * (count // 4)),
        subtypes=np.array(["viral", "bacterial", "", ""] * (count // 4)),
        patients=np.array([f"patient-{place // 2}" for place in range(count)]),
        sha256=np.array([f"{place:064x}"[::-1] for place in range(count)]),
        embeddings=embeddings,
        components=components,
    )


def test_distances_are_those_of_cosine_about_the_mean(generator):
    embeddings = generator.normal(size=(40, 6)) + 3
    index = made(embeddings, components=6)
    asked = generator.normal(size=6).astype(np.float32) + 3
    centred, direction = embeddings - embeddings.mean(0), asked - embeddings.mean(0)
    cosine = centred @ direction / np.linalg.norm(centred, axis=1) / np.linalg.norm(direction)
    assert index.distances(asked) == pytest.approx(1 - cosine, abs=5e-3)
    nearest = index.nearest(asked, 3)
    assert [case.case_id for case in nearest] == [f"case-{place}.jpeg" for place in np.argsort(-cosine)[:3]]
    assert [case.distance for case in nearest] == sorted(case.distance for case in nearest)


def test_the_first_components_keep_what_varies_most(generator):
    embeddings = generator.normal(size=(400, 8)) * np.array([10, 8, 6, 0.01, 0.01, 0.01, 0.01, 0.01])
    whole, reduced = made(embeddings, components=8), made(embeddings, components=3)
    asked = (embeddings[0] + [1, 1, 1, 0, 0, 0, 0, 0]).astype(np.float32)
    assert reduced.distances(asked) == pytest.approx(whole.distances(asked), abs=5e-3)


def test_the_picture_itself_is_no_similar_case(generator):
    embeddings = generator.normal(size=(40, 6))
    index = made(embeddings, components=6)
    asked = embeddings[7].astype(np.float32)
    assert "case-7.jpeg" not in {case.case_id for case in index.nearest(asked, 39)}
    moved = asked + np.float32(0.5)
    first = index.nearest(moved, 1)[0]
    place = int(first.case_id.removeprefix("case-").removesuffix(".jpeg"))
    known = index.nearest(moved, 1, sha256=f"{place:064x}"[::-1])[0]
    assert known.case_id != first.case_id
    assert index.nearest(moved, 1, file_name=first.case_id)[0] == known


def test_a_case_that_is_nearer_than_copies_of_other_sizes_are_is_perhaps_the_same_film():
    near, limit, far = (
        SimilarCase("a", "NORMAL", "", "p", distance) for distance in (0.0049, PERHAPS_SAME_DISTANCE, 0.0051)
    )
    assert PERHAPS_SAME_DISTANCE == 0.005
    assert (near.perhaps_same, limit.perhaps_same, far.perhaps_same) == (True, False, False)


def test_a_film_in_another_size_is_named_and_said_to_be_perhaps_the_same(generator):
    embeddings = generator.normal(size=(40, 6))
    index = made(embeddings, components=6)
    away = embeddings[7] - embeddings.mean(0)
    beside = np.linalg.svd(away[np.newaxis])[2][1] * np.linalg.norm(away)
    found = [index.nearest((embeddings[7] + tangent * beside).astype(np.float32), 2) for tangent in (0.05, 0.2)]
    assert [cases[0].case_id for cases in found] == ["case-7.jpeg"] * 2
    assert [cases[0].distance for cases in found] == pytest.approx([0.00125, 0.0194], abs=1e-3)
    assert [cases[0].perhaps_same for cases in found] == [True, False]


def test_agreement_asks_other_patients_only():
    embeddings = np.array([[1.0, 0.1], [1, 0], [-1, 0.1], [-1, 0]])
    labels = np.array(["PNEUMONIA", "NORMAL", "NORMAL", "NORMAL"])
    index = case_index(*(np.array(list("abcd")), labels, labels, np.array(["p", "q", "r", "s"]), labels), embeddings, 2)
    asked = np.array([[1.0, 0.11]], np.float32)
    label = np.array(["PNEUMONIA"])
    assert agreement(index, asked, label, np.array(["z"]), neighbours=1).tolist() == [True]
    assert agreement(index, asked, label, np.array(["p"]), neighbours=1).tolist() == [False]


def test_an_index_comes_back_from_its_bytes_and_the_same_index_gives_the_same_bytes(generator):
    index = made(generator.normal(size=(12, 6)), components=3)
    content = index.to_bytes()
    back = CaseIndex.from_bytes(content)
    assert back.to_bytes() == content == index.to_bytes()
    asked = generator.normal(size=6).astype(np.float32)
    assert back.nearest(asked, 4) == index.nearest(asked, 4)


def test_each_case_keeps_its_own_thumbnail_and_an_index_without_any_stays_as_it_was(generator):
    index = made(generator.normal(size=(12, 6)), components=3)
    files = [bytes([65 + place]) * place for place in range(12)]
    pictured = CaseIndex.from_bytes(with_thumbnails(index, files).to_bytes())
    assert [pictured.thumbnail(place) for place in range(12)] == [file or None for file in files]
    asked = generator.normal(size=6).astype(np.float32)
    for case in pictured.nearest(asked, 12):
        assert case.thumbnail == (files[int(case.case_id.removeprefix("case-").removesuffix(".jpeg"))] or None)
    assert CaseIndex.from_bytes(index.to_bytes()).thumbnail(3) is None
    assert np.array_equal(pictured.embeddings, index.embeddings)


@pytest.mark.parametrize("ends", [[1, 3, 2, 4], [1, 2, 3, 5]])
def test_ends_of_thumbnails_that_cannot_be_are_refused(ends):
    files = np.zeros(4, np.uint8)
    with pytest.raises(ValueError, match="ends"):
        replace(made(), thumbnail_files=files, thumbnail_ends=np.array(ends, np.uint32))
    with pytest.raises(ValueError, match="ends"):
        replace(made(), thumbnail_files=files)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY"])
def test_other_bytes_are_no_index(content):
    with pytest.raises(ValueError):
        CaseIndex.from_bytes(content)


def test_impossible_numbers_say_what_is_possible():
    for wrong in (lambda: made().nearest(np.ones(3, np.float32), 5), lambda: made(components=4)):
        with pytest.raises(UnusableOption):
            wrong()
