"""Put the Kermany data set into a folder, from wherever it is, and verify that all of it is there.

The archive on Kaggle holds the radiographs twice and other systems' hidden files; only the files of
`{train,val,test}/{NORMAL,PNEUMONIA}/` of the outermost such folder are taken. Each file is written aside and renamed, so
that it is whole or not there, and a second run goes on where the first stopped.
"""

from __future__ import annotations

import errno
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pneumoscope.dataset.layouts import Watched
from pneumoscope.dataset.manifest import FOLDER_OF_SPLIT, Label
from pneumoscope.errors import UnusableData, UnusableOutput

Counts = Mapping[str, int]

KERMANY_COUNTS: Counts = {
    "train/NORMAL": 1341,
    "train/PNEUMONIA": 3875,
    "val/NORMAL": 8,
    "val/PNEUMONIA": 8,
    "test/NORMAL": 234,
    "test/PNEUMONIA": 390,
}
CLASS_FOLDERS = [f"{split}/{label}" for split in FOLDER_OF_SPLIT for label in Label]


@dataclass(frozen=True, slots=True)
class Part:
    """One file to be placed: where it goes below the output, its size, and how it gets there."""

    path: str
    size_bytes: int
    write: Callable[[Path], object]


def found_counts(folder: Path) -> dict[str, int]:
    """Files with content in each of the six folders; names that begin with a dot are passed over."""
    return {name: sum(1 for _ in radiographs_in(folder / name)) for name in CLASS_FOLDERS}


def verify(folder: Path, expected: Counts, *, remedy: str) -> None:
    """`UnusableData` where a folder holds another number of files than the data set has."""
    found = found_counts(folder)
    wrong = [f"{name} holds {found[name]:,} of {count:,}" for name, count in expected.items() if found[name] != count]
    if wrong:
        raise UnusableData("data-incomplete", f"{folder} is not the whole data set: {'; '.join(wrong)}.", remedy=remedy)


def place_folder(source: Path, output: Path, *, watched: Watched[Part]) -> None:
    """Link the radiographs of a folder into `output` (copy them to another disk)."""
    data = data_folder(source)

    def link_or_copy(path: Path) -> Callable[[Path], object]:
        def write(target: Path) -> None:
            try:
                target.hardlink_to(path)
            except OSError:
                shutil.copyfile(path, target)

        return write

    place(
        [
            Part(path.relative_to(data).as_posix(), path.stat().st_size, link_or_copy(path))
            for name in CLASS_FOLDERS
            for path in radiographs_in(data / name)
        ],
        output,
        watched=watched,
    )


def place_zip(archive: Path, output: Path, *, watched: Watched[Part]) -> None:
    """Unpack the radiographs of a ZIP file into `output`; every file's checksum is verified on the way."""
    try:
        with zipfile.ZipFile(archive) as opened:
            members = radiographs_in_zip(archive, opened)

            def unpack(member: zipfile.ZipInfo) -> Callable[[Path], object]:
                def write(target: Path) -> None:
                    with opened.open(member) as content, target.open("wb") as file:
                        shutil.copyfileobj(content, file, 2**20)

                return write

            parts = [Part(path, member.file_size, unpack(member)) for path, member in members.items()]
            refuse_full_disk(output, sum(part.size_bytes for part in parts if not is_there(output, part)))
            place(parts, output, watched=watched)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UnusableData(
            "archive-damaged",
            f"{archive} is not a ZIP file that can be read: {error}.",
            remedy="Download it again; what was unpacked is kept.",
        ) from error


def place(parts: Iterable[Part], output: Path, *, watched: Watched[Part]) -> None:
    """Put every part that is not there yet into `output`, each whole or not at all."""
    waiting = [part for part in parts if not is_there(output, part)]
    with writing_to(output):
        for part in watched(waiting, len(waiting)):
            target = output / part.path
            target.parent.mkdir(parents=True, exist_ok=True)
            aside = target.with_name(f".{target.name}.partial")
            aside.unlink(missing_ok=True)
            try:
                part.write(aside)
                aside.replace(target)
            finally:
                aside.unlink(missing_ok=True)


def is_there(output: Path, part: Part) -> bool:
    """Whether an earlier run has placed it."""
    target = output / part.path
    return target.is_file() and target.stat().st_size == part.size_bytes


def radiographs_in(folder: Path) -> Iterator[Path]:
    """Files with content, sorted; hidden ones are passed over."""
    for path in sorted(folder.glob("*")):
        if not path.name.startswith(".") and path.is_file() and path.stat().st_size:
            yield path


def data_folder(source: Path) -> Path:
    """The outermost folder in `source`, at most two below it, that holds train/ and test/."""
    for candidates in ([source], sorted(source.glob("*")), sorted(source.glob("*/*"))):
        for folder in candidates:
            if "__MACOSX" not in folder.parts and all((folder / name).is_dir() for name in ("train", "test")):
                return folder
    raise not_the_data_set(source)


def radiographs_in_zip(archive: Path, opened: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Path below the output → member, for the outermost folder in the archive that holds the data set."""
    found: dict[PurePosixPath, dict[str, zipfile.ZipInfo]] = {}
    for member in opened.infolist():
        path = PurePosixPath(member.filename)
        if member.is_dir() or not member.file_size or path.name.startswith(".") or len(path.parts) < 3:
            continue
        if f"{path.parts[-3]}/{path.parts[-2]}" in CLASS_FOLDERS and "__MACOSX" not in path.parts:
            found.setdefault(path.parents[2], {})["/".join(path.parts[-3:])] = member
    if not found:
        raise not_the_data_set(archive)
    return found[min(found, key=lambda folder: len(folder.parts))]


def not_the_data_set(source: Path) -> UnusableData:
    """The error for a place that holds something else."""
    return UnusableData(
        "layout-unknown",
        f"{source} does not hold train/ and test/ of the Kermany data set.",
        remedy="Name the folder or archive that holds train/NORMAL, train/PNEUMONIA and so on (often called chest_xray).",
    )


def refuse_full_disk(folder: Path, needed_bytes: int) -> None:
    """`UnusableOutput` where the disk of `folder` has less than `needed_bytes` left."""
    there = next(path for path in [folder.absolute(), *folder.absolute().parents] if path.exists())
    free_bytes = shutil.disk_usage(there).free
    if free_bytes < needed_bytes:
        raise UnusableOutput(
            "disk-full",
            f"The disk of {folder} has {free_bytes / 1e9:.1f} GB left; {needed_bytes / 1e9:.1f} GB are needed.",
            remedy="Free space, or choose a folder on another disk.",
        )


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn what the system says of a full or closed disk into `UnusableOutput`."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        raise UnusableOutput(
            "disk-full" if full else "output-unwritable",
            f"{folder} cannot be written ({error.strerror or error}).",
            remedy="Free space or choose another folder; what is there is kept and the same command goes on from there.",
        ) from error
