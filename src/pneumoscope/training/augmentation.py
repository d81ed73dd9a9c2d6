"""Random steps of training, on whole batches: geometry in one resampling, then contrast, resolution, sharpness, noise, JPEG.

Each batch draws from the generator it is given, on its device, so that a batch is a function of (seed, step) and a
resumed run sees the same pictures.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.audit.perturbations import coded_as_jpeg
from pneumoscope.training.recipe import Augmentation

PictureBatch = Float[Tensor, "batch 1 rows columns"]


def augmented(
    pictures: PictureBatch,
    lung_masks: PictureBatch,
    settings: Augmentation,
    *,
    size_px: int,
    generator: torch.Generator,
    looks: int = 1,
) -> tuple[Float[Tensor, "looked_at 1 size_px size_px"], Float[Tensor, "looked_at 1 size_px size_px"]]:
    """Pictures (gray in [0, 1]) and their masks after the same random geometry, at `size_px`.

    Each comes `looks` times, one after the other: the same geometry, and every other step drawn anew.
    """
    grid = random_geometry(len(pictures), settings, size_px=size_px, generator=generator)
    padding = "border" if settings.outside == "edge" else "zeros"
    moved = F.grid_sample(torch.cat([pictures, lung_masks], dim=1), grid, padding_mode=padding, align_corners=False)
    moved = moved.repeat_interleave(looks, dim=0)
    pictures, lung_masks = moved[:, :1], moved[:, 1:]
    pictures = with_erased_corners(pictures, settings.erased_corner_share, generator=generator)
    pictures = with_other_contrast(pictures, settings, generator=generator)
    pictures = with_mixed_spectrum(pictures, settings.spectrum_mix_share, generator=generator)
    pictures = with_other_resolution(pictures, settings, generator=generator)
    pictures = with_other_sharpness(pictures, settings, generator=generator)
    pictures = with_target_sharpness(pictures, settings, generator=generator)
    pictures = with_noise(pictures, settings, generator=generator)
    pictures = with_jpeg_artifacts(pictures, settings, generator=generator)
    return pictures.clamp(0, 1), (lung_masks > 0.5).to(pictures.dtype)


def random_geometry(
    count: int, settings: Augmentation, *, size_px: int, generator: torch.Generator
) -> Float[Tensor, "batch size_px size_px 2"]:
    """Sampling grid of a random resized crop, zoom, shift, rotation, shear and flip, as one affine map per picture."""
    area = uniform(count, *settings.crop_area, generator=generator)
    low, high = (math.log(value) for value in settings.crop_aspect)
    aspect = uniform(count, low, high, generator=generator).exp()
    width = (area * aspect).sqrt().clamp(max=1)
    height = (area / aspect).sqrt().clamp(max=1)
    angle = uniform(count, -1, 1, generator=generator) * math.radians(settings.rotation_degrees)
    shear = uniform(count, -settings.shear, settings.shear, generator=generator)
    shift_x = uniform(count, -1, 1, generator=generator) * (1 - width)
    shift_y = uniform(count, -1, 1, generator=generator) * (1 - height)
    flip = 1 - 2 * chosen(count, settings.flip_share, generator=generator)
    if settings.zoom != (1.0, 1.0):
        width, height = (side * uniform(count, *settings.zoom, generator=generator) for side in (width, height))
    if settings.shift:
        shift_x, shift_y = (
            side + 2 * uniform(count, -settings.shift, settings.shift, generator=generator)
            for side in (shift_x, shift_y)
        )
    cosine, sine = angle.cos(), angle.sin()
    affine = torch.stack(
        [
            torch.stack([flip * width * cosine, -height * sine + shear * height, shift_x], dim=1),
            torch.stack([flip * width * sine, height * cosine, shift_y], dim=1),
        ],
        dim=1,
    )
    return F.affine_grid(affine, [count, 1, size_px, size_px], align_corners=False)


def with_erased_corners(pictures: PictureBatch, share: float, *, generator: torch.Generator) -> PictureBatch:
    """Cover a random rectangle at a random corner, where letter markers are, with a random gray."""
    count, _, rows, columns = pictures.shape
    y = torch.arange(rows, device=pictures.device).reshape(1, -1, 1) / rows
    x = torch.arange(columns, device=pictures.device).reshape(1, 1, -1) / columns
    from_bottom, from_right = (chosen(count, 0.5, generator=generator).reshape(-1, 1, 1) for _ in range(2))
    height, width = (uniform(count, 0.05, 0.25, generator=generator).reshape(-1, 1, 1) for _ in range(2))
    covered = ((y - from_bottom).abs() < height) & ((x - from_right).abs() < width)
    covered &= chosen(count, share, generator=generator).bool().reshape(-1, 1, 1)
    gray = uniform(count, 0, 1, generator=generator).reshape(-1, 1, 1, 1)
    return torch.where(covered.unsqueeze(1), gray, pictures)


def with_other_contrast(pictures: PictureBatch, settings: Augmentation, *, generator: torch.Generator) -> PictureBatch:
    """Gamma, contrast around the picture's own mean, and brightness."""
    count = len(pictures)
    low, high = (math.log(value) for value in settings.gamma)
    gamma = uniform(count, low, high, generator=generator).exp().reshape(-1, 1, 1, 1)
    low, high = (math.log(value) for value in settings.contrast)
    contrast = uniform(count, low, high, generator=generator).exp().reshape(-1, 1, 1, 1)
    brightness = uniform(count, -1, 1, generator=generator).reshape(-1, 1, 1, 1) * settings.brightness
    pictures = pictures.clamp(1e-4, 1).pow(gamma)
    mean = pictures.mean(dim=(2, 3), keepdim=True)
    return (pictures - mean) * contrast + mean + brightness


