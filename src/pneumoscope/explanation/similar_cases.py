"""The training radiographs that the model takes for most alike: people trust cases more than colours.

A small index of names, labels and embeddings, and thumbnails where the licence of the radiographs allows to hand them on.
The embeddings are what the model's head reads, less their mean, on their
first principal components; alike are those at a small angle (cosine distance).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float16, Float32, UInt8, UInt32

from pneumoscope.arrays import Embedding
from pneumoscope.errors import UnusableOption

IDENTICAL_DISTANCE: Final = 1e-4
"""What rounding leaves between two copies of one picture."""
PERHAPS_SAME_DISTANCE: Final = 0.005
"""Half of the largest distance between two copies of one radiograph in different sizes (0.01)."""
SHA256_DIGITS: Final = 16
"""Of each file's SHA-256: enough to know it again."""

Embeddings = Float[np.ndarray, "cases channels"]
Names = np.ndarray
"""One text for each case."""


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """One radiograph of the index. `distance` is 0 for the same direction, 1 for a right angle, 2 for the opposite.

    `thumbnail` is a small gray WebP file (`thumbnails.py`), or None where the index holds none.
    """

    case_id: str
    label: str
    subtype: str
    patient: str
    distance: float
    thumbnail: bytes | None = field(default=None, repr=False)

    @property
    def perhaps_same(self) -> bool:
        """Whether this may be a copy of the very radiograph asked about: the index knows its own files, not originals."""
        return self.distance < PERHAPS_SAME_DISTANCE


