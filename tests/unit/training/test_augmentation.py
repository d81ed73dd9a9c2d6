import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from pneumoscope.errors import UnusableRecipe
from pneumoscope.training.augmentation import (
    augmented,
    laplacian_deviation,
    random_geometry,
    with_jpeg_artifacts,
    with_mixed_spectrum,
    with_other_sharpness,
    with_target_sharpness,
)
from pneumoscope.training.recipe_file import load_recipe
from support.still_augmentation import still

SETTINGS = load_recipe("efficientnet-lite0").augmentation
STILL = still(SETTINGS)


@pytest.fixture
def pictures():
    return torch.rand(6, 1, 64, 64, generator=torch.Generator().manual_seed(3))


def seeded(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def test_the_same_seed_gives_the_same_pictures_and_another_others(pictures):
    first, again, other = (
        augmented(pictures, pictures, SETTINGS, size_px=64, generator=seeded(seed))[0] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_with_every_step_off_the_pictures_stay(pictures):
    found, _ = augmented(pictures, pictures, STILL, size_px=64, generator=seeded(1))
    assert torch.allclose(found, pictures, atol=2e-4)


def test_looks_share_their_geometry_and_no_other_step(pictures):
    moving = replace(STILL, crop_area=(0.3, 0.6), rotation_degrees=15.0, flip_share=0.5)
    found, masks = augmented(pictures, pictures, moving, size_px=64, generator=seeded(1), looks=3)
    once, mask = augmented(pictures, pictures, moving, size_px=64, generator=seeded(1))
    assert torch.equal(found, once.repeat_interleave(3, dim=0))
    assert torch.equal(masks, mask.repeat_interleave(3, dim=0))
    noisy, masks = augmented(
        pictures, pictures, replace(moving, noise=0.1, noise_share=1.0), size_px=64, generator=seeded(1), looks=3
    )
    assert torch.equal(masks, mask.repeat_interleave(3, dim=0))
    looks = noisy.reshape(6, 3, -1)
    assert all((looks[:, one] != looks[:, other]).any(dim=1).all() for one, other in [(0, 1), (0, 2), (1, 2)])


def test_a_flip_turns_picture_and_mask_alike(pictures):
    masks = (pictures > 0.5).float()
    found, moved = augmented(pictures, masks, replace(STILL, flip_share=1.0), size_px=64, generator=seeded(1))
    assert torch.allclose(found, pictures.flip(3), atol=2e-4)
    assert torch.equal(moved, masks.flip(3))


def test_geometry_moves_picture_and_mask_together():
    bright = torch.zeros(8, 1, 64, 64)
    bright[:, :, 20:44, 10:30] = 1
    settings = replace(STILL, crop_area=(0.5, 1.0), rotation_degrees=15.0, flip_share=0.5)
    found, moved = augmented(bright, bright, settings, size_px=64, generator=seeded(4))
    assert ((found > 0.5).float() != moved).float().mean() < 0.01


def test_values_stay_in_0_and_1(pictures):
    found, masks = augmented(pictures, pictures, SETTINGS, size_px=96, generator=seeded(5))
    assert found.shape == (6, 1, 96, 96)
    assert 0 <= found.min() <= found.max() <= 1
    assert set(masks.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(("amount", "comparison"), [(-1.0, "less"), (2.0, "more")])
def test_negative_sharpness_blurs_and_positive_sharpens(pictures, amount, comparison):
    settings = replace(STILL, sharpness=(amount, amount), sharpness_share=1.0)
    found = with_other_sharpness(pictures, settings, generator=seeded(1))
    rougher = found.diff(dim=3).abs().mean() > pictures.diff(dim=3).abs().mean()
    assert rougher.item() == (comparison == "more")
    assert found.mean().item() == pytest.approx(pictures.mean().item(), abs=0.02)


def bright_box(count: int) -> torch.Tensor:
    """16 px wide and high, in the middle of 64."""
    pictures = torch.zeros(count, 1, 64, 64)
    pictures[:, :, 24:40, 24:40] = 1
    return pictures


def width_and_height_px(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return pictures.sum(dim=3).amax(dim=(1, 2)), pictures.sum(dim=2).amax(dim=(1, 2))


def test_a_zoom_below_1_sees_less_and_so_shows_it_larger():
    found, masks = augmented(
        bright_box(2), bright_box(2), replace(STILL, zoom=(0.5, 0.5)), size_px=64, generator=seeded(1)
    )
    for side in (*width_and_height_px(found), *width_and_height_px(masks)):
        assert side.tolist() == pytest.approx([32, 32], abs=0.6)


def test_each_axis_zooms_by_its_own_factor_within_the_range():
    found, _ = augmented(
        bright_box(40), bright_box(40), replace(STILL, zoom=(0.8, 1.25)), size_px=64, generator=seeded(1)
    )
    width, height = width_and_height_px(found)
    for side in (width, height):
        assert side.min() >= 16 / 1.25 - 0.5
        assert side.max() <= 16 / 0.8 + 0.5
        assert side.max() - side.min() > 4
    assert (width - height).abs().max() > 3


def test_a_shift_moves_by_up_to_its_share_of_the_picture_in_either_direction():
    found, masks = augmented(
        bright_box(60), bright_box(60), replace(STILL, shift=0.25), size_px=64, generator=seeded(1)
    )
    places = torch.arange(64) + 0.5
    moved_x, moved_y = ((found.sum(dim=(1, axis)) * places).sum(dim=1) / 256 - 32 for axis in (2, 3))
    for moved in (moved_x, moved_y):
        assert moved.abs().max() <= 16.1
        assert moved.min() < -12
        assert moved.max() > 12
    assert (moved_x - moved_y).abs().max() > 5
    assert ((found > 0.5).float() != masks).float().mean() < 0.01


@pytest.mark.parametrize(("outside", "darkest"), [("black", 0.0), ("edge", 0.5)])
def test_beyond_the_edge_is_black_or_what_the_edge_is(outside, darkest):
    gray = torch.full((20, 1, 64, 64), 0.5)
    settings = replace(STILL, shift=0.2, outside=outside)
    found, _ = augmented(gray, gray, settings, size_px=64, generator=seeded(1))
    assert found.amin(dim=(1, 2, 3)).max().item() == pytest.approx(darkest, abs=1e-4)
    assert found.max().item() == pytest.approx(0.5, abs=1e-4)


def test_zoom_and_shift_draw_nothing_while_they_are_off():
    used, expected = seeded(1), seeded(1)
    random_geometry(6, STILL, size_px=64, generator=used)
    for _ in ("area", "aspect", "angle", "shear", "shift_x", "shift_y", "flip"):
        torch.rand(6, generator=expected)
    assert torch.equal(used.get_state(), expected.get_state())


def test_a_sharp_picture_comes_down_to_the_sharpness_asked_for_and_a_blurred_one_up_towards_it():
    sharp = torch.rand(4, 1, 64, 64, generator=seeded(3)) * 0.2 + 0.4
    soft = replace(STILL, sharpness=(-1.0, -1.0), sharpness_share=1.0)
    blurred = with_other_sharpness(sharp, soft, generator=seeded(4))
    settings = replace(STILL, sharpness_target_share=1.0, sharpness_target=(0.1, 0.1))
    before = laplacian_deviation(torch.cat([sharp, blurred]))
    after = laplacian_deviation(with_target_sharpness(torch.cat([sharp, blurred]), settings, generator=seeded(5)))
    assert before[:4].min() > 0.2
    assert after[:4].tolist() == pytest.approx([0.1] * 4, rel=0.2)
    assert (after[4:] > before[4:]).all()
    assert after[4:].max() <= 0.11


def test_laplacian_deviation_is_0_on_a_slope_and_that_of_the_kernel_around_a_dot():
    slope = torch.linspace(0, 1, 8).expand(1, 1, 8, 8)
    dot = torch.zeros(1, 1, 5, 5)
    dot[0, 0, 2, 2] = 1
    kernel = torch.tensor([0.0, 1, 0, 1, -4, 1, 0, 1, 0])
    assert laplacian_deviation(slope).item() == pytest.approx(0, abs=1e-6)
    assert laplacian_deviation(dot).item() == pytest.approx(kernel.std().item())


def test_a_mixed_spectrum_keeps_phases_and_takes_amplitudes_of_the_batch(pictures):
    found = with_mixed_spectrum(pictures, 1.0, generator=seeded(6))
    own, mixed = torch.fft.rfft2(pictures.double()), torch.fft.rfft2(found.double())
    inner = (slice(None), slice(None), slice(1, 20), slice(1, 20))  # those at the edge are real: phases are signs
    turned = torch.angle(mixed[inner] / own[inner]).abs()
    assert turned.median() < 1e-3
    low, high = own.abs().amin(dim=0), own.abs().amax(dim=0)
    assert (mixed.abs() >= low - 1e-3).all()
    assert (mixed.abs() <= high + 1e-3).all()
    assert not torch.allclose(found, pictures, atol=0.01)


def test_a_spectrum_that_is_not_mixed_draws_nothing_from_the_generator(pictures):
    generator = seeded(7)
    assert with_mixed_spectrum(pictures, 0.0, generator=generator) is pictures
    assert with_target_sharpness(pictures, STILL, generator=generator) is pictures
    assert torch.equal(generator.get_state(), seeded(7).get_state())


def test_jpeg_leaves_what_pillow_makes_of_the_coded_picture(pictures):
    settings = replace(STILL, jpeg_share=1.0, jpeg_quality=(30, 30))
    found = with_jpeg_artifacts(pictures, settings, generator=seeded(1))
    for coded, picture in zip(found, pictures, strict=True):
        buffer = io.BytesIO()
        Image.fromarray((picture[0] * 255).round().byte().numpy()).save(buffer, format="JPEG", quality=30)
        assert torch.equal((coded[0] * 255).round().byte(), torch.from_numpy(np.array(Image.open(buffer))))


def test_the_lower_the_quality_the_more_jpeg_changes(pictures):
    def change(quality: int) -> float:
        settings = replace(STILL, jpeg_share=1.0, jpeg_quality=(quality, quality))
        return float((with_jpeg_artifacts(pictures, settings, generator=seeded(1)) - pictures).abs().mean())

    assert change(20) > change(60) > change(95) > 0


def test_jpeg_changes_a_share_of_the_pictures_and_leaves_the_batch_that_it_was_given():
    many = torch.rand(200, 1, 16, 16, generator=seeded(4))
    kept = many.clone()
    found = with_jpeg_artifacts(many, replace(STILL, jpeg_share=0.3, jpeg_quality=(20, 60)), generator=seeded(2))
    changed = (found != many).flatten(1).any(dim=1)
    assert 0.2 < float(changed.float().mean()) < 0.4
    assert torch.equal(many, kept)


def test_without_jpeg_nothing_is_drawn_from_the_source_of_chance(pictures):
    generator = seeded(5)
    assert with_jpeg_artifacts(pictures, replace(STILL, jpeg_share=0.0), generator=generator) is pictures
    assert torch.equal(generator.get_state(), seeded(5).get_state())


@pytest.mark.parametrize("quality", [(0, 50), (50, 96)])
def test_a_quality_that_jpeg_does_not_have_is_refused(quality):
    recipe = load_recipe("efficientnet-lite0")
    with pytest.raises(UnusableRecipe, match="jpeg_quality must be in"):
        replace(recipe, augmentation=replace(recipe.augmentation, jpeg_quality=quality))