def with_other_resolution(
    pictures: PictureBatch, settings: Augmentation, *, generator: torch.Generator
) -> PictureBatch:
    """Some pictures go through a coarser grid and back, as an old detector or a small copy would show them."""
    share = settings.resolution_share
    coarse = chosen(len(pictures), share, generator=generator).bool()
    low, high = settings.resolution_px
    size_px = int(torch.randint(low, high + 1, (1,), generator=generator, device=generator.device))
    if not coarse.any() or size_px >= pictures.shape[-1]:
        return pictures
    small = F.interpolate(pictures[coarse], size=(size_px, size_px), mode="bilinear", antialias=True)
    pictures = pictures.clone()
    pictures[coarse] = F.interpolate(small, size=pictures.shape[-2:], mode="bicubic")
    return pictures


def with_other_sharpness(pictures: PictureBatch, settings: Augmentation, *, generator: torch.Generator) -> PictureBatch:
    """Mix each picture with its blurred copy: amount -1 is the blurred copy, positive amounts sharpen (unsharp mask)."""
    count = len(pictures)
    amount = uniform(count, *settings.sharpness, generator=generator) * chosen(
        count, settings.sharpness_share, generator=generator
    )
    return pictures + amount.reshape(-1, 1, 1, 1) * fine_detail(pictures, generator=generator)


def with_target_sharpness(
    pictures: PictureBatch, settings: Augmentation, *, generator: torch.Generator
) -> PictureBatch:
    """Blur or sharpen towards a random sharpness, drawn whatever the picture's own, so that it tells nothing.

    Sharpness is the standard deviation of the Laplacian of gray values in [0, 1].
    """
    if not settings.sharpness_target_share:
        return pictures
    count = len(pictures)
    detail = fine_detail(pictures, generator=generator)
    low, high = (math.log(value) for value in settings.sharpness_target)
    target = uniform(count, low, high, generator=generator).exp()
    amount = ((target - laplacian_deviation(pictures)) / laplacian_deviation(detail).clamp(min=1e-4)).clamp(-1, 5)
    amount = amount * chosen(count, settings.sharpness_target_share, generator=generator)
    return pictures + amount.reshape(-1, 1, 1, 1) * detail


