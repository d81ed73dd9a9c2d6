import hashlib

import pytest

from pneumoscope.inference.radiograph_list import radiograph_list_sha256

ONE, TWO, THREE = (hashlib.sha256(name.encode()).hexdigest() for name in ("one", "two", "three"))
ROWS = [("b.png", ONE), ("a.png", TWO), ("c.png", THREE)]


@pytest.fixture
def table(tmp_path):
    def table(rows, header="path,sha256"):
        path = tmp_path / "scores.csv"
        path.write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
        return path

    return table


def test_it_is_the_checksum_of_what_sha256sum_prints_sorted_by_path(table):
    expected = hashlib.sha256(f"{TWO}  a.png\n{ONE}  b.png\n".encode()).hexdigest()
    assert radiograph_list_sha256(table(ROWS), ["b.png", "a.png"]) == expected
    assert radiograph_list_sha256(table(ROWS[::-1], "ID,SHA256"), ["a.png", "b.png"]) == expected


def test_another_file_or_another_radiograph_gives_another_checksum(table):
    before = radiograph_list_sha256(table(ROWS), ["a.png", "b.png"])
    assert radiograph_list_sha256(table(ROWS), ["a.png", "c.png"]) != before
    assert radiograph_list_sha256(table([("b.png", THREE), *ROWS[1:]]), ["a.png", "b.png"]) != before


@pytest.mark.parametrize("cell", ["", "abc", "no hex", ONE[:-2]])
def test_a_list_of_which_a_checksum_is_not_known_has_none(table, cell):
    assert radiograph_list_sha256(table([("b.png", cell), *ROWS[1:]]), ["a.png", "b.png"]) is None


def test_a_table_without_checksums_has_none(table):
    assert radiograph_list_sha256(table(ROWS, "path,label"), ["a.png"]) is None
    assert radiograph_list_sha256(table(ROWS), ["a.png", "missing.png"]) is None
