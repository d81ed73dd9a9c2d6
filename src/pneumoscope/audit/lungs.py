"""Where the lungs are, and pictures without them or with nothing but them (DeGrave 2021, doi:10.1038/s42256-021-00338-7)."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from pneumoscope.arrays import GrayPicture, LungMask
from pneumoscope.bundle.bundle import Bundle
from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.dataset.pictures import LUNG
from pneumoscope.errors import UnusableData
from pneumoscope.inference.lungs import LungSegmenter

FILLS = ("black", "mean")


@runtime_checkable
class LungMasks(Protocol):
    """Says where the lungs of a radiograph are: a folder of masks, or a segmentation that estimates them.

    Called from several threads at once.
    """

    @property
    def description(self) -> str:
        """Where the masks come from, for the record."""
        ...

    def mask_of(self, row: ManifestRow, gray: GrayPicture) -> LungMask | None:
        """True where a lung is, on the grid of `gray`; None where the lungs of this radiograph are not known."""
        ...


class MaskFolder:
    """Masks drawn by people: pictures of the radiographs' names with the suffix `.png`, 255 where a lung is."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UnusableData(
                "masks-not-found",
                f"There is no folder {folder} with lung masks.",
                remedy="Point --lung-masks at a folder that holds SPLIT/LABEL/NAME.png, or leave it away.",
            )
        self.folder = folder

    @property
    def description(self) -> str:
        return f"given, folder {self.folder.resolve().name}"

    def mask_of(self, row: ManifestRow, gray: GrayPicture) -> LungMask | None:
        """The mask at its own resolution, sampled to the radiograph's; None where there is no file or no lung in it."""
        path = (self.folder / row.path).with_suffix(".png")
        if not path.is_file():
            return None
        try:
            with Image.open(path) as picture:
                lungs = picture.convert("L").point(lambda level: LUNG if level == LUNG else 0)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise UnusableData(
                "mask-unreadable",
                f"{path} is not a mask that can be read.",
                remedy="Save it again as PNG (255 is lung), or take it out of the folder.",
            ) from error
        size = (gray.shape[1], gray.shape[0])
        sampled = lungs if lungs.size == size else lungs.resize(size, Image.Resampling.NEAREST)
        mask: LungMask = np.asarray(sampled) == LUNG
        return mask if mask.any() and not mask.all() else None


class EstimatedMasks:
    """Masks as the bundle's own lung segmentation estimates them; `UnusableBundle` where it has none."""

    def __init__(self, bundle: Bundle) -> None:
        self.segmenter = LungSegmenter(bundle)

    @property
    def description(self) -> str:
        return "estimated by the bundle's lung segmentation"

    def mask_of(self, row: ManifestRow, gray: GrayPicture) -> LungMask | None:
        """The estimate, sampled to the radiograph's grid; None where no lungs are found."""
        found = Image.fromarray(self.segmenter.mask(gray).astype(np.uint8) * LUNG)
        sampled = found.resize((gray.shape[1], gray.shape[0]), Image.Resampling.NEAREST)
        mask: LungMask = np.asarray(sampled) == LUNG
        return mask if mask.any() and not mask.all() else None


def filled(gray: GrayPicture, region: LungMask, fill: str) -> GrayPicture:
    """The picture with `region` covered: `black`, or the picture's `mean`."""
    level = {"black": 0, "mean": round(float(gray.mean()))}[fill]
    covered = gray.copy()
    covered[region] = level
    return covered