def with_mixed_spectrum(pictures: PictureBatch, share: float, *, generator: torch.Generator) -> PictureBatch:
    """Draw each picture's Fourier amplitudes towards another's of the batch, by a random share; phases stay.

    Amplitudes hold sharpness, contrast and texture, phases where things are (Xu 2021, arXiv:2105.11120).
    """
    if not share:
        return pictures
    count = len(pictures)
    other = torch.randperm(count, generator=generator, device=generator.device)
    weight = uniform(count, 0, 1, generator=generator).reshape(-1, 1, 1, 1)
    mixed = chosen(count, share, generator=generator).bool()
    own, others = (torch.fft.rfft2(part) for part in (pictures[mixed], pictures[other][mixed]))
    amplitude = own.abs()
    drawn = torch.lerp(amplitude, others.abs(), weight[mixed]) / amplitude.clamp(min=1e-6)
    pictures = pictures.clone()
    pictures[mixed] = torch.fft.irfft2(own * drawn, s=pictures.shape[-2:])
    return pictures


def fine_detail(pictures: PictureBatch, *, generator: torch.Generator) -> PictureBatch:
    """What a Gaussian blur of a random 0.5 to 2 px (standard deviation) takes away."""
    count = len(pictures)
    sigma = uniform(count, 0.5, 2.0, generator=generator)
    offsets = torch.arange(-4, 5, device=pictures.device)
    kernel = torch.exp(-0.5 * (offsets / sigma.unsqueeze(1)) ** 2)
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    flat = pictures.squeeze(1).unsqueeze(0)
    blurred = F.conv2d(F.pad(flat, (4, 4, 0, 0), mode="replicate"), kernel.reshape(count, 1, 1, 9), groups=count)
    blurred = F.conv2d(F.pad(blurred, (0, 0, 4, 4), mode="replicate"), kernel.reshape(count, 1, 9, 1), groups=count)
    return pictures - blurred.squeeze(0).unsqueeze(1)


def laplacian_deviation(pictures: PictureBatch) -> Float[Tensor, " batch"]:
    """Standard deviation of the 4-neighbour Laplacian of each picture's inner pixels."""
    inner = -4 * pictures[..., 1:-1, 1:-1]
    inner = (
        inner + pictures[..., :-2, 1:-1] + pictures[..., 2:, 1:-1] + pictures[..., 1:-1, :-2] + pictures[..., 1:-1, 2:]
    )
    return inner.std(dim=(1, 2, 3))


def with_noise(pictures: PictureBatch, settings: Augmentation, *, generator: torch.Generator) -> PictureBatch:
    """Gaussian noise of a random strength on a random share of the pictures."""
    scale = uniform(len(pictures), 0, settings.noise, generator=generator)
    scale = scale * chosen(len(pictures), settings.noise_share, generator=generator)
    noise = torch.randn(pictures.shape, generator=generator, device=generator.device)
    return pictures + noise * scale.reshape(-1, 1, 1, 1)


def with_jpeg_artifacts(pictures: PictureBatch, settings: Augmentation, *, generator: torch.Generator) -> PictureBatch:
    """Code some pictures as JPEG of a random quality and decode them, so that the marks of coding are no texture of lungs."""
    if not settings.jpeg_share:
        return pictures
    coded = chosen(len(pictures), settings.jpeg_share, generator=generator).bool()
    low, high = settings.jpeg_quality
    quality = torch.randint(low, high + 1, (len(pictures),), generator=generator, device=generator.device)
    pictures = pictures.clone()
    for place in coded.nonzero().flatten().tolist():
        gray = (pictures[place, 0].clamp(0, 1) * 255).round().byte().cpu().numpy()
        decoded = coded_as_jpeg(int(quality[place]))(gray, 0)
        pictures[place, 0] = torch.from_numpy(np.array(decoded)).to(pictures) / 255
    return pictures


def uniform(count: int, low: float, high: float, *, generator: torch.Generator) -> Float[Tensor, " batch"]:
    """One random number a picture, in [low, high)."""
    return torch.rand(count, generator=generator, device=generator.device) * (high - low) + low


def chosen(count: int, share: float, *, generator: torch.Generator) -> Float[Tensor, " batch"]:
    """1 for a random `share` of the pictures, 0 for the rest."""
    return (torch.rand(count, generator=generator, device=generator.device) < share).float()
