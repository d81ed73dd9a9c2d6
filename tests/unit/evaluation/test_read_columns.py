import tracemalloc

import numpy as np
import pytest

from pneumoscope.errors import UnusableData
from pneumoscope.evaluation.columns import Categories
from pneumoscope.evaluation.read_columns import read_score_columns

GOOD = "path,label,probability\na.png,PNEUMONIA,0.9\nb.png,NORMAL,0.2\n"


@pytest.fixture
def read(tmp_path):
    def from_text(content: str | bytes):
        path = tmp_path / "scores.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_score_columns(path)

    return from_text


def test_the_least_that_a_table_needs(read):
    table = read(GOOD)
    assert list(table.paths) == ["a.png", "b.png"]
    assert table.labels.tolist() == [True, False]
    assert table.probabilities.tolist() == [0.9, 0.2]
    assert table.logits is None
    assert table.patients is None
    assert table.unit == "radiograph"


def test_our_own_table_is_read_with_patients_logits_and_subtypes(read):
    table = read(
        "path,patient,subtype,has_finding,logit,probability\n"
        "a.png,p1,viral,True,2.5,0.9\nb.png,p1,viral,True,1,0.7\nc.png,p2,,False,-3,0.1\n"
    )
    assert table.labels.tolist() == [True, True, False]
    assert table.ranking_scores.tolist() == [2.5, 1, -3]
    assert table.patient_numbers.tolist() == [0, 0, 1]
    subtype = table.extras["subtype"]
    assert isinstance(subtype, Categories)
    assert [subtype.names[code] for code in subtype.codes] == ["viral", "viral", ""]


@pytest.mark.parametrize(
    ("positive", "negative"),
    [("PNEUMONIA", "NORMAL"), ("pneumonia", "normal"), ("1", "0"), ("True", "False"), ("positive", "negative")],
)
def test_labels_are_written_in_several_ways(read, positive, negative):
    assert read(f"id,label,score\na,{positive},0.5\nb,{negative},0.5\n").labels.tolist() == [True, False]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_may_be_separated_in_several_ways_and_stand_in_any_order(read, separator):
    text = "Score,Patient,ID,Label\n0.25,x,a,1\n0.5,y,b,0\n".replace(",", separator)
    table = read(b"\xef\xbb\xbf" + text.encode())
    assert table.probabilities.tolist() == [0.25, 0.5]
    assert list(table.paths) == ["a", "b"]


def test_logits_alone_are_turned_into_probabilities(read):
    table = read("path,label,logit\na,1,0\nb,0,-800\n")
    assert table.probabilities.tolist() == [0.5, 0]
    assert table.ranking_scores.tolist() == [0, -800]


def test_a_radiograph_without_a_patient_is_a_patient_of_its_own(read):
    table = read("path,label,score,patient\na,1,0.5,\nb,0,0.5,\nc,0,0.5,p\nd,0,0.1,p\n")
    assert table.patient_numbers.tolist() == [0, 1, 2, 2]


def test_further_columns_are_kept_as_numbers_or_names_and_identifiers_are_not(read):
    lines = [f"{n}.png,{n % 2},0.5,{n * 1.5},{'AP' if n % 3 else 'PA'},uid-{n},{n % 5}" for n in range(1100)]
    table = read("path,label,score,sharpness,view,uid,fold\n" + "\n".join(lines))
    assert set(table.extras) == {"sharpness", "view", "fold"}
    assert table.extras["sharpness"].tolist() == [n * 1.5 for n in range(1100)]
    assert set(table.extras["view"].names) == {"AP", "PA"}
    assert table.extras["fold"].names == ("0", "1", "2", "3", "4")


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("", "scores-empty", "is empty"),
        ("\n\n", "scores-empty", "is empty"),
        ("path,label,probability\n", "scores-empty", "no rows"),
        ("a.png,PNEUMONIA,0.9\nb.png,NORMAL,0.2\n", "scores-header", "line 1"),
        ("path,label\na.png,NORMAL\n", "scores-columns", "no column probability"),
        ("path,probability\na.png,0.5\n", "scores-columns", "no column label"),
        ("label,probability\n1,0.5\n", "scores-columns", "no column path"),
        ("path,label,label,score\na,1,1,0.5\n", "scores-columns", "label stands there twice"),
        (GOOD + "c.png,COVID,0.4\n", "scores-row", "line 4: the label 'COVID'"),
        (GOOD + "c.png,NORMAL\n", "scores-row", "line 4: 2 cells under 3"),
        (GOOD + "c.png,NORMAL,0.4,x\n", "scores-row", "line 4: 4 cells under 3"),
        (GOOD + ",NORMAL,0.4\n", "scores-row", "line 4: the path is empty"),
        (GOOD + "a.png,PNEUMONIA,0.9\n", "row-twice", "line 4: a.png stands in line 2"),
        (GOOD + "c.png,NORMAL,nan\n", "score-impossible", "line 4: 'nan'"),
        (GOOD + "c.png,NORMAL,inf\n", "score-impossible", "line 4: 'inf'"),
        (GOOD + "c.png,NORMAL,\n", "score-impossible", "line 4: ''"),
        (GOOD + "c.png,NORMAL,1.01\n", "score-impossible", "line 4: '1.01'"),
        (GOOD + "c.png,NORMAL,-0.1\n", "score-impossible", "line 4: '-0.1'"),
        (GOOD + "c.png,NORMAL,high\n", "score-impossible", "line 4: 'high'"),
        ("path,label,logit\na,1,inf\n", "score-impossible", "finite logit"),
        ("path,label,score\na,1,0.5\nb,1,0.4\n", "one-class-only", "lines 2 to 3"),
        (GOOD.encode() + b"caf\xe9.png,NORMAL,0.2\n", "table-unreadable", "line 4"),
        (GOOD.encode("utf-16"), "table-unreadable", "line 1"),
        (GOOD + '"c.png,NORMAL,0.2\n', "table-unreadable", "line 4"),
    ],
)
def test_what_cannot_be_used_is_refused_with_line_and_remedy(read, content, code, said):
    with pytest.raises(UnusableData) as refusal:
        read(content)
    assert refusal.value.code == code
    assert said in refusal.value.message
    assert refusal.value.remedy


def test_a_file_that_is_not_there_is_one_of_our_errors(tmp_path):
    with pytest.raises(UnusableData, match="table-unreadable"):
        read_score_columns(tmp_path / "none.csv")


def test_a_row_takes_few_bytes_however_many_columns_stand_beside_it(tmp_path):
    """Bounded: 8,000 rows with an identifier that makes no groups; a million measured the same way stays near 300 MiB."""
    path = tmp_path / "many.csv"
    with path.open("w") as file:
        file.write("path,label,probability,logit,patient,uid\n")
        file.writelines(f"{n:07d}.png,{n % 2},0.5,0.25,patient{n // 2},1.2.840.{n}\n" for n in range(8_000))
    tracemalloc.start()
    try:
        table = read_score_columns(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(table) == 8_000
    assert peak < 8_000 * 400
    assert np.isclose(table.probabilities, 0.5).all()
