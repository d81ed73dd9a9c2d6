"""Similar cases of a bundle: made from its training radiographs, opened, and measured on its validation radiographs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from pneumoscope.bundle.bundle import Bundle
from pneumoscope.bundle.card import CASES_FILE, corrupted
from pneumoscope.bundle.case_spec import CaseSpec
from pneumoscope.dataset.manifest import ManifestRow, Split, in_split, refuse_test_rows
from pneumoscope.dataset.pictures import gray_of
from pneumoscope.errors import UnusableData, UnusableOption
from pneumoscope.evaluation.bootstrap import Key, nested, weighted_bootstrap
from pneumoscope.evaluation.weights import Measured, Weights
from pneumoscope.explanation.masking import Watch, nobody
from pneumoscope.explanation.similar_cases import CaseIndex, Embeddings, agreement, case_index
from pneumoscope.explanation.thumbnails import LONGER_SIDE_PX, MEDIA_TYPE, thumbnail_of
from pneumoscope.inference.pool import ordered_results
from pneumoscope.inference.predictor import Predictor

COMPONENTS: Final = 64
NEIGHBOURS: Final = (1, 5, 15)
RESAMPLES: Final = 2000
RESAMPLING_SEED: Final = 0


@dataclass(frozen=True, slots=True, eq=False)
class MadeCases:
    """An index, what the card says of it, and what was measured."""

    index: CaseIndex
    content: bytes
    spec: CaseSpec


def opened_cases(bundle: Bundle) -> CaseIndex:
    """The index of a bundle; `UnusableOption` where it has none, `UnusableBundle` where it is damaged."""
    if bundle.cases is None:
        raise UnusableOption(
            "cases-missing",
            f"{bundle.folder} has no index of similar cases.",
            remedy="Make one of its training radiographs: pneumoscope index --bundle --data --manifest.",
        )
    try:
        return CaseIndex.from_bytes(bundle.cases)
    except ValueError as error:
        raise corrupted(str(bundle.folder / CASES_FILE), f"lacks or garbles {error}") from error


def made_cases(
    rows: Sequence[ManifestRow],
    data: Path,
    predictor: Predictor,
    *,
    components: int = COMPONENTS,
    thumbnails: bool = False,
    workers: int,
    watch: Watch = nobody,
) -> MadeCases:
    """An index of the rows of the train split, measured on those of the validation split.

    Rows of the test split are refused: they only measure. `thumbnails` need a card that names the licence of its training
    data, `UnusableOption` else. `watch` hears how many radiographs are done, and of how many.
    """
    refuse_test_rows(rows, purpose="the index of similar cases")
    train, validation = in_split(rows, Split.TRAIN), in_split(rows, Split.VALIDATION)
    if not train:
        raise UnusableData("no-rows", "The manifest has no row of the train split.", remedy="Check --manifest.")
    pictures = {"thumbnails": of_pictures(predictor.bundle)} if thumbnails else {}

    found = embedded([*train, *validation], data, predictor, thumbnails=thumbnails, workers=workers, watch=watch)
    embeddings = np.stack([embedding for embedding, _ in found])
    index = case_index(
        ids=texts(row.path for row in train),
        labels=texts(row.label for row in train),
        subtypes=texts(row.subtype for row in train),
        patients=texts(row.patient for row in train),
        sha256=texts(row.sha256 for row in train),
        embeddings=embeddings[: len(train)],
        components=min(components, len(train), embeddings.shape[1]),
        thumbnails=[thumbnail for _, thumbnail in found[: len(train)]] if thumbnails else None,
    )
    spec = CaseSpec(
        count=len(train),
        components=index.components.shape[1],
        model_sha256=hashlib.sha256(predictor.bundle.model).hexdigest(),
        metrics=measured(index, embeddings[len(train) :], validation) if validation else {},
        provenance={"split": str(Split.TRAIN), "patients": len({row.patient for row in train}), **pictures},
    )
    return MadeCases(index, index.to_bytes(), spec)


def embedded(
    rows: Sequence[ManifestRow], data: Path, predictor: Predictor, *, thumbnails: bool, workers: int, watch: Watch
) -> list[tuple[np.ndarray, bytes]]:
    """The embedding of each row, and of train rows the thumbnail, where those are wanted."""

    def work(row: ManifestRow) -> tuple[np.ndarray, bytes]:
        gray = gray_of(data / row.path, row.sha256)
        of_row: np.ndarray = predictor.run(predictor.preprocessing(gray)[np.newaxis])[2][0]
        return of_row, thumbnail_of(gray) if thumbnails and row.split is Split.TRAIN else b""

    found = []
    for _, result in ordered_results(work, rows, workers=workers):
        found.append(result)
        watch(len(found), len(rows))
    return found


def of_pictures(bundle: Bundle) -> dict[str, Any]:
    """What the card says of the thumbnails; `UnusableOption` where it does not name the licence of its training data."""
    of_data = bundle.card.provenance.get("training_data") or {}
    if not of_data.get("licence"):
        raise UnusableOption(
            "licence-missing",
            f"{bundle.folder} does not say under which licence its training data may be handed on.",
            remedy="Make the index without --thumbnails, or train with --about and a file that names the licence.",
        )
    told = [str(of_data[key]) for key in ("authors", "name", "identifier", "licence") if of_data.get(key)]
    return {
        "longer_side_px": LONGER_SIDE_PX,
        "media_type": MEDIA_TYPE,
        "attribution": f"{'; '.join(told)}; reduced in size",
    }


def attribution_of(bundle: Bundle) -> str | None:
    """Whose pictures the thumbnails are, to be shown wherever they are shown; None where the index holds none."""
    cases = bundle.card.cases
    of_thumbnails = cases.provenance.get("thumbnails") if cases else None
    return str(of_thumbnails["attribution"]) if of_thumbnails else None


def measured(index: CaseIndex, embeddings: Embeddings, rows: Sequence[ManifestRow]) -> dict[str, Any]:
    """How often most of the nearest cases of other patients bear the label of a validation radiograph.

    With 95 % intervals by patient, over all radiographs and for each label.
    """
    labels, patients = texts(row.label for row in rows), texts(row.patient for row in rows)
    agreed = {
        str(neighbours): agreement(index, embeddings, labels, patients, neighbours=neighbours)
        for neighbours in NEIGHBOURS
        if neighbours <= len(index.ids)
    }
    among = {"all": np.full(len(rows), fill_value=True), **{str(label): labels == label for label in np.unique(labels)}}

    def shares(weights: Weights) -> dict[Key, Measured]:
        return {
            (neighbours, name): weights @ (alike & chosen) / (weights @ chosen)
            for neighbours, alike in agreed.items()
            for name, chosen in among.items()
        }

    positive = np.array([row.has_finding for row in rows])
    numbers = np.unique(patients, return_inverse=True)[1]
    intervals = weighted_bootstrap(
        shares, numbers, positive, resamples=RESAMPLES, generator=np.random.default_rng(RESAMPLING_SEED)
    )
    return {
        "split": str(Split.VALIDATION),
        "radiographs": len(rows),
        "patients": len(set(patients.tolist())),
        "resamples": RESAMPLES,
        "agreement_of_nearest": nested(intervals),
    }


def texts(values: Iterable[str]) -> np.ndarray:
    """An array of texts."""
    return np.array([str(value) for value in values], np.str_)
