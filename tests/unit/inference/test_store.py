from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from pneumoscope.errors import UnusableOutput
from pneumoscope.inference.sources import Source
from pneumoscope.inference.store import ResultStore
from pneumoscope.whole_file import write_whole


@pytest.fixture
def source(tmp_path) -> Source:
    (tmp_path / "film.png").write_bytes(b"film")
    return Source(tmp_path / "film.png", PurePosixPath("a/film.png"))


@pytest.fixture
def store(tmp_path) -> ResultStore:
    return ResultStore.create(tmp_path / "out")


RESULT = {
    "schema_version": 1,
    "error": None,
    "sha256": "1854bccde95690f91abd1fc1ee50b2eea7e9b02ce70e8823d7db2b7506f35cf7",
    "operating_point": "balanced",
}


@pytest.fixture
def sha256(source):
    import hashlib

    return hashlib.sha256(source.path.read_bytes()).hexdigest()


def test_what_is_done_is_found_again(store, source, sha256):
    result = RESULT | {"sha256": sha256}
    store.write_result(source, result)
    assert store.finished(source, {"operating_point": "balanced"}, suffixes=(".json",)) == result


@pytest.mark.parametrize(
    ("change", "expected", "suffixes"),
    [
        ({}, {"operating_point": "screening"}, (".json",)),
        ({}, {}, (".json", ".overlay.png")),
        ({"sha256": "0" * 64}, {}, (".json",)),
        ({"error": {"code": "truncated"}}, {}, (".json",)),
    ],
)
def test_what_was_made_otherwise_or_refused_or_is_not_whole_is_done_again(
    store, source, sha256, change, expected, suffixes
):
    store.write_result(source, RESULT | {"sha256": sha256} | change)
    assert store.finished(source, expected, suffixes=suffixes) is None


def test_a_garbled_result_is_done_again(store, source):
    store.write_result(source, RESULT)
    Path(store.file(source, ".json")).write_text("{")
    assert store.finished(source, {}, suffixes=(".json",)) is None


def test_maps_are_kept_as_float32(store, source):
    place = store.write_map(source, np.array([[1.5, -2.5]], np.float32))
    assert place == "a/film.png.npy"
    written = np.load(store.folder / place)
    assert written.tolist() == [[1.5, -2.5]]
    assert written.dtype == np.float32


def test_results_come_one_by_one_in_order_and_strangers_are_passed_over(store, source):
    for name in ("b.png", "a.png"):
        store.write_result(Source(None, PurePosixPath(name)), RESULT | {"file": name})
    (store.folder / "package.json").write_text('{"name": "stranger"}')
    (store.folder / "broken.json").write_text("{")
    assert [result["file"] for result in store.results()] == ["a.png", "b.png"]


def test_writing_where_it_cannot_be_says_so_and_leaves_nothing(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnusableOutput, match="output-name-impossible"):
        write_whole(tmp_path / "file" / "below.json", b"{}")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(UnusableOutput, match="output-name-impossible"):
        write_whole(tmp_path / "folder.json", b"{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.json"]
