from dataclasses import replace

import pytest
import torch

from pneumoscope.training.augmentation import augmented, with_other_sharpness
from pneumoscope.training.recipe import load_recipe

SETTINGS = load_recipe("efficientnet-lite0").augmentation
STILL = replace(
    SETTINGS,
    crop_area=(1.0, 1.0),
    crop_aspect=(1.0, 1.0),
    rotation_degrees=0.0,
    shear=0.0,
    flip_share=0.0,
    brightness=0.0,
    contrast=(1.0, 1.0),
    gamma=(1.0, 1.0),
    resolution_share=0.0,
    sharpness_share=0.0,
    noise_share=0.0,
    erased_corner_share=0.0,
)


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
