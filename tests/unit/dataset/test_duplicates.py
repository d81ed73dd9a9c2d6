import numpy as np
import pytest
from PIL import Image, ImageEnhance

from pneumoscope.dataset.duplicates import groups_of_equal, near_pairs
from pneumoscope.dataset.examination import SKETCH_PX, border_gray, cosine_basis, perceptual_hash, pixel_digest
from support.phantom import chest_phantom


def test_equal_digests_make_groups_of_two_and_more():
    assert groups_of_equal(["a", "b", "a", "c", "b", "a"]) == [[0, 2, 5], [1, 4]]


def sketch(picture):
    return np.asarray(picture.resize((SKETCH_PX, SKETCH_PX), Image.Resampling.BOX))


def different_pictures(count, generator):
    """Phantoms with blocks of their own, so that they are as unlike as different patients are."""
    for _ in range(count):
        gray = chest_phantom(160, 200, generator).astype(float)
        gray += np.kron(generator.normal(0, 25, (8, 10)), np.ones((20, 20)))
        yield Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8))


def recoded(picture, tmp_path):
    picture.save(tmp_path / "again.jpeg", quality=40)
    with Image.open(tmp_path / "again.jpeg") as again:
        return again.copy()


@pytest.mark.parametrize(
    "altered",
    [
        lambda picture, _: picture.resize((123, 101), Image.Resampling.BICUBIC),
        lambda picture, _: ImageEnhance.Brightness(picture).enhance(1.1),
        recoded,
    ],
    ids=["scaled", "brighter", "coded anew"],
)
def test_an_altered_copy_is_found_among_different_pictures_and_nothing_else(altered, tmp_path, generator):
    pictures = list(different_pictures(60, generator))
    pictures.append(altered(pictures[17], tmp_path))
    sketches = np.stack([sketch(picture) for picture in pictures])
    assert near_pairs(np.stack([perceptual_hash(one) for one in sketches]), sketches) == [(17, 60)]


def test_the_search_in_blocks_finds_pairs_of_far_apart_and_near_rows(generator):
    sketches = generator.integers(0, 256, (2100, SKETCH_PX, SKETCH_PX)).astype(np.uint8)
    for copy, original in ((1, 0), (1023, 5), (1024, 6), (2099, 7), (2050, 1500)):
        sketches[copy] = sketches[original]
    hashes = np.stack([perceptual_hash(one) for one in sketches])
    assert sorted(near_pairs(hashes, sketches)) == [(0, 1), (5, 1023), (6, 1024), (7, 2099), (1500, 2050)]


def test_flat_sketches_are_no_duplicates_of_each_other():
    sketches = np.stack([np.full((SKETCH_PX, SKETCH_PX), gray, np.uint8) for gray in (10, 200)])
    assert not near_pairs(np.stack([perceptual_hash(one) for one in sketches]), sketches)


def test_the_cosine_basis_is_that_of_scipy():
    from scipy.fft import dct

    expected = dct(np.eye(SKETCH_PX), axis=0)[1:9] / 2
    assert np.allclose(cosine_basis(), expected)


def test_the_digest_tells_pictures_of_the_same_bytes_but_another_shape_apart():
    gray = np.zeros((4, 6), np.uint8)
    assert pixel_digest(gray) != pixel_digest(gray.reshape(6, 4))
    assert pixel_digest(gray) == pixel_digest(gray.copy())


def test_the_border_is_the_mean_of_a_frame_a_sixteenth_wide():
    gray = np.full((32, 48), 200, np.uint8)
    gray[2:-2, 3:-3] = 0
    assert border_gray(gray) == 200
    gray[2:-2, 3:-3] = 255
    assert border_gray(gray) == 200
