"""What a file of scores was made from (`scores.origin.json` beside `scores.csv`), so that scores of two models never mix."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.errors import UnusableData


@dataclass(frozen=True, slots=True)
class BundleIdentity:
    """By the model's checksum, since the card changes when metrics are written into it."""

    name: str
    version: str
    model_sha256: str

    @classmethod
    def of(cls, bundle: Bundle) -> BundleIdentity:
        return cls(bundle.card.name, bundle.card.version, hashlib.sha256(bundle.model).hexdigest())


@dataclass(frozen=True, slots=True)
class ScoreOrigin:
    """`slope` and `intercept` are of the calibration that made probabilities of the logits."""

    bundle: BundleIdentity
    slope: float
    intercept: float
    data: str
    split: str | None
    manifest_sha256: str | None
    sizes_sha256: str | None
    made: str

    @classmethod
    def of(
        cls, bundle: Bundle, data: Path, *, split: str | None, manifest: Path | None, sizes: Path | None
    ) -> ScoreOrigin:
        calibration = bundle.card.calibration
        return cls(
            bundle=BundleIdentity.of(bundle),
            slope=calibration.slope,
            intercept=calibration.intercept,
            data=data.resolve().name,
            split=split,
            manifest_sha256=sha256_of(manifest),
            sizes_sha256=sha256_of(sizes),
            made=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def recalibrated(self, bundle: Bundle) -> ScoreOrigin:
        """The same logits, with probabilities by the calibration of this bundle's card."""
        calibration = bundle.card.calibration
        return replace(self, slope=calibration.slope, intercept=calibration.intercept)

    def same_as(self, other: ScoreOrigin) -> bool:
        """Whether both give the same scores; when, and what the folder is called, does not matter."""
        return self == replace(other, made=self.made, data=self.data)

    def to_json(self) -> bytes:
        return (json.dumps(asdict(self), indent=1) + "\n").encode()


def sha256_of(file: Path | None) -> str | None:
    """Of a file's content."""
    return None if file is None else hashlib.sha256(file.read_bytes()).hexdigest()


def read_origin(path: Path) -> ScoreOrigin | None:
    """None where there is no such file; `UnusableData` where it is not what was written."""
    try:
        content = json.loads(path.read_bytes())
        return ScoreOrigin(**{**content, "bundle": BundleIdentity(**content["bundle"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UnusableData(
            "origin-unreadable",
            f"{path} does not say what the scores beside it were made from.",
            remedy="Delete it, if the scores are yours; they are then taken as those of an unknown model.",
        ) from error


def origin_beside(scores: Path) -> ScoreOrigin | None:
    """What the finished scores in this file were made from, where that is known."""
    return read_origin(scores.with_suffix(".origin.json"))
