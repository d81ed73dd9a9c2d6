"""Listed radiographs scored with the shipped path, as rows of a score table (`scores.csv`)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumoscope.dataset.cues import OriginalSizes
from pneumoscope.errors import PneumoscopeError, RefusedRadiograph, UnusableData
from pneumoscope.evaluation.read_columns import IDENTITY, PROBABILITY, REFERENCE
from pneumoscope.inference.listing import ListedRadiograph
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.predictor import Predictor
from pneumoscope.radiograph.reading import read_radiograph
from pneumoscope.radiograph.sharpness import laplacian_variance

SizePx = tuple[float, float]
"""Width and height; NaN where they are not known."""

SCORE_COLUMNS = (
    *("path", "patient", "subtype", "split", "label", "logit", "probability"),
    *("width_px", "height_px", "aspect_ratio", "sharpness", "sha256"),
)
LINE_ENDS = "\r\n"
ORIGINAL_SIZE_COLUMNS = ("original_width_px", "original_height_px")
TAKEN = frozenset({*SCORE_COLUMNS, *ORIGINAL_SIZE_COLUMNS, *IDENTITY, *REFERENCE, *PROBABILITY})
"""Names that have a meaning in a table of scores."""


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """One radiograph and what the model said of it. `sharpness` is of the picture that the model sees."""

    listed: ListedRadiograph
    logit: float
    probability: float
    size_px: SizePx
    original_size_px: SizePx | None
    sharpness: float
    sha256: str

    def cells(self) -> list[str]:
        """In the order of `score_columns`; empty for what is not known."""
        width, height = self.original_size_px or self.size_px
        numbers = (self.logit, self.probability, *self.size_px, width / height, self.sharpness)
        row = self.listed
        return [
            *(row.path, row.patient, row.subtype, row.split or "", row.label or ""),
            *(cell_of(number) for number in numbers),
            self.sha256,
            *(cell_of(number) for number in self.original_size_px or ()),
            *row.extras.values(),
        ]


@dataclass(frozen=True, slots=True)
class UnscoredRow:
    """A radiograph that could not be scored, with the reason code and what to do."""

    path: str
    code: str
    message: str
    remedy: str


def score_columns(rows: Sequence[ListedRadiograph], *, with_original_sizes: bool) -> tuple[str, ...]:
    """Names of the cells: ours, the original size where it was asked for, and further columns of the manifest.

    Of those one that bears a name of ours is called `manifest_NAME`. All `rows` are of one manifest, or of none.
    """
    further = rows[0].extras if rows else {}
    return (
        *SCORE_COLUMNS,
        *(ORIGINAL_SIZE_COLUMNS if with_original_sizes else ()),
        *(f"manifest_{name}" if name in TAKEN else name for name in further),
    )


def scored_rows(
    rows: Sequence[ListedRadiograph],
    data: Path,
    predictor: Predictor,
    *,
    original_sizes: OriginalSizes | None = None,
    workers: int,
) -> Iterator[ScoredRow | UnscoredRow]:
    """Each row in order, as it comes.

    Every row that can be read is scored, even where no lungs are found: an evaluation leaves nothing out.
    """
    if original_sizes is not None:
        refuse_unknown_sizes(rows, original_sizes)

    def work(row: ListedRadiograph) -> ScoredRow | UnscoredRow:
        size_px = None if original_sizes is None else original_sizes[row.path]
        return scored_row(row, data, predictor, original_size_px=size_px)

    return (result for _, result in ordered_results(work, rows, workers=workers))


def scored_row(
    row: ListedRadiograph, data: Path, predictor: Predictor, *, original_size_px: SizePx | None = None
) -> ScoredRow | UnscoredRow:
    """Read and score one radiograph; a fault with one must not stop the rest."""
    if row.path.encode(errors="replace").decode() != row.path or any(end in row.path for end in LINE_ENDS):
        return UnscoredRow(
            ascii(row.path)[1:-1],
            "name-not-utf8",
            "The file name is not UTF-8, or holds a line break.",
            "Rename the file (convmv -t utf-8 does it for many).",
        )
    path = data / row.path
    try:
        radiograph = read_radiograph(path)
        prediction = predictor.scored(radiograph, None)
    except RefusedRadiograph as refused:
        return UnscoredRow(row.path, refused.code, refused.message.removeprefix(f"{path}: "), refused.remedy)
    except PneumoscopeError:
        raise
    except Exception as error:  # noqa: BLE001 - its kind only: its text might quote a DICOM header
        reason = f"Reading it failed in a way that was not foreseen ({type(error).__name__})."
        return UnscoredRow(row.path, "internal-error", reason, "Please report this with the file, if it may be shared.")
    if row.sha256 and radiograph.sha256 != row.sha256.strip().lower():
        return UnscoredRow(
            row.path,
            "radiograph-changed",
            f"Its SHA-256 is {radiograph.sha256[:12]}..., and the manifest says {row.sha256[:12]}...",
            "Fetch the file that the manifest was made from, or make the manifest again (pneumoscope data import).",
        )
    if not (math.isfinite(prediction.logit) and 0 <= prediction.probability <= 1):
        reason = f"The model gave the logit {prediction.logit}."
        return UnscoredRow(row.path, "score-impossible", reason, "Please report this with the file.")
    return ScoredRow(
        listed=row,
        logit=prediction.logit,
        probability=prediction.probability,
        size_px=(radiograph.columns_px, radiograph.rows_px),
        original_size_px=original_size_px,
        sharpness=laplacian_variance(predictor.preprocessing.sample(radiograph.gray)),
        sha256=radiograph.sha256,
    )


def refuse_unknown_sizes(rows: Sequence[ListedRadiograph], original_sizes: OriginalSizes) -> None:
    """Original sizes are given for every radiograph or not at all."""
    unknown = [row.path for row in rows if row.path not in original_sizes]
    if unknown:
        raise UnusableData(
            "sizes-missing",
            f"The table of original sizes lacks {len(unknown)} radiographs, the first is {unknown[0]}.",
            remedy="split/label/file of the table must be the path in the data folder; leave --sizes away otherwise.",
        )


def cell_of(number: float) -> str:
    """The shortest text that reads back as the same number; empty where it is not known."""
    if math.isnan(number):
        return ""
    return str(int(number)) if isinstance(number, int) or number.is_integer() else repr(float(number))
