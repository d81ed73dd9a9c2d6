"""A bundle is a folder with `model.onnx`, `card.json` and maybe `lungs.onnx` and `cases.npz`.

Opening it proves that all are what was made.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from pneumoscope.bundle.card import (
    CARD_FILE,
    CASES_FILE,
    LUNGS_FILE,
    MODEL_FILE,
    Card,
    card_from_json,
    card_to_json,
    corrupted,
)
from pneumoscope.bundle.case_spec import CaseSpec
from pneumoscope.bundle.lung_spec import LungSpec
from pneumoscope.bundle.map_trust_spec import MapTrustSpec
from pneumoscope.errors import UnusableBundle
from pneumoscope.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle. `model` and `lungs` are the ONNX files' content; `sha256` names card and files together.

    `lungs`, the lung segmentation, and `cases`, the index of similar cases, are None exactly where the card has no block
    of that name.
    """

    folder: Path
    card: Card
    model: bytes
    sha256: str
    lungs: bytes | None = None
    cases: bytes | None = None

    @property
    def title(self) -> str:
        return f"{self.card.name} {self.card.version} ({self.sha256[:12]})"


def default_bundle_folder() -> Path:
    """Where the bundle that ships in the package lies."""
    return Path(str(resources.files("pneumoscope.bundle"))) / "default"


def open_bundle(folder: Path | None = None) -> Bundle:
    """Read and verify a bundle (the shipped one by default); `UnusableBundle` says what does not hold."""
    folder = default_bundle_folder() if folder is None else folder
    card_text = content_of(folder, CARD_FILE)
    content = {MODEL_FILE: content_of(folder, MODEL_FILE)}
    try:
        text = card_text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise corrupted(str(folder / CARD_FILE), "is not UTF-8 text") from error
    card, checksums = card_from_json(text, where=str(folder / CARD_FILE))
    for file, expected in checksums.items():
        if file not in content:
            content[file] = content_of(folder, file)
        if hashlib.sha256(content[file]).hexdigest() != expected:
            raise corrupted(str(folder / file), "does not match the checksum in its card")
    return Bundle(
        folder,
        card,
        content[MODEL_FILE],
        hashlib.sha256(card_text).hexdigest(),
        content.get(LUNGS_FILE),
        content.get(CASES_FILE),
    )


def content_of(folder: Path, name: str) -> bytes:
    """The bytes of one file of a bundle; `UnusableBundle` where it is not there."""
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError as error:
        raise UnusableBundle(
            "bundle-not-found",
            f"{folder} holds no {name}.",
            remedy=f"Point --bundle at a folder with {CARD_FILE} and {MODEL_FILE}.",
        ) from error
    except OSError as error:
        raise UnusableBundle(
            "bundle-unreadable", f"{folder / name} cannot be read ({error.strerror}).", remedy="Check its permissions."
        ) from error


def write_bundle(
    folder: Path, card: Card, model: bytes, lungs: bytes | None = None, cases: bytes | None = None
) -> Bundle:
    """Write the files, then the card, each aside and renamed; the card names the others' checksums, so files that do not
    belong together never open.

    Where the card describes a lung segmentation or similar cases and none are given, those in the folder stay; where
    there are none either, or the cases are those of another model, the bundle is written without. So is `map_trust` of
    another model or lung segmentation.
    """
    if lungs is None and (folder / LUNGS_FILE).is_file():
        lungs = content_of(folder, LUNGS_FILE)
    if cases is None and (folder / CASES_FILE).is_file():
        cases = content_of(folder, CASES_FILE)
    if lungs is None or card.lungs is None:
        card, lungs = replace(card, lungs=None), None
    if cases is None or card.cases is None or card.cases.model_sha256 != hashlib.sha256(model).hexdigest():
        card, cases = replace(card, cases=None), None
    if not limits_these_maps(card.map_trust, model, lungs):
        card = replace(card, map_trust=None)
    given = {MODEL_FILE: model, LUNGS_FILE: lungs, CASES_FILE: cases}
    files = {name: content for name, content in given.items() if content is not None}
    text = card_to_json(card, {name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
    for name, content in files.items():
        write_whole(folder / name, content)
    write_whole(folder / CARD_FILE, text.encode())
    return open_bundle(folder)


def limits_these_maps(spec: MapTrustSpec | None, model: bytes, lungs: bytes | None) -> bool:
    """Whether the limit was chosen with this model and this lung segmentation."""
    if spec is None or lungs is None:
        return False
    found = (hashlib.sha256(model).hexdigest(), hashlib.sha256(lungs).hexdigest())
    return found == (spec.model_sha256, spec.lungs_sha256)


def with_map_trust(bundle: Bundle, spec: MapTrustSpec) -> Bundle:
    """The bundle in its folder with this limit of when a map is doubted; its other files stay as they are."""
    return write_bundle(bundle.folder, replace(bundle.card, map_trust=spec), bundle.model, bundle.lungs, bundle.cases)


def with_lungs(bundle: Bundle, spec: LungSpec, lungs: bytes) -> Bundle:
    """The bundle in its folder with this lung segmentation, new or instead of another; the model stays as it is."""
    return write_bundle(bundle.folder, replace(bundle.card, lungs=spec), bundle.model, lungs)


def with_cases(bundle: Bundle, spec: CaseSpec, cases: bytes) -> Bundle:
    """The bundle in its folder with this index of similar cases, new or instead of another; the model stays as it is."""
    return write_bundle(bundle.folder, replace(bundle.card, cases=spec), bundle.model, cases=cases)
