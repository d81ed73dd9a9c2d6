from dataclasses import replace

import pytest

from pneumoscope.errors import UnusableData, UnusableOutput
from pneumoscope.inference import score_file
from pneumoscope.inference.score_file import ScoreFile, appending, unreadable_list
from pneumoscope.inference.score_origin import BundleIdentity, ScoreOrigin, origin_beside
from support.full_disk import files_of_at_most

COLUMNS = ("path", "logit")
ORIGIN = ScoreOrigin(BundleIdentity("net", "1", "ab"), 1.0, 0.5, "films", "test", None, None, "2026-01-01")
PATHS = ["a.png", "b.png", 'c "1", d.png', "e.png"]


@pytest.fixture
def file(tmp_path):
    return ScoreFile(tmp_path / "scores.csv")


def begun(file, *, resume=False, origin=ORIGIN, columns=COLUMNS, paths=PATHS):
    return file.begin(columns, origin, paths, resume=resume)


def append(file, *paths):
    with appending(file.partial) as writer:
        for path in paths:
            writer.write([path, "0.25"])


def test_a_new_table_is_partial_until_it_is_finished(file):
    assert begun(file) == set()
    append(file, "a.png")
    assert not file.path.exists()
    assert file.partial.read_text() == "path,logit\na.png,0.25\n"
    file.finish()
    assert file.path.read_text() == "path,logit\na.png,0.25\n"
    assert origin_beside(file.path) == ORIGIN
    assert {path.name for path in file.path.parent.iterdir()} == {"scores.csv", "scores.origin.json"}


@pytest.mark.parametrize("cut", range(1, 22))
@pytest.mark.parametrize("block", [3, 2**16])
def test_a_line_that_was_cut_off_anywhere_is_scored_again(file, cut, block, monkeypatch):
    monkeypatch.setattr(score_file, "BLOCK", block)
    begun(file)
    append(file, *PATHS[:3])
    file.partial.write_bytes(file.partial.read_bytes()[:-cut])
    assert begun(file, resume=True) == set(PATHS[:2])
    append(file, *PATHS[2:])
    assert file.partial.read_text() == 'path,logit\na.png,0.25\nb.png,0.25\n"c ""1"", d.png",0.25\ne.png,0.25\n'


def test_partial_work_is_not_thrown_away(file):
    begun(file)
    append(file, "a.png")
    with pytest.raises(UnusableOutput, match=r"scores-unfinished.*--resume"):
        begun(file)
    assert "a.png" in file.partial.read_text()


def test_resuming_a_finished_table_takes_up_its_rows(file):
    begun(file)
    append(file, "a.png")
    file.finish()
    assert begun(file, resume=True) == {"a.png"}
    file.finish()
    assert file.path.read_text() == "path,logit\na.png,0.25\n"


def test_resuming_where_nothing_was_begins(file):
    assert begun(file, resume=True) == set()
    assert file.partial.exists()


def test_a_finished_table_stays_until_a_new_one_is_whole(file):
    begun(file)
    append(file, "a.png")
    file.finish()
    begun(file, origin=replace(ORIGIN, slope=2.0))
    assert "a.png" in file.path.read_text()
    assert origin_beside(file.path) == ORIGIN


@pytest.mark.parametrize(
    "changes",
    [{"slope": 2.0}, {"bundle": BundleIdentity("net", "1", "cd")}, {"manifest_sha256": "ef"}, {"split": None}],
    ids=str,
)
def test_scores_of_another_origin_are_never_mixed(file, changes):
    begun(file)
    with pytest.raises(UnusableData, match="scores-differ"):
        begun(file, resume=True, origin=replace(ORIGIN, **changes))


def test_when_it_was_begun_and_what_the_folder_is_called_does_not_matter(file):
    begun(file)
    assert begun(file, resume=True, origin=replace(ORIGIN, made="later", data="moved")) == set()


def test_other_columns_or_radiographs_are_refused(file):
    begun(file)
    append(file, "a.png")
    with pytest.raises(UnusableData, match=r"another version.*scores-differ"):
        begun(file, resume=True, columns=("path", "logit", "more"))
    with pytest.raises(UnusableData, match=r"a\.png.*scores-differ"):
        begun(file, resume=True, paths=["b.png"])


def test_a_table_of_unknown_origin_is_not_gone_on_with(file):
    file.path.write_text("path,logit\na.png,0.25\n")
    with pytest.raises(UnusableData, match="scores-differ"):
        begun(file, resume=True)
    assert file.path.exists()


def test_a_garbled_origin_says_what_to_do(file):
    begun(file)
    file.partial_origin.write_text('{"bundle": 3}')
    with pytest.raises(UnusableData, match="origin-unreadable"):
        begun(file, resume=True)


def test_a_full_disk_keeps_the_lines_that_were_written(file):
    begun(file)
    with files_of_at_most(30), pytest.raises(UnusableOutput, match="output-unwritable"):
        append(file, *PATHS)
    assert begun(file, resume=True) == {"a.png"}


def test_the_list_of_what_could_not_be_read_is_there_only_where_it_holds_something(file):
    with unreadable_list(file.unreadable):
        pass
    assert not file.unreadable.exists()
    with unreadable_list(file.unreadable) as refused:
        refused.write(["x.png", "truncated", "cut, off", "again"])
    assert file.unreadable.read_text() == 'path,code,message,remedy\nx.png,truncated,"cut, off",again\n'