@dataclass(frozen=True, slots=True, eq=False)
class CaseIndex:
    """Names as in the public data set, `sha256` the first digits, `embeddings` reduced and of length 1.

    `thumbnail_files` holds them one after another, `thumbnail_ends` where each ends; both or neither may be None.
    """

    ids: Names
    labels: Names
    subtypes: Names
    patients: Names
    sha256: Names
    mean: Float32[np.ndarray, " channels"]
    components: Float16[np.ndarray, "channels components"]
    embeddings: Float16[np.ndarray, "cases components"]
    thumbnail_files: UInt8[np.ndarray, " bytes"] | None = None
    thumbnail_ends: UInt32[np.ndarray, " cases"] | None = None

    def __post_init__(self) -> None:
        cases, channels, components = len(self.embeddings), len(self.mean), self.components.shape[1]
        names = (self.ids, self.labels, self.subtypes, self.patients, self.sha256)
        if any(name.shape != (cases,) or name.dtype.kind != "U" for name in names):
            raise ValueError("names, one for each embedding")
        if self.components.shape != (channels, components) or self.embeddings.shape != (cases, components):
            raise ValueError("embeddings on the components")
        if (self.thumbnail_files is None) != (self.thumbnail_ends is None):
            raise ValueError("thumbnails, and where each ends")
        if self.thumbnail_files is not None and self.thumbnail_ends is not None:
            ends = self.thumbnail_ends.astype(np.int64)
            if (
                ends.shape != (cases,)
                or (np.diff(ends, prepend=0) < 0).any()
                or ends[-1:].sum() != len(self.thumbnail_files)
            ):
                raise ValueError("where each thumbnail ends")

    def thumbnail(self, place: int) -> bytes | None:
        """That of one case, or None."""
        if self.thumbnail_files is None or self.thumbnail_ends is None:
            return None
        first = int(self.thumbnail_ends[place - 1]) if place else 0
        return self.thumbnail_files[first : int(self.thumbnail_ends[place])].tobytes() or None

    def reduced(self, embeddings: Embeddings) -> Float32[np.ndarray, "cases components"]:
        """Onto the components, with length 1."""
        return unit((embeddings - self.mean) @ self.components.astype(np.float32))

    def nearest(
        self,
        embedding: Embedding,
        count: int,
        *,
        sha256: str | None = None,
        file_name: str | None = None,
        leave_out: Bool[np.ndarray, " cases"] | None = None,
    ) -> list[SimilarCase]:
        """The `count` most alike, nearest first, without the picture itself: its `sha256`, its name, or no distance at all.

        The name counts, since copies of other sizes lie as far apart (up to 0.01) as some pictures of other patients.
        """
        if not 1 <= count <= len(self.ids):
            raise UnusableOption(
                "similar-impossible",
                f"{count} similar cases were asked for, of {len(self.ids)}.",
                remedy=f"Ask for 1 to {len(self.ids)}.",
            )
        distances = self.distances(embedding)
        itself = distances < IDENTICAL_DISTANCE
        if sha256 is not None:
            itself |= self.sha256 == sha256[:SHA256_DIGITS]
        if file_name is not None:
            itself |= np.array([case_id.rpartition("/")[2] == file_name for case_id in self.ids.tolist()])
        if leave_out is not None:
            itself |= leave_out
        order = [int(place) for place in np.argsort(distances, kind="stable") if not itself[place]]
        return [
            SimilarCase(
                case_id=str(self.ids[place]),
                label=str(self.labels[place]),
                subtype=str(self.subtypes[place]),
                patient=str(self.patients[place]),
                distance=float(distances[place]),
                thumbnail=self.thumbnail(place),
            )
            for place in order[:count]
        ]

    def distances(self, embedding: Embedding) -> Float[np.ndarray, " cases"]:
        """Cosine distance to every case."""
        direction = self.reduced(embedding[np.newaxis])[0]
        found: np.ndarray = 1 - self.embeddings.astype(np.float32) @ direction
        distances: np.ndarray = np.maximum(found, 0)
        return distances

    def to_bytes(self) -> bytes:
        """As an `.npz` file; the same index gives the same bytes."""
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for each in fields(self):
                if (array := getattr(self, each.name)) is None:
                    continue
                content = io.BytesIO()
                np.save(content, array, allow_pickle=False)
                entry = zipfile.ZipInfo(f"{each.name}.npy", (1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, 9)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> CaseIndex:
        """Read what `to_bytes` wrote, with or without thumbnails; `ValueError` where it is not that."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                there = [each.name for each in fields(cls) if each.default is MISSING or each.name in arrays]
                return cls(**{name: arrays[name] for name in there})
        except (zipfile.BadZipFile, KeyError, OSError, EOFError, AttributeError, IndexError) as error:
            raise ValueError("arrays of an index of cases") from error


def case_index(
    ids: Names,
    labels: Names,
    subtypes: Names,
    patients: Names,
    sha256: Names,
    embeddings: Embeddings,
    components: int,
    thumbnails: Sequence[bytes] | None = None,
) -> CaseIndex:
    """An index of embeddings as the model gives them, reduced to `components` (at most channels, at most cases)."""
    cases, channels = embeddings.shape
    if not 1 <= components <= min(cases, channels):
        raise UnusableOption(
            "components-impossible",
            f"{cases} embeddings of {channels} channels have no {components} principal components.",
            remedy=f"Ask for 1 to {min(cases, channels)}.",
        )
    mean = embeddings.mean(axis=0, dtype=np.float64)
    centred = embeddings - mean
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :components]
    axes = (axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(components)] < 0, -1, 1)).astype(np.float16)
    reduced = unit((centred @ axes.astype(np.float64)).astype(np.float32))
    short = np.array([digits[:SHA256_DIGITS] for digits in sha256.tolist()], np.str_)
    index = CaseIndex(ids, labels, subtypes, patients, short, mean.astype(np.float32), axes, reduced.astype(np.float16))
    return index if thumbnails is None else with_thumbnails(index, thumbnails)


def with_thumbnails(index: CaseIndex, thumbnails: Sequence[bytes]) -> CaseIndex:
    """The same index with a thumbnail of each case, in their order."""
    ends = np.cumsum([len(each) for each in thumbnails]).astype(np.uint32)
    return replace(index, thumbnail_files=np.frombuffer(b"".join(thumbnails), np.uint8), thumbnail_ends=ends)


def unit(vectors: Float[np.ndarray, "cases components"]) -> Float32[np.ndarray, "cases components"]:
    """With length 1; a vector of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: np.ndarray = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0).astype(np.float32)
    return scaled


def agreement(
    index: CaseIndex, embeddings: Embeddings, labels: Names, patients: Names, *, neighbours: int
) -> Bool[np.ndarray, " radiographs"]:
    """Whether most of the `neighbours` (odd) of each radiograph, of other patients, bear its own label."""
    found = []
    for embedding, label, patient in zip(embeddings, labels, patients, strict=True):
        cases = index.nearest(embedding, neighbours, leave_out=index.patients == patient)
        found.append(sum(case.label == label for case in cases) * 2 > len(cases))
    return np.array(found)
