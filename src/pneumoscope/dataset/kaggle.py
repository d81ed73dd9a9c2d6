"""Download the Kermany data set from Kaggle with kagglehub, into kagglehub's own cache.

kagglehub keeps a download that was cut off and goes on with it, checks the archive's MD5, unpacks it, and asks nothing
once the data set is cached. What it raises becomes an error of ours that says what to do.
"""

from __future__ import annotations

import errno
import logging
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

from pneumoscope.dataset.fetch import refuse_full_disk
from pneumoscope.errors import MissingExtra, PneumoscopeError, UnusableData, UnusableOutput

HANDLE = "paultimothymooney/chest-xray-pneumonia/versions/2"
PAGE = "https://www.kaggle.com/datasets/paultimothymooney/chest-xray-pneumonia"
NEEDED_BYTES = 5_000_000_000
"""About 2.3 GB of archive and as much again unpacked, before the archive is deleted."""

OTHERWISE = f"or download the archive from {PAGE} with a browser and give it with --from-zip"
HOW_TO_SIGN_IN = (
    "Make an API token at https://www.kaggle.com/settings, save it as ~/.kaggle/access_token (or put it into the "
    f"environment variable KAGGLE_API_TOKEN), and run the same command again; {OTHERWISE}."
)
GO_ON = "Run the same command again: what has arrived is kept and the download goes on from there."


def download_from_kaggle() -> Path:
    """The folder in kagglehub's cache that holds the data set, downloaded unless it is there already."""
    try:
        import kagglehub  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
        from kagglehub.cache import Cache  # type: ignore[import-untyped]  # noqa: PLC0415
        from kagglehub.config import get_kaggle_credentials  # type: ignore[import-untyped]  # noqa: PLC0415
        from kagglehub.handle import parse_dataset_handle  # type: ignore[import-untyped]  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "data-extra-missing",
            "Downloading from Kaggle needs kagglehub.",
            remedy=f"pip install '.[data]' in a copy of the repository, {OTHERWISE}.",
        ) from error
    logging.getLogger("kagglehub").setLevel(logging.ERROR)
    handle, cache = parse_dataset_handle(HANDLE), Cache()
    archive, folder = Path(cache.get_archive_path(handle)), Path(cache.get_path(handle))
    try:
        signed_in = get_kaggle_credentials() is not None
    except ValueError as error:
        raise UnusableData("kaggle-credentials-unreadable", f"{error}.", remedy=HOW_TO_SIGN_IN) from error
    if not cache.load_from_cache(handle):
        refuse_full_disk(folder, NEEDED_BYTES - (archive.stat().st_size if archive.is_file() else 0))
    try:
        return Path(kagglehub.dataset_download(HANDLE))
    except (OSError, ValueError, zipfile.BadZipFile, kagglehub.exceptions.DataCorruptionError) as error:
        raise mended(error, archive, signed_in=signed_in) from error


def mended(error: Exception, archive: Path, *, signed_in: bool) -> PneumoscopeError:
    """What went wrong in words of ours. Errors of requests are OSErrors too, so they come first."""
    import requests  # type: ignore[import-untyped,unused-ignore]  # noqa: PLC0415 - comes with kagglehub

    if isinstance(error, requests.HTTPError):
        return refused_by_kaggle(error, signed_in=signed_in)
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or was_reading(error):
        size_mb = archive.stat().st_size / 1e6 if archive.is_file() else 0
        return UnusableData(
            "download-cut-off", f"The download was cut off after {size_mb:,.0f} MB have arrived.", remedy=GO_ON
        )
    if isinstance(error, requests.RequestException):
        return UnusableData(
            "network-unreachable",
            "Kaggle cannot be reached.",
            remedy=f"Check the network and the proxy (HTTPS_PROXY), and run the same command again; {OTHERWISE}.",
        )
    if isinstance(error, OSError):
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        return UnusableOutput(
            "disk-full" if full else "output-unwritable",
            f"The download cannot be written to {archive.parent} ({error.strerror or error}).",
            remedy=f"Free space, or set KAGGLEHUB_CACHE to a folder on another disk. {GO_ON}",
        )
    archive.unlink(missing_ok=True)
    return UnusableData(
        "download-damaged",
        "What has arrived is not the archive that Kaggle announced; it was deleted.",
        remedy=f"Run the same command again; {OTHERWISE}.",
    )


def was_reading(error: Exception) -> bool:
    """Whether a connection failed after it had been made."""
    import requests  # noqa: PLC0415
    from urllib3.exceptions import ProtocolError, ReadTimeoutError  # noqa: PLC0415

    cause: Any = error.args[0] if error.args else None
    return isinstance(error, requests.ReadTimeout) or (
        isinstance(error, requests.ConnectionError) and isinstance(cause, (ProtocolError, ReadTimeoutError))
    )


def refused_by_kaggle(error: Any, *, signed_in: bool) -> UnusableData:
    """Kaggle answered, but not with the archive."""
    status = error.response.status_code if error.response is not None else 0
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        if signed_in:
            return UnusableData(
                "kaggle-credentials-refused",
                f"Kaggle does not accept the credentials on this machine (HTTP {status}).",
                remedy=f"They may be mistyped or expired. {HOW_TO_SIGN_IN}",
            )
        return UnusableData(
            "kaggle-credentials-missing",
            f"Kaggle asks who is downloading (HTTP {status}), and there are no credentials on this machine.",
            remedy=HOW_TO_SIGN_IN,
        )
    if status == HTTPStatus.NOT_FOUND:
        return UnusableData(
            "kaggle-not-found", f"Kaggle does not have {HANDLE} any more.", remedy=f"See {PAGE}; {OTHERWISE}."
        )
    return UnusableData(
        "kaggle-unavailable",
        f"Kaggle answers HTTP {status}.",
        remedy=f"Wait some minutes and run the same command again; {OTHERWISE}.",
    )
