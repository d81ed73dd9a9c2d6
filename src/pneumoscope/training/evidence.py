"""What makes the lungs decide: a penalty on evidence outside them, and pictures whose evidence was taken away.

Guidance: right for the right reasons (Ross 2017, arXiv:1703.03717), on the class activation map instead of the input
gradient. Removal: with the lungs gone the right answer is the prior; with their surroundings gone the answer stays.

Cross-entropy alone lets the faintest rest of an answer stand where the lungs are gone: near the prior it hardly pulls,
and a ranking hears a whisper as well as a shout. A penalty on the logit's absolute value pulls as strongly however small
it is.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own idiom

from pneumoscope.training.augmentation import PictureBatch, chosen, uniform


class RemovedEvidence(NamedTuple):
    """Pictures after removal, and which of them have lost their lungs."""

    pictures: PictureBatch
    lungs_gone: Bool[Tensor, " batch"]
    surroundings_gone: Bool[Tensor, " batch"]


def with_evidence_removed(
    pictures: PictureBatch,
    lung_masks: PictureBatch,
    *,
    lungs_share: float,
    surroundings_share: float,
    removal_margin: float,
    joined_windows: float,
    generator: torch.Generator,
) -> RemovedEvidence:
    """Fill the lungs, or everything but the lungs, of a random share of the pictures that have a mask.

    Half of the pictures are filled up to the mask's own outline, the others up to one grown by a random margin (at most
    `removal_margin` of the side). A third of the pictures that lose their lungs lose another picture's lung region with
    them, and `joined_windows` is the share of those that lose their surroundings which keep it, so that the outline itself
    is no evidence.
    """
    count = len(pictures)
    has_mask = with_lungs(lung_masks)
    draw = torch.rand(count, generator=generator, device=generator.device)
    lungs_gone = (draw < lungs_share) & has_mask
    surroundings_gone = (draw >= lungs_share) & (draw < lungs_share + surroundings_share) & has_mask
    if not bool((lungs_gone | surroundings_gone).any()):
        return RemovedEvidence(pictures, lungs_gone, surroundings_gone)
    widest = max(1, round(removal_margin * pictures.shape[-1]))
    radius = int(torch.randint(1, 1 + widest, (1,), generator=generator, device=generator.device))
    widened = chosen(count, 1 / 2, generator=generator).bool().reshape(-1, 1, 1, 1)
    lungs = torch.where(widened, grown(lung_masks, radius), lung_masks)
    order = torch.randperm(count, generator=generator, device=generator.device)
    others = torch.maximum(lungs, lungs[order])
    draw = torch.rand(count, generator=generator, device=generator.device)
    joined = draw < torch.where(lungs_gone, 1 / 3, joined_windows)
    region = torch.where(joined.reshape(-1, 1, 1, 1), others, lungs)
    hidden = torch.where(lungs_gone.reshape(-1, 1, 1, 1), region, 1 - region)
    hidden = hidden * (lungs_gone | surroundings_gone).reshape(-1, 1, 1, 1)
    fill = random_fill(pictures, generator=generator)
    return RemovedEvidence(torch.where(hidden > 0.5, fill, pictures), lungs_gone, surroundings_gone)


def random_fill(pictures: PictureBatch, *, generator: torch.Generator) -> PictureBatch:
    """Black, the picture's mean, a random gray, or a random gray with noise, each for a quarter of the pictures."""
    count = len(pictures)
    kind = torch.randint(0, 4, (count,), generator=generator, device=generator.device).reshape(-1, 1, 1, 1)
    gray = uniform(count, 0, 1, generator=generator).reshape(-1, 1, 1, 1).expand_as(pictures)
    noise = gray + torch.randn(pictures.shape, generator=generator, device=generator.device) * 0.15
    mean = pictures.mean(dim=(2, 3), keepdim=True).expand_as(pictures)
    fill = torch.where(kind == 0, torch.zeros_like(pictures), torch.where(kind == 1, mean, gray))
    return torch.where(kind == 3, noise, fill).clamp(0, 1)


class EvidenceOutside(NamedTuple):
    """Shares of each picture's evidence for and against pneumonia that lie outside its lungs; 0 where it has no mask."""

    in_favour: Float[Tensor, " batch"]
    against: Float[Tensor, " batch"]


def evidence_outside_lungs(
    saliency_map: Float[Tensor, "batch map_rows map_columns"], lung_masks: PictureBatch
) -> EvidenceOutside:
    """What lies outside the slightly grown lungs.

    One logit of evidence is added to the denominators, so that a map with next to no evidence is not pushed.
    """
    rows, columns = saliency_map.shape[1:]
    lungs = grown(lung_masks, max(1, lung_masks.shape[-1] // 40))
    outside = 1 - F.interpolate(lungs, size=(rows, columns), mode="area").squeeze(1)
    known = with_lungs(lung_masks).to(saliency_map.dtype)

    def share_outside(evidence: Float[Tensor, "batch map_rows map_columns"]) -> Float[Tensor, " batch"]:
        return known * (evidence * outside).sum(dim=(1, 2)) / (evidence.sum(dim=(1, 2)) + 1)

    return EvidenceOutside(share_outside(F.relu(saliency_map)), share_outside(F.relu(-saliency_map)))


def with_lungs(lung_masks: PictureBatch) -> Bool[Tensor, " batch"]:
    """Which pictures have a lung mask; a sliver that a crop left over is none."""
    return lung_masks.mean(dim=(1, 2, 3)) > 0.02


def grown(lung_masks: PictureBatch, radius_px: int) -> PictureBatch:
    """The masks widened by `radius_px` on every side; rows and columns one after the other, which is the same and faster."""
    wide = F.max_pool2d(lung_masks, (1, 2 * radius_px + 1), stride=1, padding=(0, radius_px))
    return F.max_pool2d(wide, (2 * radius_px + 1, 1), stride=1, padding=(radius_px, 0))
