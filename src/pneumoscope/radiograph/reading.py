"""From a path or bytes to a `Radiograph`, and from a folder to the files in it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph.gate import MOST_BYTES, check_shown, refuse_file_size
from pneumoscope.radiograph.picture import decode_picture
from pneumoscope.radiograph.quiet import quiet_libraries
from pneumoscope.radiograph.radiograph import DecodedPicture, Radiograph
from pneumoscope.radiograph.refusal import RefusalCode
from pneumoscope.radiograph.sniffing import DICOM, media_type_of


def read_radiograph(path: Path) -> Radiograph:
    """Read one file; `RefusedRadiograph` where it is none, or not one that the model may be asked about."""
    source = str(path)
    return _naming_the_source(source, lambda: _radiograph(_file_bytes(path), source))


def radiograph_from_bytes(data: bytes, source: str) -> Radiograph:
    """The radiograph in a file's bytes; `source` is what to call them to people."""
    return _naming_the_source(source, lambda: _radiograph(data, source))


def radiograph_files(folder: Path, *, leave_out: Collection[Path] = ()) -> Iterator[Path]:
    """Every regular file under `folder`, sorted by name a folder at a time, whatever its name: content decides.

    Names that begin with a dot and the folders of `leave_out` are passed over. A folder that links lead to more than once
    is walked once. A folder that may not be opened is given itself, so that reading it reports the refusal.
    """
    left_out = {path.resolve() for path in leave_out}
    if not folder.is_dir():
        raise RefusedRadiograph(
            RefusalCode.NOT_FOUND, f"{folder}: There is no such folder.", remedy="Check the path and its spelling."
        ) from None
    yield from _files_below(folder, left_out, walked=set())


def _files_below(folder: Path, left_out: set[Path], walked: set[tuple[int, int]]) -> Iterator[Path]:
    try:
        status = folder.stat()
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:
        yield folder
        return
    if (status.st_dev, status.st_ino) in walked or folder.resolve() in left_out:
        return
    walked.add((status.st_dev, status.st_ino))
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is(entry.is_dir):
            yield from _files_below(folder / entry.name, left_out, walked)
        elif _is(entry.is_file):
            yield folder / entry.name


def _is(kind: Callable[[], bool]) -> bool:
    """False where a link leads round in a circle or the entry is gone."""
    try:
        return kind()
    except OSError:
        return False


def _naming_the_source(source: str, read: Callable[[], Radiograph]) -> Radiograph:
    """Put the source before a refusal's message. It is raised outside the handler, so that no inner error hangs on."""
    try:
        return read()
    except RefusedRadiograph as refused:
        named = RefusedRadiograph(refused.code, f"{source}: {refused.message}", remedy=refused.remedy)
    raise named


def _file_bytes(path: Path) -> bytes:
    try:
        status = os.stat(path)  # noqa: PTH116 - pathlib's takes three times as long
        mode = status.st_mode
        if stat.S_ISREG(mode):
            refuse_file_size(status.st_size)
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - likewise
                return file.read(min(status.st_size, MOST_BYTES))
        if stat.S_ISDIR(mode):
            os.scandir(path).close()  # a folder that may not be opened is refused as that
    except PermissionError:
        raise RefusedRadiograph(
            RefusalCode.NOT_PERMITTED,
            "It may not be read: permission denied.",
            remedy="Give the user that runs pneumoscope the right to read it.",
        ) from None
    except FileNotFoundError:
        raise RefusedRadiograph(
            RefusalCode.NOT_FOUND, "There is no such file.", remedy="Check the path and its spelling."
        ) from None
    except (OSError, ValueError) as error:  # a name too long, links in a circle, a zero byte in the name, a bad disk
        reason = (error.strerror if isinstance(error, OSError) else None) or "the path cannot be"
        raise RefusedRadiograph(
            RefusalCode.NOT_FOUND,
            f"No file can be read there: {reason.lower()}.",
            remedy="Check the path, and that the disk or share is in order.",
        ) from None
    if stat.S_ISDIR(mode):
        raise RefusedRadiograph(
            RefusalCode.IS_A_FOLDER,
            "It is a folder, not a file.",
            remedy="Name a file in it, or use a command that takes folders.",
        )
    raise RefusedRadiograph(
        RefusalCode.NOT_A_PICTURE,
        "It is a device, pipe or socket, not a file.",
        remedy="Save the radiograph as a file, or give it on standard input.",
    )


def _radiograph(data: bytes, source: str) -> Radiograph:
    refuse_file_size(len(data))
    media_type = media_type_of(data)
    with quiet_libraries():
        picture = _decode(data, media_type)
    return Radiograph(
        gray=picture.gray,
        source=source,
        media_type=media_type,
        sha256=hashlib.sha256(data).hexdigest(),
        age_years=picture.age_years,
        sex=picture.sex,
        view_position=picture.view_position,
        warnings=picture.warnings + check_shown(picture.gray),
    )


def _decode(data: bytes, media_type: str) -> DecodedPicture:
    if media_type != DICOM:
        return decode_picture(data, media_type)
    from pneumoscope.radiograph.dicom import decode_dicom  # noqa: PLC0415 (pydicom takes 0.2 s to import)

    return decode_dicom(data)
