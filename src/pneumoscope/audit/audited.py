"""What an audit asks a bundle about: the radiographs of one split of a manifest, and those of `train`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumoscope.audit.lungs import LungMasks
from pneumoscope.dataset.cues import OriginalSizes
from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, manifest_csv
from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.metrics import both_classes


@dataclass(frozen=True, slots=True)
class Audited:
    """What is audited: `rows` of one split, the rows of `train` that cues are fitted on, and where their files lie."""

    data: Path
    split: Split
    rows: tuple[ManifestRow, ...]
    training: tuple[ManifestRow, ...]
    original_sizes: OriginalSizes | None
    lung_masks: LungMasks | None

    @classmethod
    def of(
        cls,
        manifest: Sequence[ManifestRow],
        split: Split,
        data: Path,
        *,
        original_sizes: OriginalSizes | None = None,
        lung_masks: LungMasks | None = None,
    ) -> Audited:
        """One split of a manifest, of one class only or of both; `UnusableData` where it is empty."""
        rows = in_split(manifest, split)
        if not rows:
            raise UnusableData(
                "split-empty",
                f"There are no rows of the split {split}.",
                remedy="Choose another --split; validation rows are in the manifest.csv of a run folder.",
            )
        return cls(data, split, tuple(rows), tuple(in_split(manifest, Split.TRAIN)), original_sizes, lung_masks)

    def with_both_classes(self) -> Audited:
        """Itself; `UnusableData` where it holds radiographs of one class only."""
        both_classes(np.array([row.has_finding for row in self.rows]))
        return self

    @property
    def record(self) -> dict[str, Any]:
        """Which radiographs these are, and how many, for the record of an audit."""
        return {
            "data": self.data.resolve().name,
            "split": self.split,
            "radiographs": len(self.rows),
            "patients": len({row.patient for row in self.rows}),
            "with_finding": sum(row.has_finding for row in self.rows),
            "rows_sha256": hashlib.sha256(manifest_csv(self.rows).encode()).hexdigest(),
        }
