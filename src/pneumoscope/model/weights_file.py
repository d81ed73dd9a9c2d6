"""Read a file of weights: parameters by name, and never code.

`.safetensors`, or a state dict in `.pth` or `.pt`. A pickled module is refused, since opening one runs what it holds.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import struct
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from pneumoscope.errors import UnusableOption

HASH_IN_NAME = r"-([0-9a-f]{8,64})\.pth$"
"""How PyTorch's published files carry the first digits of their SHA-256, as in `vgg16-397923af.pth`."""

UNREADABLE = (
    *(pickle.UnpicklingError, struct.error, EOFError, OSError, RuntimeError),
    *(ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, TypeError, ValueError),
)
"""What `torch.load` raises of a damaged file, whose bytes it may take for any instruction."""

OWN_BACKBONE = re.compile(r"^(?:classifier\.)?backbone\.")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Parameters by name; of a classifier of ours only the backbone's, without the prefix.

    `UnusableOption` where the file is missing, damaged, of another format, a pickled module, or not what the hash in its
    name says.
    """
    if not path.is_file():
        raise UnusableOption("weights-not-found", f"There is no file {path}.", remedy="Check --weights.")
    refuse_other_hash(path)
    content = read_safetensors(path) if path.suffix == ".safetensors" else read_state_dict(path)
    own = {OWN_BACKBONE.sub("", name): value for name, value in content.items() if OWN_BACKBONE.match(name)}
    return own or content


def refuse_other_hash(path: Path) -> None:
    """A file whose name carries a SHA-256 must have it."""
    expected = re.search(HASH_IN_NAME, path.name)
    if expected is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(expected[1]):
        raise UnusableOption(
            "weights-damaged",
            f"{path} is not the file of that name: its SHA-256 begins with {found[:8]}.",
            remedy="Download it again; or rename it, if the number in its name is no hash.",
        )


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise damaged(path, error) from error


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The state dict in a file of `torch.save`."""
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        if re.search(r"Unsupported global|GLOBAL|TorchScript", str(error)):
            raise pickled_module(path) from error
        raise damaged(path, error) from error
    if not isinstance(content, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise UnusableOption(
            "weights-format",
            f"{path} holds no state dict (parameters by name).",
            remedy="Save one: torch.save(model.state_dict(), 'weights.pth').",
        )
    return dict(content)


def pickled_module(path: Path) -> UnusableOption:
    """The error for a file with more than tensors in it; torchxrayvision's published files are of this kind."""
    return UnusableOption(
        "weights-pickled",
        f"{path} holds a whole pickled object, and opening that would run whatever code is in it.",
        remedy=(
            "If you trust it, turn it into a state dict once, where the library it was made with is installed: "
            "model = torch.load(FILE, weights_only=False); torch.save(model.state_dict(), 'weights.pth'). "
            "For torchxrayvision: torch.save(torchxrayvision.models.DenseNet(weights='densenet121-res224-all')"
            ".state_dict(), 'weights.pth')."
        ),
    )


def damaged(path: Path, error: Exception) -> UnusableOption:
    """The error for a file that cannot be read."""
    reason = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return UnusableOption(
        "weights-damaged",
        f"{path} cannot be read as weights{reason}; it is cut off, damaged or another kind of file.",
        remedy="Give a whole file: a state dict in .pth or .pt, or .safetensors.",
    )
