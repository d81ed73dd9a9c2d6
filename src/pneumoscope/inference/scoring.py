"""A manifest's radiographs scored with the shipped path, into a score table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pneumoscope.dataset.manifest import ManifestRow
from pneumoscope.evaluation.scores import ScoredRadiograph, ScoreTable
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.predictor import Predictor


def score_manifest(
    rows: Sequence[ManifestRow],
    data: Path,
    predictor: Predictor,
    *,
    workers: int,
    watched: Callable[
        [Iterable[tuple[ManifestRow, tuple[float, float]]]], Iterable[tuple[ManifestRow, tuple[float, float]]]
    ],
) -> ScoreTable:
    """Logit and probability of each row, read from its file. `watched` wraps the results to show progress."""

    def work(row: ManifestRow) -> tuple[float, float]:
        prediction = predictor.predict(data / row.path)
        return prediction.logit, prediction.probability

    return ScoreTable(
        tuple(
            ScoredRadiograph(row.path, row.patient, row.subtype, row.has_finding, logit, probability)
            for row, (logit, probability) in watched(ordered_results(work, rows, workers=workers))
        )
    )
