"""A bundle is a folder with `model.onnx` and `card.json`; opening it proves that both are what was made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pneumoscope.bundle.card import CARD_FILE, MODEL_FILE, Card, card_from_json, card_to_json, corrupted
from pneumoscope.errors import UnusableBundle
from pneumoscope.whole_file import write_whole


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle. `model` is the ONNX file's content; `sha256` names card and model together."""

    folder: Path
    card: Card
    model: bytes
    sha256: str

    @property
    def title(self) -> str:
        return f"{self.card.name} {self.card.version} ({self.sha256[:12]})"


def default_bundle_folder() -> Path:
    """Where the bundle that ships in the package lies."""
    return Path(str(resources.files("pneumoscope.bundle"))) / "default"


def open_bundle(folder: Path | None = None) -> Bundle:
    """Read and verify a bundle (the shipped one by default); `UnusableBundle` says what does not hold."""
    folder = default_bundle_folder() if folder is None else folder
    card_text, model = content_of(folder, CARD_FILE), content_of(folder, MODEL_FILE)
    try:
        text = card_text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise corrupted(str(folder / CARD_FILE), "is not UTF-8 text") from error
    card, expected = card_from_json(text, where=str(folder / CARD_FILE))
    if hashlib.sha256(model).hexdigest() != expected:
        raise corrupted(str(folder / MODEL_FILE), "does not match the checksum in its card")
    return Bundle(folder, card, model, hashlib.sha256(card_text).hexdigest())


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


def write_bundle(folder: Path, card: Card, model: bytes) -> Bundle:
    """Write model, then card, each aside and renamed; the card names the model's checksum, so a half-written pair
    never opens.
    """
    text = card_to_json(card, model_sha256=hashlib.sha256(model).hexdigest())
    write_whole(folder / MODEL_FILE, model)
    write_whole(folder / CARD_FILE, text.encode())
    return open_bundle(folder)
