"""Pictures without upright lungs, made while training, so that a lung segmentation learns to find nothing in them.

Films turned on their side or upside down, films in inverted polarity, the parts of films beside the lungs, films cut into
shuffled tiles, and textures, blocks and pages that no X-ray made.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.training.augmentation import PictureBatch, uniform

KINDS = ("turned", "inverted", "beside-the-lungs", "shuffled", "drawn")
"""What a negative may be; they take turns."""

WINDOWS = 12
TILES = 4
PROBE_PX = 12


def with_negatives(
    pictures: PictureBatch, lung_masks: PictureBatch, *, share: float, generator: torch.Generator
) -> tuple[PictureBatch, PictureBatch]:
    """Turn the first `share` of a square batch into negatives, their masks likewise; the batch is in random order."""
    count = round(share * len(pictures))
    pictures, lung_masks = pictures.clone(), lung_masks.clone()
    first = int(torch.randint(len(KINDS), (1,), generator=generator, device=generator.device))
    for index in range(count):
        row = slice(index, index + 1)
        kind = KINDS[(first + index) % len(KINDS)]
        pictures[row], lung_masks[row] = negative(kind, pictures[row], lung_masks[row], generator=generator)
    return pictures, lung_masks


def negative(
    kind: str,
    picture: Float[Tensor, "1 1 rows columns"],
    mask: Float[Tensor, "1 1 rows columns"],
    *,
    generator: torch.Generator,
) -> tuple[Float[Tensor, "1 1 rows columns"], Float[Tensor, "1 1 rows columns"]]:
    """One picture of that kind, made from a film, and its mask: empty but for lung that a window could not avoid."""
    nothing = torch.zeros_like(mask)
    if kind == "turned":
        return torch.rot90(picture, number_below(3, generator) + 1, dims=(2, 3)), nothing
    if kind == "inverted":
        return 1 - picture, nothing
    if kind == "beside-the-lungs":
        return window_beside(picture, mask, generator=generator)
    if kind == "shuffled":
        return shuffled(picture, generator=generator), nothing
    return drawn(picture.shape[-1], generator=generator).to(picture), nothing


def window_beside(
    picture: Float[Tensor, "1 1 rows columns"], mask: Float[Tensor, "1 1 rows columns"], *, generator: torch.Generator
) -> tuple[Float[Tensor, "1 1 rows columns"], Float[Tensor, "1 1 rows columns"]]:
    """Of a few random windows, the one with the least lung in it, enlarged to the whole picture."""
    half = uniform(WINDOWS, 0.2, 0.45, generator=generator)
    x, y = (uniform(WINDOWS, -1, 1, generator=generator) * (1 - half) for _ in range(2))
    zero = torch.zeros_like(half)
    windows = torch.stack([torch.stack([half, zero, x], dim=1), torch.stack([zero, half, y], dim=1)], dim=1)
    probe = F.affine_grid(windows, [WINDOWS, 1, PROBE_PX, PROBE_PX], align_corners=False)
    lung = F.grid_sample(mask.expand(WINDOWS, -1, -1, -1), probe, align_corners=False).mean(dim=(1, 2, 3))
    chosen = windows[lung.argmin()].unsqueeze(0)
    grid = F.affine_grid(chosen, list(picture.shape), align_corners=False)
    enlarged = F.grid_sample(torch.cat([picture, mask], dim=1), grid, align_corners=False)
    return enlarged[:, :1], (enlarged[:, 1:] > 0.5).to(mask.dtype)


def shuffled(
    picture: Float[Tensor, "1 1 rows columns"], *, generator: torch.Generator
) -> Float[Tensor, "1 1 rows columns"]:
    """The film's tiles in random order."""
    side = picture.shape[-1] // TILES
    tiles = picture.reshape(TILES, side, TILES, side).permute(0, 2, 1, 3).reshape(TILES**2, side, side)
    order = torch.randperm(TILES**2, generator=generator, device=generator.device)
    together = tiles[order].reshape(TILES, TILES, side, side).permute(0, 2, 1, 3)
    return together.reshape(1, 1, TILES * side, TILES * side)


def drawn(size_px: int, *, generator: torch.Generator) -> Float[Tensor, "1 1 size_px size_px"]:
    """Clouds of all scales, blocks, a gradient, or lines as on a page, scaled to fill the gray levels at random."""
    kind = number_below(4, generator)
    if kind == 0:
        steepness = float(uniform(1, 0.0, 1.5, generator=generator))
        values = sum(
            noise(side, size_px, "bilinear", generator) / side**steepness for side in (3, 7, 14, 28, 56, 112, 224)
        )
    elif kind == 1:
        values = sum(noise(side, size_px, "nearest", generator) for side in (2, 3, 5 + number_below(12, generator)))
    elif kind == 2:
        values = noise(2, size_px, "bilinear", generator) + 0.02 * noise(size_px, size_px, "nearest", generator)
    else:
        lines = noise(28 + number_below(60, generator), size_px, "nearest", generator) > 0.3
        rows = torch.arange(size_px, device=generator.device) // (2 + number_below(6, generator)) % 2 == 0
        values = (lines & rows.reshape(1, 1, -1, 1)).float() * (2 * number_below(2, generator) - 1)
    values = torch.as_tensor(values)
    values = (values - values.amin()) / (values.amax() - values.amin() + 1e-6)
    low, high = sorted(float(value) for value in uniform(2, 0, 1, generator=generator))
    return low + (high - low) * values


def noise(side: int, size_px: int, mode: str, generator: torch.Generator) -> Float[Tensor, "1 1 size_px size_px"]:
    """Gaussian noise on a coarse grid, brought to `size_px`."""
    values = torch.randn(1, 1, side, side, generator=generator, device=generator.device)
    return F.interpolate(values, size=(size_px, size_px), mode=mode)


def number_below(limit: int, generator: torch.Generator) -> int:
    """A random whole number from 0."""
    return int(torch.randint(limit, (1,), generator=generator, device=generator.device))
