from pathlib import Path, PurePosixPath

import pytest

from pneumoscope.errors import RefusedRadiograph
from pneumoscope.inference.sources import sources_of


def names(*arguments, leave_out=()) -> list[str]:
    return [str(source.name) for source in sources_of([str(entry) for entry in arguments], leave_out=leave_out)]


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("films/b/2.png", "films/a/1.png", "films/.hidden", "films/out/old.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "films"


def test_a_folder_is_walked_in_order_and_keeps_its_shape(folder):
    assert names(folder) == ["films/a/1.png", "films/b/2.png", "films/out/old.png"]


def test_the_output_folder_is_left_out(folder):
    assert names(folder, leave_out=[folder / "out"]) == ["films/a/1.png", "films/b/2.png"]


def test_a_file_goes_by_its_name_and_standard_input_by_its_own(folder):
    assert names(folder / "a/1.png", "-") == ["1.png", "standard-input"]


def test_two_of_one_name_are_told_apart_whatever_their_order(folder, tmp_path):
    other = tmp_path / "1.png"
    other.write_bytes(b"y")
    forwards, backwards = names(folder / "a/1.png", other), names(other, folder / "a/1.png")
    assert len(set(forwards)) == 2
    assert forwards == backwards[::-1]


def test_the_same_file_twice_is_refused(folder):
    with pytest.raises(RefusedRadiograph, match="named-twice"):
        names(folder / "a/1.png", folder / "a/1.png")


def test_a_file_that_is_not_there_still_is_a_source_that_is_refused_when_read(tmp_path):
    (source,) = sources_of([str(tmp_path / "none.png")])
    assert source.name == PurePosixPath("none.png")
    with pytest.raises(RefusedRadiograph, match="not-found"):
        source.read()
