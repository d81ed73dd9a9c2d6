"""Paths, folders, provenance, threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.radiograph import reading
from pneumoscope.radiograph.reading import radiograph_files, radiograph_from_bytes, read_radiograph
from support.dicom_makers import dicom_bytes
from support.phantom import chest_phantom
from support.refusals import picture_bytes

GRAY = chest_phantom(256, 240, np.random.default_rng(4))
PNG = picture_bytes(Image.fromarray(GRAY), "PNG")


def refused(path: Path) -> RefusedRadiograph:
    with pytest.raises(RefusedRadiograph) as caught:
        read_radiograph(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert caught.value.__context__ is None
    return caught.value


def test_a_file_is_what_its_bytes_are_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "chest.dcm.jpeg.txt"
    path.write_bytes(PNG)
    radiograph = read_radiograph(path)
    assert np.array_equal(radiograph.gray, GRAY)
    assert radiograph.media_type == "image/png"
    assert radiograph.source == str(path)
    assert radiograph.sha256 == hashlib.sha256(PNG).hexdigest()
    assert (radiograph.rows_px, radiograph.columns_px) == (256, 240)
    assert radiograph.pixels.dtype == np.float32
    assert np.allclose(radiograph.pixels, GRAY / 255)
    assert (radiograph.age_years, radiograph.sex, radiograph.view_position) == (None, None, None)


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.png").code == "not-found"
    assert refused(tmp_path / ("x" * 5_000)).code == "not-found"
    assert refused(Path("zero\0byte")).code == "not-found"


def test_a_folder_is_named_one(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "is-a-folder"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe").code == "not-a-picture"


def test_a_link_that_leads_to_itself_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refused(tmp_path / "loop").code == "not-found"


def test_a_file_that_may_not_be_read_is_not_permitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "chest.png"
    path.write_bytes(PNG)
    monkeypatch.setattr(reading, "open", forbidden, raising=False)
    assert refused(path).code == "not-permitted"


def test_a_file_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "giant.tiff"
    with path.open("wb") as file:
        file.truncate(600 * 1024 * 1024)  # sparse: it takes no room
    refusal = refused(path)
    assert refusal.code == "too-large"
    assert "629,145,600 bytes" in refusal.message


def test_an_empty_file_is_named_one(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    assert refused(tmp_path / "empty.png").code == "empty-file"


def test_bytes_are_refused_under_the_name_they_are_given() -> None:
    with pytest.raises(RefusedRadiograph) as caught:
        radiograph_from_bytes(b"text", "standard input")
    assert caught.value.message.startswith("standard input: ")


def test_a_folder_is_walked_sorted_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/10.png", "a.txt", "c", ".hidden", ".git/config", "out/scores.csv", "b/.DS_Store"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = [str(path.relative_to(tmp_path)) for path in radiograph_files(tmp_path, leave_out=[tmp_path / "b/../out"])]
    assert files == ["a.txt", "b/10.png", "b/2.png", "c"]


def test_links_between_folders_do_not_lead_round(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/chest.png").touch()
    (tmp_path / "a/up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "broken").symlink_to(tmp_path / "none")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    os.mkfifo(tmp_path / "pipe")
    assert list(radiograph_files(tmp_path)) == [tmp_path / "a/chest.png"]


def test_a_linked_folder_elsewhere_is_walked(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive/chest.png").touch()
    (tmp_path / "here").mkdir()
    (tmp_path / "here/link").symlink_to(tmp_path / "archive")
    assert list(radiograph_files(tmp_path / "here")) == [tmp_path / "here/link/chest.png"]


def test_a_folder_that_may_not_be_opened_is_given_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "open.png").touch()
    scandir = os.scandir

    def guarded(path: str | Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(reading.os, "scandir", guarded)
    assert list(radiograph_files(tmp_path)) == [tmp_path / "closed", tmp_path / "open.png"]
    assert refused(tmp_path / "closed").code == "not-permitted"


def test_a_missing_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(RefusedRadiograph) as caught:
        next(radiograph_files(tmp_path / "none"))
    assert caught.value.code == "not-found"


def test_threads_read_the_same_as_one() -> None:
    files = [PNG, dicom_bytes(GRAY), dicom_bytes(GRAY, transfer_syntax="1.2.840.10008.1.2.5")] * 8
    with ThreadPoolExecutor(4) as pool:
        radiographs = list(pool.map(lambda data: radiograph_from_bytes(data, "file"), files))
    assert all(np.array_equal(radiograph.gray, GRAY) for radiograph in radiographs)


def test_pydicom_and_the_decoders_are_imported_only_when_needed() -> None:
    program = (
        "import sys; from pneumoscope.radiograph.reading import radiograph_from_bytes;"
        "before = set(sys.modules); radiograph_from_bytes(sys.stdin.buffer.read(), 'file');"
        "print(sorted({'pydicom', 'PIL.TiffImagePlugin', 'PIL.JpegImagePlugin', 'PIL.WebPImagePlugin'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], input=PNG, capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
    assert done.stderr == b""
